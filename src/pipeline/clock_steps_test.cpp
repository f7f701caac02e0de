// Fetcher and sink while the wall clock steps, on the clock that the service gives them.

#include <gtest/gtest.h>

#include "base/trusted_clock.h"
#include "pipeline/pipeline_world.h"

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kTick{250};
constexpr milliseconds kSteps[] = {days{31}, days{12 * 365}, days{74 * 365}, minutes{-30}};

// The machine's clock, which may be wrong; the world's is the truth.
class MachineClock final : public Clock {
 public:
  explicit MachineClock(const Clock& truth) : truth_(truth) {}
  WallTime wall() const override { return truth_.wall() + offset_; }
  MonoTime mono() const override { return truth_.mono(); }
  void step(milliseconds by) { offset_ += by; }

 private:
  const Clock& truth_;
  milliseconds offset_{0};
};

class ClockStepsTest : public ::testing::Test {
 protected:
  ClockStepsTest() {
    world_.stage_clock = &trusted_;
    world_.restart();
    EXPECT_TRUE(world_.seed("1-20"));
    run(minutes{2});
  }
  // With a network whose clock is right, or without one.
  void run(milliseconds time, bool with_network = true) { run_on(trusted_, time, with_network); }
  void run_on(TrustedClock& clock, milliseconds time, bool with_network = true) {
    for (milliseconds passed{0}; passed < time; passed += kTick) {
      const auto& truth = world_.clock;
      if (with_network) clock.note({std::chrono::floor<seconds>(truth.wall()), truth.mono()});
      world_.step();
      world_.clock.advance(kTick);
    }
  }
  void expect_stored(int first, int end) const {
    for (int i = first; i < end; ++i) EXPECT_EQ(world_.minute(i).stored, 20u) << "minute " << i;
  }
  bool is_touched(Minute begin, minutes length) const {
    return !world_.store.read_minutes({begin, begin + length})->empty();
  }

  PipelineWorld world_;
  MachineClock machine_{world_.clock};
  TrustedClock trusted_{machine_, world_.metrics, world_.log};
};

TEST_F(ClockStepsTest, AWrongClockThatTheNetworkRefutesCostsNothing) {
  int minute = 2;
  for (const auto step : kSteps) {
    machine_.step(step);
    run(minutes{5});
    if (step > milliseconds{0}) {
      EXPECT_FALSE(is_touched(minute_of(machine_.wall()) - hours{1}, hours{2}));
    }
    machine_.step(-step);
    run(minutes{1});
    minute += 6;
  }
  expect_stored(0, minute - 1);
}

TEST_F(ClockStepsTest, ASecondOfAWrongClockCostsNothingWithoutANetworkEither) {
  for (const auto step : kSteps) {
    machine_.step(step);
    run(seconds{1}, false);
    machine_.step(-step);
    run(minutes{1} - seconds{1}, false);
  }
  run(minutes{1}, false);
  expect_stored(0, 6);
}

TEST_F(ClockStepsTest, MinutesInDoubtAreMissedForTheClockUntilTheStepIsFollowed) {
  world_.clock.step_wall(hours{1});
  run(minutes{14}, false);
  for (int i = 3; i < 11; ++i) {
    EXPECT_EQ(world_.missed(i, MissReason::kClock), 20u) << "minute " << i;
    EXPECT_EQ(world_.minute(i).stored, 0u) << "minute " << i;
  }
  EXPECT_EQ(world_.missed(40, MissReason::kClock), 20u);
  EXPECT_EQ(world_.missed(71, MissReason::kClock), 20u);
  expect_stored(74, 76);
}

TEST_F(ClockStepsTest, AClockThatTheNetworkContradictsAtTheStartStampsNothing) {
  machine_.step(days{31});
  TrustedClock later(machine_, world_.metrics, world_.log);
  world_.stage_clock = &later;
  world_.knows_minute = [&] { return later.knows_minute(); };
  world_.restart();
  run_on(later, minutes{5});
  EXPECT_FALSE(is_touched(minute_of(machine_.wall()) - hours{1}, hours{2}));
  machine_.step(-days{31});
  run_on(later, minutes{3});
  EXPECT_EQ(world_.minute(8).stored, 20u);
}

}  // namespace
}  // namespace ia
