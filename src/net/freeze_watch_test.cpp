#include "net/freeze_watch.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FreezeWatchTest : public ::testing::Test {
 protected:
  MonoTime::duration look() { return watch_.look(clock_.wall(), clock_.mono()); }
  void run_for(milliseconds time) {
    for (milliseconds passed{0}; passed < time; passed += milliseconds{50}) {
      clock_.advance(milliseconds{50});
      EXPECT_EQ(look(), MonoTime::duration{0});
    }
  }

  ManualClock clock_;
  FreezeWatch watch_{milliseconds{250}};
};

TEST_F(FreezeWatchTest, TakesMinutesThatPassAsUsualForNothing) {
  run_for(seconds{180});
  EXPECT_EQ(watch_.crossings(), 0u);
}

TEST_F(FreezeWatchTest, NoticesThatTheThreadStoodStillIntoAnotherMinute) {
  run_for(seconds{55});
  clock_.advance(seconds{10});
  EXPECT_EQ(look(), seconds{10});
  EXPECT_EQ(watch_.crossings(), 1u);
  EXPECT_EQ(watch_.reason(), MissReason::kDown);
  EXPECT_EQ(watch_.crossed_at(), clock_.mono());
}

TEST_F(FreezeWatchTest, TellsHowLongItStoodStillWithinAMinuteToo) {
  run_for(seconds{5});
  clock_.advance(seconds{10});
  EXPECT_EQ(look(), seconds{10});
  EXPECT_EQ(watch_.crossings(), 0u);
}

TEST_F(FreezeWatchTest, NoticesAClockThatIsSetIntoAnotherMinuteEitherWay) {
  run_for(seconds{30});
  clock_.step_wall(seconds{40});
  EXPECT_EQ(look(), MonoTime::duration{0});
  EXPECT_EQ(watch_.crossings(), 1u);
  EXPECT_EQ(watch_.reason(), MissReason::kClock);
  clock_.step_wall(-seconds{40});
  look();
  EXPECT_EQ(watch_.crossings(), 2u);
}

// A virtual machine that was paused: its own monotonic clock stood still too.
TEST_F(FreezeWatchTest, NoticesAPauseThatOnlyTheWallClockTells) {
  run_for(seconds{30});
  clock_.step_wall(seconds{3'600});
  look();
  EXPECT_EQ(watch_.crossings(), 1u);
}

}  // namespace
}  // namespace ia
