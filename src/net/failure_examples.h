#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "core/miss.h"
#include "ports/provider.h"

namespace ia {

// The newest failed request per reason, with the first bytes of the reply, as net/excerpt.h shows
// them. Logs one per reason and minute, with the number of those since the last line; what is told
// elsewhere, a rate limit, and what is no trouble, an influencer that the network does not know,
// are kept and not logged. One thread notes; newest is safe from any thread.
class FailureExamples {
 public:
  // A request that failed.
  struct Failure {
    MissReason reason;
    InfluencerId influencer;
    unsigned status = 0;        // 0: no reply came, or none that is HTTP
    std::string_view bytes{};   // the body, or what came instead of a reply
    std::string_view remark{};  // what the bytes do not show
  };

  FailureExamples(Log& log, std::string authority) : log_(log), authority_(std::move(authority)) {}

  // Returns what is kept of it, valid until the next call; null if there are too many to keep each.
  const FailureExample* note(const Failure& failure, WallTime wall, MonoTime now);
  // By reason.
  std::vector<FailureExample> newest() const;

 private:
  struct Known {
    std::optional<FailureExample> example;
    std::uint64_t count = 0;   // since the start
    std::uint64_t logged = 0;  // of them, up to the last line
    std::optional<MonoTime> logged_at, kept_at;
  };

  void log(Known& known, MonoTime now);

  Log& log_;
  std::string authority_;
  mutable std::mutex mutex_;  // over the rest
  std::array<Known, kMissReasonCount> known_{};
};

}  // namespace ia
