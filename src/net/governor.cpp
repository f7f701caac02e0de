#include "net/governor.h"

#include <algorithm>
#include <string>

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLimitStart = 64;
constexpr std::size_t kLimitFloor = 4;
constexpr milliseconds kUnpipelinedFor{300'000};
constexpr milliseconds kPauseJitterMax{500};
constexpr milliseconds kFadeEvery{30'000};

}  // namespace

Governor::Governor(const Options& options, Log& log)
    : tick_(options.tick),
      retry_base_(options.retry_base),
      pause_(options.pause),
      pipelining_(options.pipelining),
      bucket_(options.rate_per_second, burst_of(options.rate_per_second)),
      limit_(kLimitStart * pipelining_, kLimitFloor, options.max_connections * pipelining_),
      breaker_(options.seed + 1, options.breaker_pause),
      random_(options.seed),
      breaker_state_(log, "network"),
      pause_state_(log, "network"),
      pipeline_state_(log, "network") {}

// A hundredth of a second's requests, or two ticks' when ticks are so long that it would not last.
double Governor::burst_of(double rate) const {
  const std::chrono::duration<double> two_ticks = tick_ * 2;
  return std::max(16.0, rate * std::max(0.01, two_ticks.count()));
}

void Governor::set_rate(double per_second) {
  bucket_ = TokenBucket(per_second, burst_of(per_second));
}

std::size_t Governor::capacity(MonoTime now) {
  if (now < paused_until_) return 0;
  const auto room = limit_.limit() > in_flight_ ? limit_.limit() - in_flight_ : 0;
  return std::min({room, bucket_.available(now), breaker_.allowed(now)});
}

MissReason Governor::holdup(MonoTime now) const {
  if (breaker_.open()) return last_failure_;
  return now < paused_until_ ? MissReason::kRateLimited : MissReason::kOverrun;
}

void Governor::on_begin(std::size_t count) {
  bucket_.take(count);
  breaker_.on_begin(count);
  in_flight_ += count;
}

void Governor::on_value(MonoTime now) {
  limit_.on_success(in_flight_ + 1);
  budget_.on_success();
  breaker_.on_success();
  if (now >= paused_until_) pause_state_.recovered("the network's rate limit is over");
  if (!breaker_.open()) breaker_state_.recovered("requests go on");
}

void Governor::on_limit(MonoTime now, std::chrono::nanoseconds time,
                        std::optional<std::chrono::seconds> wait, std::string_view cause) {
  breaker_.on_success();
  limit_.on_trouble(now, time);
  const auto least = wait ? milliseconds{*wait} : pause_;
  if (now + least <= paused_until_) return;
  const auto spread = std::min(kPauseJitterMax, least / 2).count();
  const milliseconds jitter{std::uniform_int_distribution<std::int64_t>(0, spread)(random_)};
  paused_until_ = now + least + jitter;
  pause_state_.failing("the network limits the rate: waiting", std::string(cause));
}

void Governor::on_lost(MonoTime now, MissReason reason) {
  --in_flight_;
  if (reason == MissReason::kTimeout || reason == MissReason::kConnection) {
    limit_.on_trouble(now, times_.quantile(0.5));
  }
  count_failure(now, reason);
}

void Governor::on_unreachable(std::size_t count, MonoTime now, MissReason reason) {
  in_flight_ -= count;
  limit_.on_trouble(now, times_.quantile(0.5));
  count_failure(now, reason);
}

void Governor::count_failure(MonoTime now, MissReason reason) {
  last_failure_ = reason;
  breaker_.on_failure(now);
  if (!breaker_.open()) return;
  breaker_state_.failing("nearly everything fails: requests pause", std::string(name_of(reason)));
}

void Governor::stop_pipelining(MonoTime now) {
  unpipelined_until_ = now + kUnpipelinedFor;
  pipeline_state_.failing("pipelining does not work: one request at a time for five minutes",
                          "replies are missing or crossed");
}

void Governor::refresh(MonoTime now) {
  if (now >= unpipelined_until_) pipeline_state_.recovered("requests are pipelined again");
  if (now < fade_at_) return;
  fade_at_ = now + kFadeEvery;
  times_.fade();
}

void Governor::tell(ProviderHealth& health) const {
  health.in_flight = in_flight_;
  health.in_flight_limit = limit_.limit();
  health.breaker_open = breaker_.open();
  health.p50 = times_.quantile(0.5);
  health.p99 = times_.quantile(0.99);
}

}  // namespace ia
