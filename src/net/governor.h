#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "net/lasting_log.h"
#include "net/outage_gate.h"
#include "net/outcomes.h"
#include "net/reply_times.h"
#include "net/throttle.h"
#include "ports/provider.h"

namespace ia {

// How many requests a host gets: the devices of net/throttle.h and the outage gate put together,
// the pauses that the host asks for, and whether pipelining works with it. Each request is begun,
// and later replied to, lost or unsent. Logs when any of it begins, lasts or ends. Time is passed
// in. One thread.
class Governor {
 public:
  struct Options {
    double rate_per_second = 0;  // 0: unlimited
    std::chrono::milliseconds tick{4};
    std::size_t max_connections = 1024;
    std::size_t pipelining = 1;
    std::chrono::milliseconds retry_base{kRetryBase};
    std::chrono::milliseconds pause{1'000};
    std::chrono::milliseconds probe_every{kProbeEvery};
    std::uint64_t seed = 1;
  };
  Governor(const Options& options, Log& log);

  void set_rate(double per_second);
  bool unlimited() const { return bucket_.unlimited(); }
  // How many requests may begin now.
  std::size_t capacity(MonoTime now);
  // How many requests go on a connection at once.
  std::size_t depth(MonoTime now) const { return now < unpipelined_until_ ? 1 : pipelining_; }
  // Why an influencer that was due from `since` on has not been requested: what held requests back
  // meanwhile, or kOverrun.
  MissReason holdup(MonoTime since, MonoTime now) const;

  void on_begin(std::size_t count);
  // How requests end. A reply came, which is one of the four that follow.
  void on_reply(std::chrono::nanoseconds time) { --in_flight_, times_.add(time); }
  void on_value(MonoTime now);
  void on_denial(MonoTime now);
  void on_failed_reply(MonoTime now, MissReason reason) { count_failure(now, reason); }
  // 429, or 503 with Retry-After, which says `wait`: nothing begins until then. Never makes a pause
  // shorter. A host that answers so is not out.
  void on_limit(MonoTime now, std::chrono::nanoseconds time,
                std::optional<std::chrono::seconds> wait, std::string_view cause);
  // No reply will come.
  void on_lost(MonoTime now, MissReason reason);
  // The host never saw them.
  void on_unsent(std::size_t count) { in_flight_ -= count, gate_.on_unsent(count); }
  // Nor can it be reached: `cause` says why, for the log.
  void on_unreachable(std::size_t count, MonoTime now, MissReason reason, std::string cause);
  // Its name has no address: nothing can begin.
  void on_unresolved(MonoTime now, std::string cause);

  // Whether the budget allows a retry, which is taken from it.
  bool take_retry() { return budget_.take(); }
  std::chrono::milliseconds backoff(std::uint32_t attempt) {
    return full_jitter(attempt, retry_base_, random_);
  }
  // One request at a time, for five minutes.
  void stop_pipelining(MonoTime now);

  // Call some times per second.
  void refresh(MonoTime now);
  // Fills in what is the governor's.
  void tell(ProviderHealth& health) const;

 private:
  double burst_of(double rate) const;
  void count_failure(MonoTime now, MissReason reason);
  void count_answer(MonoTime now);

  std::chrono::milliseconds tick_, retry_base_, pause_;
  std::size_t pipelining_;
  TokenBucket bucket_;
  AimdLimit limit_;
  RetryBudget budget_;
  OutageGate gate_;
  Outcomes outcomes_;
  ReplyTimes times_;
  std::mt19937_64 random_;
  std::size_t in_flight_ = 0;
  MonoTime paused_until_{}, unpipelined_until_{}, fade_at_{};
  MissReason outage_reason_ = MissReason::kConnection;
  LastingLog outage_log_, pause_log_;
  StateLog pipeline_state_;
};

}  // namespace ia
