#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "net/reply_times.h"
#include "net/throttle.h"
#include "ports/provider.h"

namespace ia {

// How many requests a host gets: the devices of net/throttle.h put together, the pauses that the
// host asks for, and whether pipelining works with it. Each request is begun, and later replied
// to, lost or unsent. Tells the log when any of it changes. Time is passed in. One thread.
class Governor {
 public:
  struct Options {
    double rate_per_second = 0;  // 0: unlimited
    std::chrono::milliseconds tick{4};
    std::size_t max_connections = 1024;
    std::size_t pipelining = 1;
    std::chrono::milliseconds retry_base{kRetryBase};
    std::chrono::milliseconds pause{1'000};
    std::chrono::milliseconds breaker_pause{kBreakerPause};
    std::uint64_t seed = 1;
  };
  Governor(const Options& options, Log& log);

  void set_rate(double per_second);
  bool unlimited() const { return bucket_.unlimited(); }
  // How many requests may begin now.
  std::size_t capacity(MonoTime now);
  // How many requests go on a connection at once.
  std::size_t depth(MonoTime now) const { return now < unpipelined_until_ ? 1 : pipelining_; }
  // Why nobody was asked for lately.
  MissReason holdup(MonoTime now) const;

  void on_begin(std::size_t count);
  // How requests end. A reply came, which is one of the four that follow.
  void on_reply(std::chrono::nanoseconds time) { --in_flight_, times_.add(time); }
  void on_value(MonoTime now);
  void on_denial() { breaker_.on_success(); }
  void on_failed_reply(MonoTime now, MissReason reason) { count_failure(now, reason); }
  // 429, or 503 with Retry-After, which says `wait`: nothing begins until then. Never makes a pause
  // shorter. A host that answers so is not down: the breaker is content.
  void on_limit(MonoTime now, std::chrono::nanoseconds time,
                std::optional<std::chrono::seconds> wait, std::string_view cause);
  // No reply will come.
  void on_lost(MonoTime now, MissReason reason);
  // The host never saw them.
  void on_unsent(std::size_t count) { in_flight_ -= count, breaker_.on_unsent(count); }
  // Nor can it be reached.
  void on_unreachable(std::size_t count, MonoTime now, MissReason reason);

  // Whether the budget allows a retry, which is taken from it.
  bool take_retry() { return budget_.take(); }
  std::chrono::milliseconds backoff(std::uint32_t attempt) {
    return full_jitter(attempt, retry_base_, random_);
  }
  // One request at a time, for five minutes.
  void stop_pipelining(MonoTime now);

  // Now and then.
  void refresh(MonoTime now);
  // Fills in what is the governor's.
  void tell(ProviderHealth& health) const;

 private:
  double burst_of(double rate) const;
  void count_failure(MonoTime now, MissReason reason);

  std::chrono::milliseconds tick_, retry_base_, pause_;
  std::size_t pipelining_;
  TokenBucket bucket_;
  AimdLimit limit_;
  RetryBudget budget_;
  Breaker breaker_;
  ReplyTimes times_;
  std::mt19937_64 random_;
  std::size_t in_flight_ = 0;
  MonoTime paused_until_{}, unpipelined_until_{}, fade_at_{};
  MissReason last_failure_ = MissReason::kConnection;
  StateLog breaker_state_, pause_state_, pipeline_state_;
};

}  // namespace ia
