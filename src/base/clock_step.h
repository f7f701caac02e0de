#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace ia {

// Sees when the wall clock steps against the monotonic one. The only place that does: who uses it
// decides what a step means to it. One thread.
class ClockStep {
 public:
  // Steps of less than `least` are adjustments: they are followed without a word.
  ClockStep(const Clock& clock, std::chrono::milliseconds least)
      : clock_(clock), least_(least), offset_(offset_of(clock)) {}

  // Wall time minus monotonic time: constant but for steps.
  static std::chrono::milliseconds offset_of(const Clock& clock) {
    return clock.wall().time_since_epoch() -
           std::chrono::floor<std::chrono::milliseconds>(clock.mono().time_since_epoch());
  }

  // By how much the wall clock has stepped since the last look; none when it has not.
  std::optional<std::chrono::milliseconds> look() {
    const auto offset = offset_of(clock_);
    const auto step = offset - offset_;
    offset_ = offset;
    if (std::chrono::abs(step) < least_) return std::nullopt;
    return step;
  }

 private:
  const Clock& clock_;
  const std::chrono::milliseconds least_;
  std::chrono::milliseconds offset_;
};

}  // namespace ia
