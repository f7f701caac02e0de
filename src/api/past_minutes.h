#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <vector>

#include "api/later.h"
#include "api/observed.h"
#include "core/minute_board.h"

namespace ia {

// Whose rank, in which minutes: the multiples of the step since 1970 that are in the range.
struct RankQuestion {
  InfluencerId influencer;
  MinuteRange range;
  std::chrono::minutes step{1};
  std::vector<Minute> minutes() const;
  friend bool operator==(const RankQuestion&, const RankQuestion&) = default;
};

// Everyone who had a value in a past minute.
struct PastBoard : MinuteBoard {
  PastBoard(Minute minute, MinuteColumns columns)
      : MinuteBoard(minute, std::move(columns.influencers), std::move(columns.followers),
                    std::move(columns.following)),
        is_damaged(columns.damaged) {}
  bool is_damaged = false;  // some influencers' values may be missing
};

struct RankHistory {
  std::vector<RankAt> ranks;
  std::size_t bytes() const { return sizeof *this + ranks.size() * sizeof(RankAt); }
};

// What everyone had in past minutes, and who had which rank, as the store has it: read at the first
// question, later (later.h), and kept while there is room: for good once no value of it can come
// any more, else for some seconds. Costs: docs/history.md. Safe from any thread.
class PastMinutes {
 public:
  // Three minutes of a million.
  static constexpr std::size_t kBoardBytesMax = std::size_t{96} << 20;
  static constexpr std::size_t kRankBytesMax = std::size_t{4} << 20;

  PastMinutes(const ApiContext& context, Observed& observed);

  // As Later::get.
  std::expected<std::shared_ptr<const PastBoard>, Problem> board(Minute minute);
  std::expected<std::shared_ptr<const RankHistory>, Problem> ranks(const RankQuestion& question);

  // What makes them: for those who wait.
  LaterThread& thread() { return thread_; }

 private:
  std::chrono::seconds good_for(Minute last);

  const ApiContext& context_;
  Observed& observed_;
  LaterThread thread_{context_.clock};
  Later<Minute, PastBoard> boards_;
  Later<RankQuestion, RankHistory> ranks_;
};

}  // namespace ia
