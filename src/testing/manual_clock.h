#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace ia {

// Time that passes only when told. Begins at 2026-01-01 00:00 UTC unless told otherwise.
// Safe to call from any thread.
class ManualClock final : public Clock {
 public:
  static constexpr WallTime kStart = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

  explicit ManualClock(WallTime start = kStart) : wall_(start.time_since_epoch().count()) {}

  WallTime wall() const override { return WallTime{std::chrono::milliseconds{wall_.load()}}; }
  MonoTime mono() const override { return MonoTime{std::chrono::milliseconds{mono_.load()}}; }

  // Time passes: both clocks move.
  void advance(std::chrono::milliseconds by) {
    wall_ += by.count();
    mono_ += by.count();
  }
  // Somebody sets the wall clock, forwards or (negative) backwards.
  void step_wall(std::chrono::milliseconds by) { wall_ += by.count(); }

 private:
  std::atomic<std::int64_t> wall_;
  std::atomic<std::int64_t> mono_ = 1'000'000'000;  // as if up for some days
};

}  // namespace ia
