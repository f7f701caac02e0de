#include "net/http_lane_options.h"

#include <algorithm>

namespace ia {

using std::chrono::milliseconds;

constexpr std::size_t kPipeliningMax = 64;
constexpr double kRateMax = 1e9;
constexpr milliseconds kTickMax{1'000};

Status check(const HttpLaneOptions& o) {
  const auto wrong = [](const char* what) -> Status {
    return fail(Errc::kInvalid, std::string("fetching: the ") + what);
  };
  const auto shortest = std::min({o.connect_timeout, o.request_timeout, o.stall_timeout,
                                  o.idle_timeout, o.retry_base, o.pause, o.probe_every});
  if (o.max_connections < 1) return wrong("connections must be at least 1");
  if (o.pipelining < 1 || o.pipelining > kPipeliningMax) {
    return wrong("pipelining must be from 1 (off) to 64");
  }
  if (!(o.rate_per_second >= 0 && o.rate_per_second <= kRateMax)) {
    return wrong("rate must be from 0 (unlimited) to a billion a second");
  }
  if (o.tick.count() < 1 || o.tick > kTickMax) return wrong("tick must be from 1 ms to 1 s");
  if (shortest.count() < 1) return wrong("timeouts and waits must be at least 1 ms");
  return {};
}

}  // namespace ia
