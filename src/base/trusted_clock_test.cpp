#include "base/trusted_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/clock_step.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr days kMonth{31};
constexpr milliseconds kSteps[] = {kMonth, days{12 * 365}, days{74 * 365}, minutes{-30}, -kMonth};

class TrustedClockTest : public ::testing::Test {
 protected:
  // The network's clock is right: it goes by `truth_`, wherever the machine's is.
  WallTime truth() const {
    const auto passed = machine_.mono().time_since_epoch() - began_;
    return WallTime{start_ + std::chrono::floor<milliseconds>(passed)};
  }
  void hear(milliseconds skew = milliseconds{0}) {
    clock_.note({std::chrono::floor<seconds>(truth() + skew), machine_.mono()});
  }
  void run(milliseconds time, bool with_network = true, milliseconds skew = milliseconds{0}) {
    for (milliseconds passed{0}; passed < time; passed += seconds{1}) {
      machine_.advance(seconds{1});
      if (with_network) hear(skew);
      (void)clock_.wall();
    }
  }
  bool is_doubtful() const { return clock_.trust() == ClockTrust::kDoubtful; }

  ManualClock machine_;
  const MonoTime::duration began_ = machine_.mono().time_since_epoch();
  const milliseconds start_ = machine_.wall().time_since_epoch();
  Metrics metrics_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  TrustedClock clock_{machine_, metrics_, log_};
};

TEST_F(TrustedClockTest, IsTheMachinesClockWhileThatDoesNotStep) {
  for (const auto adjustment : {0, 1, -1, 700, -9'000, 9'000}) {
    machine_.step_wall(milliseconds{adjustment});
    run(seconds{30});
    EXPECT_EQ(clock_.wall(), machine_.wall());
    EXPECT_FALSE(is_doubtful());
  }
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(TrustedClockTest, LogsAClockThatFlickersOnceAMinute) {
  for (int i = 0; i < 60; ++i) {
    for (const auto step : {hours{900}, hours{-900}}) {
      machine_.step_wall(step);
      (void)clock_.wall();
    }
    machine_.advance(seconds{1});
  }
  EXPECT_THAT(lines_, SizeIs(1));
  machine_.step_wall(hours{900});
  run(seconds{30});
  machine_.step_wall(hours{-900});
  run(seconds{1});
  EXPECT_THAT(lines_.back(), HasSubstr("back where it should be"));
}

TEST_F(TrustedClockTest, GoesOnWithoutAStepThatTheNetworkRefutes) {
  run(seconds{30});
  for (const auto step : kSteps) {
    machine_.step_wall(step);
    EXPECT_EQ(clock_.wall(), truth());
    EXPECT_TRUE(is_doubtful());
    machine_.advance(milliseconds{200});
    hear();
    EXPECT_FALSE(is_doubtful());
    run(hours{2});
    EXPECT_EQ(clock_.wall(), truth());
    machine_.step_wall(-step);
    EXPECT_EQ(clock_.wall(), machine_.wall());
    EXPECT_FALSE(is_doubtful());
  }
}

TEST_F(TrustedClockTest, NeverShowsAStepThatIsTakenBack) {
  for (const auto step : kSteps) {
    machine_.step_wall(step);
    for (int second = 0; second < 120; ++second) {
      EXPECT_EQ(clock_.wall(), truth());
      EXPECT_TRUE(is_doubtful());
      machine_.advance(seconds{1});
    }
    machine_.step_wall(-step);
    EXPECT_EQ(clock_.wall(), truth());
    EXPECT_FALSE(is_doubtful());
  }
}

TEST_F(TrustedClockTest, FollowsAPausedMachineOnceTheNetworkAgrees) {
  run(seconds{30});
  machine_.step_wall(minutes{30});
  run(seconds{10}, true, minutes{30});
  EXPECT_EQ(clock_.wall(), machine_.wall());
  EXPECT_FALSE(is_doubtful());
}

TEST_F(TrustedClockTest, FollowsAStepThatNothingRefutesForTenMinutes) {
  for (const milliseconds step : {milliseconds(hours{1}), milliseconds(minutes{-30})}) {
    machine_.step_wall(step);
    run(TrustedClock::kSettledAfter - seconds{1}, false);
    EXPECT_TRUE(is_doubtful());
    EXPECT_THAT(clock_.doubt(), ::testing::Optional(::testing::HasSubstr("stepped")));
    run(seconds{2}, false);
    EXPECT_FALSE(is_doubtful());
    EXPECT_EQ(clock_.wall(), machine_.wall());
  }
}

TEST_F(TrustedClockTest, ANetworkWhoseClockIsWrongStillRefutesAStep) {
  run(minutes{11}, true, hours{-2});
  EXPECT_FALSE(is_doubtful());
  machine_.step_wall(kMonth);
  run(seconds{2}, true, hours{-2});
  EXPECT_FALSE(is_doubtful());
  EXPECT_EQ(clock_.wall(), truth());
}

TEST_F(TrustedClockTest, IsInDoubtAfterAStartThatTheNetworkContradicts) {
  hear(hours{-5});
  EXPECT_TRUE(is_doubtful());
  run(TrustedClock::kSettledAfter - seconds{10}, true, hours{-5});
  EXPECT_TRUE(is_doubtful());
  run(seconds{20}, true, hours{-5});
  EXPECT_FALSE(is_doubtful());
  EXPECT_EQ(clock_.wall(), machine_.wall());
}

TEST_F(TrustedClockTest, FollowsTheFirstCorrectionOfAClockThatWasWrongFromTheStart) {
  run(seconds{20}, true, hours{-5});
  machine_.step_wall(hours{-5});
  run(seconds{2}, true, hours{-5});
  EXPECT_FALSE(is_doubtful());
  EXPECT_EQ(clock_.wall(), machine_.wall());
}

TEST_F(TrustedClockTest, AClockThatStandsStillIsNoWitness) {
  const WallTime always{days{1'000}};
  for (int second = 0; second < 30; ++second) {
    clock_.note({always, machine_.mono()});
    machine_.advance(seconds{1});
  }
  EXPECT_FALSE(is_doubtful());
  machine_.step_wall(minutes{3});
  clock_.note({always, machine_.mono()});
  EXPECT_TRUE(is_doubtful());
}

TEST_F(TrustedClockTest, IsConfirmedAfterAnHourOfAgreement) {
  run(minutes{55});
  EXPECT_EQ(clock_.trust(), ClockTrust::kPlausible);
  run(minutes{6});
  EXPECT_EQ(clock_.trust(), ClockTrust::kConfirmed);
  run(minutes{11}, false);
  EXPECT_EQ(clock_.trust(), ClockTrust::kPlausible);
}

TEST_F(TrustedClockTest, AStepThatWasFollowedIsConfirmedAnHourLater) {
  run(minutes{70});
  machine_.step_wall(kMonth);
  run(minutes{1}, true, kMonth);
  EXPECT_EQ(clock_.wall(), machine_.wall());
  EXPECT_EQ(clock_.trust(), ClockTrust::kPlausible);
}

TEST(ClockStep, SeesStepsOfTheWallClockOnly) {
  ManualClock clock;
  ClockStep step(clock, seconds{2});
  clock.advance(hours{5});
  EXPECT_EQ(step.look(), std::nullopt);
  clock.step_wall(seconds{-3});
  EXPECT_EQ(step.look(), seconds{-3});
  EXPECT_EQ(step.look(), std::nullopt);
  clock.step_wall(seconds{1});
  EXPECT_EQ(step.look(), std::nullopt);
}

}  // namespace
}  // namespace ia
