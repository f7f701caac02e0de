#include "core/retention_clock.h"

#include <algorithm>

namespace ia {

using std::chrono::milliseconds;

WallTime RetentionClock::step(WallTime now, MonoTime mono, bool is_confirmed) {
  if (is_steady(now, mono) || is_confirmed || !reached_) {
    reached_ = now;
    reached_at_ = mono;
  }
  const auto passed = mono - reached_at_.value_or(mono);
  if (!reached_at_) reached_at_ = mono;
  return std::min(now, *reached_ + std::chrono::floor<milliseconds>(passed));
}

bool RetentionClock::is_steady(WallTime now, MonoTime mono) {
  const auto offset =
      now.time_since_epoch() - std::chrono::floor<milliseconds>(mono.time_since_epoch());
  if (!offset_ || std::chrono::abs(offset - *offset_) > kStepMin) {
    offset_ = offset;
    steady_since_ = mono;
  }
  return mono - steady_since_ >= kSteadyFor;
}

}  // namespace ia
