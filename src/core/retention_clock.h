#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace ia {

// The time that deletions go by. A wall clock cannot be taken back after it deleted something, so
// this follows the monotonic clock from where the store stood, and jumps to the wall clock only
// when that was confirmed: by the network's clock, or by standing still against the monotonic one
// for kSteadyFor. Until then deletions lag, which costs space and nothing else.
//
// A program that was off for a month thus drops that month an hour after it fetches again, or a day
// after its start where nothing confirms the time. One thread.
class RetentionClock {
 public:
  static constexpr std::chrono::hours kSteadyFor{24};
  // A wall clock that moved by more than this against the monotonic one has stepped.
  static constexpr std::chrono::seconds kStepMin{10};

  // `reached`: where it stood when the store was used last; none when nothing is stored yet.
  explicit RetentionClock(std::optional<WallTime> reached = std::nullopt) : reached_(reached) {}

  // The time that deletions may go by: never later than `now`.
  WallTime step(WallTime now, MonoTime mono, bool is_confirmed);

 private:
  bool is_steady(WallTime now, MonoTime mono);

  std::optional<WallTime> reached_;  // at reached_at_
  std::optional<MonoTime> reached_at_;
  std::optional<std::chrono::milliseconds> offset_;  // of the wall clock since steady_since_
  MonoTime steady_since_{};
};

}  // namespace ia
