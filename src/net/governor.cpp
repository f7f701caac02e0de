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
constexpr LastingLog::Lines kOutageLines{.lasts = "the network is still in trouble",
                                         .ends = "the network answers again"};
constexpr LastingLog::Lines kPauseLines{.lasts = "the network still limits the rate",
                                        .ends = "the network's rate limit is over"};

// What an influencer is missed for that was not requested because of such failures. Nothing that
// was not requested is booked as answered.
MissReason unrequested(MissReason failure) {
  const bool is_unanswered = failure == MissReason::kConnection || failure == MissReason::kTimeout;
  return is_unanswered ? failure : MissReason::kOutage;
}

}  // namespace

Governor::Governor(const Options& options, Log& log)
    : tick_(options.tick),
      retry_base_(options.retry_base),
      pause_(options.pause),
      pipelining_(options.pipelining),
      bucket_(options.rate_per_second, burst_of(options.rate_per_second)),
      limit_(kLimitStart * pipelining_, kLimitFloor, options.max_connections * pipelining_),
      gate_(options.probe_every),
      random_(options.seed),
      outage_log_(log, "network", kOutageLines),
      pause_log_(log, "network", kPauseLines),
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
  return std::min({room, bucket_.available(now), gate_.allowed(now)});
}

MissReason Governor::holdup(MonoTime since, MonoTime now) const {
  if (gate_.held_back_until(now) > since) return unrequested(outage_reason_);
  if (paused_until_ > since) return MissReason::kRateLimited;
  const auto lately = outcomes_.since(since, now);
  if (lately.answers == 0 && lately.unanswered() == 0 && in_flight_ > 0) {
    return MissReason::kTimeout;  // all that was begun still waits for a reply
  }
  if (lately.unanswered() <= lately.answers) return MissReason::kOverrun;
  return lately.timeouts > lately.connections ? MissReason::kTimeout : MissReason::kConnection;
}

void Governor::on_begin(std::size_t count) {
  bucket_.take(count);
  gate_.on_begin(count);
  in_flight_ += count;
}

void Governor::on_value(MonoTime now) {
  limit_.on_success(in_flight_ + 1);
  budget_.on_success();
  count_answer(now);
}

void Governor::on_denial(MonoTime now) { count_answer(now); }

void Governor::count_answer(MonoTime now) {
  if (gate_.is_shut()) limit_.regain();
  gate_.on_success(now);
  outcomes_.add_answer(now);
}

void Governor::on_limit(MonoTime now, std::chrono::nanoseconds time,
                        std::optional<std::chrono::seconds> wait, std::string_view cause) {
  count_answer(now);
  limit_.on_trouble(now, time);
  const auto least = wait ? milliseconds{*wait} : pause_;
  if (now + least <= paused_until_) return;
  const auto spread = std::min(kPauseJitterMax, least / 2).count();
  const milliseconds jitter{std::uniform_int_distribution<std::int64_t>(0, spread)(random_)};
  paused_until_ = now + least + jitter;
  pause_log_.failing(now, "the network limits the rate: waiting", std::string(cause));
}

void Governor::on_lost(MonoTime now, MissReason reason) {
  --in_flight_;
  if (reason == MissReason::kTimeout || reason == MissReason::kConnection) {
    limit_.on_trouble(now, times_.quantile(0.5));
  }
  count_failure(now, reason);
}

void Governor::on_unreachable(std::size_t count, MonoTime now, MissReason reason,
                              std::string cause) {
  in_flight_ -= count;
  limit_.on_trouble(now, times_.quantile(0.5));
  outage_log_.failing(now, "connections to the network fail", std::move(cause));
  count_failure(now, reason);
}

void Governor::on_unresolved(MonoTime now, std::string cause) {
  outage_log_.failing(now, "cannot resolve the network's name", std::move(cause));
}

void Governor::count_failure(MonoTime now, MissReason reason) {
  outcomes_.add_failure(now, reason);
  gate_.on_failure(now);
  if (gate_.is_shut()) outage_reason_ = reason;
}

void Governor::stop_pipelining(MonoTime now) {
  unpipelined_until_ = now + kUnpipelinedFor;
  pipeline_state_.failing("pipelining does not work: one request at a time for five minutes",
                          "replies are missing or crossed");
}

void Governor::refresh(MonoTime now) {
  if (now >= unpipelined_until_) pipeline_state_.recovered("requests are pipelined again");
  if (gate_.is_shut()) {
    outage_log_.failing(now, "nearly every request fails: requests pause",
                        std::string(name_of(outage_reason_)));
  }
  if (now < paused_until_) pause_log_.seen(now);
  outage_log_.refresh(now);
  pause_log_.refresh(now);
  if (now < fade_at_) return;
  fade_at_ = now + kFadeEvery;
  times_.fade();
  if (gate_.is_open()) limit_.remember();
}

void Governor::tell(ProviderHealth& health) const {
  health.in_flight = in_flight_;
  health.in_flight_limit = limit_.limit();
  health.breaker_open = gate_.is_shut();
  health.p50 = times_.quantile(0.5);
  health.p99 = times_.quantile(0.99);
}

}  // namespace ia
