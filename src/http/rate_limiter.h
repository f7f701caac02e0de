#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/clock.h"

namespace ia {

// So many requests a second of each client, with a second's worth at once. A client is a number:
// its IPv4 address or the first 64 bits of its IPv6 address. Remembers at most kClientsMax of
// them, so that it is no target itself. Safe to call from any thread.
class RateLimiter {
 public:
  static constexpr std::size_t kClientsMax = 10'000;

  // 0: no limit. `burst` is how much of the rate may come at once.
  explicit RateLimiter(double requests_per_second,
                       std::chrono::nanoseconds burst = std::chrono::seconds{1});

  bool is_on() const { return interval_.count() > 0; }
  // Nothing when the request may pass; else how long to wait for the next one.
  std::optional<std::chrono::nanoseconds> refuse(std::uint64_t client, MonoTime now);
  // What refuse() would return, without counting a request.
  std::optional<std::chrono::nanoseconds> wait(std::uint64_t client, MonoTime now);

 private:
  void forget_idle(MonoTime now);

  std::chrono::nanoseconds interval_{0};  // between two requests at the full rate
  std::chrono::nanoseconds burst_{0};
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, MonoTime> paid_until_;
};

}  // namespace ia
