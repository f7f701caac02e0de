#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace ia {

struct BackoffOptions {
  std::chrono::milliseconds min{100};     // after the first failure, then doubled
  std::chrono::milliseconds max{10'000};  // at least six calls per minute
};

// When to call something outside the process again: at once while it succeeds, and after longer
// and longer pauses while it fails, whatever the error is. Every loop that calls a queue, a store
// or a server has one per thing that can fail by itself. One thread.
class Backoff {
 public:
  explicit Backoff(const Clock& clock, BackoffOptions options = {})
      : clock_(clock), options_(options) {}

  void failed() {
    delay_ = std::clamp(delay_ * 2, options_.min, options_.max);
    until_ = clock_.mono() + delay_;
  }
  void succeeded() {
    delay_ = std::chrono::milliseconds{0};
    until_ = {};
  }
  void note(bool success) { success ? succeeded() : failed(); }

  bool may_call() const { return clock_.mono() >= until_; }
  bool is_failing() const { return delay_ > std::chrono::milliseconds{0}; }
  // Until it may be called; 0 when it may be called now.
  std::chrono::milliseconds rest() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - clock_.mono());
    return is_failing() ? std::max(left, std::chrono::milliseconds{0})
                        : std::chrono::milliseconds{0};
  }

 private:
  const Clock& clock_;
  BackoffOptions options_;
  std::chrono::milliseconds delay_{0};
  MonoTime until_{};
};

}  // namespace ia
