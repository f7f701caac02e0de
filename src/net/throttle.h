#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

#include "base/clock.h"

namespace ia {

// The devices that protect a host, each a few numbers; time is passed in. One thread.

// So many requests a second at most. After a stall it repays at most `burst` of what was not used.
class TokenBucket {
 public:
  // `rate` 0: unlimited. The burst is a hundredth of a second's worth unless told otherwise.
  explicit TokenBucket(double rate) : TokenBucket(rate, std::max(16.0, rate / 100)) {}
  TokenBucket(double rate, double burst) : rate_(rate), burst_(std::max(1.0, burst)) {}
  bool unlimited() const { return !(rate_ > 0); }
  // How many may be sent now.
  std::size_t available(MonoTime now);
  void take(std::size_t count) { tokens_ -= static_cast<double>(count); }

 private:
  double rate_;
  double burst_;
  double tokens_ = 0;
  std::optional<MonoTime> filled_at_;
};

// How many requests may be in flight: one more for each limit's worth of successes while at least
// half is used, a tenth less on trouble, at most once a round trip. After an outage it grows by one
// for each success until it is what it was before.
class AimdLimit {
 public:
  AimdLimit(std::size_t start, std::size_t floor, std::size_t cap)
      : limit_(static_cast<double>(std::min(start, cap))),
        floor_(static_cast<double>(std::min(floor, cap))),
        cap_(static_cast<double>(cap)),
        remembered_(limit_) {}
  std::size_t limit() const { return static_cast<std::size_t>(limit_); }
  void on_success(std::size_t in_flight);
  void on_trouble(MonoTime now, std::chrono::nanoseconds round_trip);
  // Call now and then while all is well: what regain goes back to.
  void remember() {
    remembered_ = std::max(limit_, last_);
    last_ = limit_;
  }
  // The host answers after an outage.
  void regain() { regained_ = remembered_; }

 private:
  double limit_;
  double floor_;
  double cap_;
  double last_ = 0;
  double remembered_;
  double regained_ = 0;
  std::optional<MonoTime> lowered_at_;
};

// Retries are at most about a tenth of the successes.
class RetryBudget {
 public:
  void on_success() { tokens_ = std::min(kCap, tokens_ + 0.1); }
  bool take() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  static constexpr double kCap = 100;
  double tokens_ = kCap;
};

inline constexpr std::chrono::milliseconds kRetryBase{200};
// Full jitter: uniform between nothing and base x 2^attempt, at most the cap.
std::chrono::milliseconds full_jitter(std::uint32_t attempt, std::chrono::milliseconds base,
                                      std::mt19937_64& random);

}  // namespace ia
