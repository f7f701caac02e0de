#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <vector>

#include "api/observed.h"
#include "api/past/later.h"
#include "api/past/rank_count.h"
#include "core/minute_board.h"

namespace ia {

// Everyone who had a value in a past minute.
struct PastBoard : MinuteBoard {
  PastBoard(Minute minute, MinuteColumns columns)
      : MinuteBoard(minute, std::move(columns.influencers), std::move(columns.followers),
                    std::move(columns.following)),
        is_damaged(columns.damaged) {}
  bool is_damaged = false;  // some influencers' values may be missing
};

// What everyone had in past minutes, and who had which rank, as the store has it: read at the first
// question, later (later.h), and kept while there is room: for good once no value of it can come
// any more, else for some seconds. Costs: docs/history.md. Safe from any thread.
class PastMinutes {
 public:
  // A minute of a million.
  static constexpr std::size_t kBoardBytesMax = std::size_t{32} << 20;

  PastMinutes(const ApiContext& context, Observed& observed);

  // As Later::get.
  std::expected<std::shared_ptr<const PastBoard>, Problem> board(Minute minute,
                                                                 std::uint64_t client);
  // Ranks that are counted, or being counted now. 429 or 503 when that cannot begin.
  std::expected<std::shared_ptr<RankCount>, Problem> ranks(const RankQuestion& question,
                                                           std::uint64_t client);

  // What makes them: for those who wait.
  LaterThread& thread() { return thread_; }

 private:
  std::chrono::seconds good_for(Minute last);

  const ApiContext& context_;
  Observed& observed_;
  LaterThread thread_{context_.clock};
  Later<Minute, PastBoard> boards_;
  RankCounts ranks_;
};

}  // namespace ia
