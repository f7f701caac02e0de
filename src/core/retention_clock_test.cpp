#include "core/retention_clock.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class RetentionClockTest : public ::testing::Test {
 protected:
  WallTime step(bool is_confirmed = false) {
    return retention_.step(clock_.wall(), clock_.mono(), is_confirmed);
  }
  void restart() { retention_ = RetentionClock(step()); }

  ManualClock clock_;
  RetentionClock retention_;
};

TEST_F(RetentionClockTest, FollowsAClockThatDoesNotStep) {
  for (int minute = 0; minute < 100; ++minute) {
    EXPECT_EQ(step(), clock_.wall());
    clock_.advance(minutes{1} + std::chrono::milliseconds{7});
  }
}

TEST_F(RetentionClockTest, DoesNotFollowAJumpAhead) {
  for (const auto jump : {days{31}, days{12 * 365}, days{74 * 365}}) {
    const auto before = step();
    clock_.step_wall(jump);
    EXPECT_EQ(step(), before);
    clock_.advance(seconds{1});
    EXPECT_EQ(step(), before + seconds{1});
    clock_.step_wall(-jump);
    EXPECT_EQ(step(), clock_.wall());
  }
}

TEST_F(RetentionClockTest, DoesNotFollowAJumpThatARestartHides) {
  const auto before = step();
  clock_.step_wall(days{31});
  for (int start = 0; start < 5; ++start) restart();
  EXPECT_EQ(step(), before);
}

TEST_F(RetentionClockTest, AJumpBackDoesNotLetALaterOneDelete) {
  const auto before = step();
  clock_.step_wall(-days{31});
  EXPECT_EQ(step(), clock_.wall());
  clock_.step_wall(days{31});
  EXPECT_EQ(step(), before);
  clock_.step_wall(days{31});
  EXPECT_EQ(step(), before);
}

TEST_F(RetentionClockTest, FollowsWhatTheNetworkConfirmed) {
  step();
  clock_.step_wall(days{31});
  EXPECT_EQ(step(true), clock_.wall());
  clock_.advance(hours{1});
  EXPECT_EQ(step(), clock_.wall());
}

TEST_F(RetentionClockTest, FollowsAClockThatStoodStillAgainstTheMonotonicOneForADay) {
  const auto before = step();
  clock_.step_wall(days{31});
  const auto stepped_at = clock_.wall();
  while (clock_.wall() < stepped_at + RetentionClock::kSteadyFor) {
    EXPECT_EQ(step(), before + (clock_.wall() - stepped_at));
    clock_.advance(minutes{10});
  }
  EXPECT_EQ(step(), clock_.wall());
}

TEST_F(RetentionClockTest, AClockThatKeepsSteppingNeverStandsStill) {
  const auto before = step();
  for (int hour = 0; hour < 100; ++hour) {
    clock_.step_wall(hours{24});
    clock_.advance(hours{1});
    EXPECT_EQ(step(), before + hours{hour + 1});
  }
}

}  // namespace
}  // namespace ia
