#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "core/miss.h"
#include "core/point.h"

namespace ia {

// Notices when its thread stood still (a stopped process, a paused virtual machine) or the wall
// clock was set, so that a reply that may have come before is not taken for one of a later minute.
// It must be asked to look more often than `longest_gap` while all is well. One thread.
class FreezeWatch {
 public:
  explicit FreezeWatch(std::chrono::milliseconds longest_gap) : longest_gap_(longest_gap) {}

  // Returns how long nothing ran before this look; 0 when that is no longer than usual.
  MonoTime::duration look(WallTime wall, MonoTime mono) {
    const auto stood = looked_ ? mono - mono_ : MonoTime::duration{0};
    const auto step = looked_ ? (wall - wall_) - stood : MonoTime::duration{0};
    const bool stopped = stood > longest_gap_;
    const bool stepped = std::chrono::abs(step) > longest_gap_;
    if ((stopped || stepped) && minute_of(wall) != minute_of(wall_)) {
      ++crossings_;
      crossed_at_ = mono;
      reason_ = stopped ? MissReason::kDown : MissReason::kClock;
    }
    looked_ = true;
    wall_ = wall;
    mono_ = mono;
    return stopped ? stood : MonoTime::duration{0};
  }

  // The clocks at the last look.
  WallTime wall() const { return wall_; }
  MonoTime mono() const { return mono_; }
  // How many times another minute had begun when this thread went on. What was sent at another
  // number of crossings than a reply is read at may have been answered in the minute before.
  std::uint64_t crossings() const { return crossings_; }
  // When the last one was noticed, and what a minute is missed for because of it.
  MonoTime crossed_at() const { return crossed_at_; }
  MissReason reason() const { return reason_; }

 private:
  std::chrono::milliseconds longest_gap_;
  bool looked_ = false;
  WallTime wall_{};
  MonoTime mono_{};
  std::uint64_t crossings_ = 0;
  MonoTime crossed_at_{};
  MissReason reason_ = MissReason::kDown;
};

}  // namespace ia
