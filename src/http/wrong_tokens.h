#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/ip_address.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/rate_limiter.h"

namespace ia {

// Slows down clients that guess tokens, and logs them: after kBurst wrong tokens at once, a client
// gets one more try per second. While it waits its tokens are not looked at, right or wrong, so
// that nothing is learned from the refusals. The first wrong token is logged at once, then one line
// per minute says how many came, and from which address most of them. Safe from any thread.
class WrongTokens {
 public:
  static constexpr int kBurst = 10;

  // The log must outlive it.
  WrongTokens(Metrics& metrics, Log& log);
  // Logs what has not been logged.
  ~WrongTokens();
  WrongTokens(const WrongTokens&) = delete;
  WrongTokens& operator=(const WrongTokens&) = delete;

  // How long the client has to wait before its next token is looked at; nothing: it may try.
  std::optional<std::chrono::nanoseconds> wait(const IpAddress& client, MonoTime now);
  // The client's token was looked at and is wrong.
  void add(const IpAddress& client, MonoTime now);
  // Logs what has come in the last minute, if it is over. Call it now and then; cheap.
  void tell(MonoTime now);

 private:
  void count(const IpAddress& client, MonoTime now);
  void log_all(MonoTime now);

  RateLimiter limiter_;
  CounterMetric total_;
  Log& log_;
  std::mutex mutex_;  // over the rest
  std::unordered_map<std::string, std::uint64_t> by_address_;
  std::uint64_t untold_ = 0;
  std::optional<MonoTime> told_at_;
};

}  // namespace ia
