#include "net/governor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kPause{20};
constexpr milliseconds kReplyTime{2};

class GovernorTest : public ::testing::Test {
 protected:
  void fail_until_the_breaker_opens() {
    for (int i = 0; i < 100; ++i) {
      governor_.on_begin(1);
      governor_.on_lost(now_, MissReason::kTimeout);
    }
    ASSERT_EQ(governor_.capacity(now_), 0u);
  }
  void limit(std::optional<seconds> wait) {
    governor_.on_begin(1);
    governor_.on_reply(kReplyTime);
    governor_.on_limit(now_, kReplyTime, wait, "429");
  }
  bool waits_at(milliseconds after) { return governor_.capacity(now_ + after) == 0; }
  ProviderHealth health() const {
    ProviderHealth health;
    governor_.tell(health);
    return health;
  }

  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  Governor governor_{{.max_connections = 100,
                      .pipelining = 8,
                      .pause = kPause,
                      .breaker_pause = milliseconds{1'000}},
                     log_};
  MonoTime now_{seconds{1'000}};
};

TEST_F(GovernorTest, CountsWhatIsInFlightUntilItEnds) {
  const auto room = governor_.capacity(now_);
  governor_.on_begin(10);
  EXPECT_EQ(governor_.capacity(now_), room - 10);
  governor_.on_reply(kReplyTime);
  governor_.on_lost(now_, MissReason::kMalformed);
  governor_.on_unsent(3);
  governor_.on_unreachable(5, now_, MissReason::kMalformed);
  EXPECT_EQ(health().in_flight, 0u);
}

TEST_F(GovernorTest, WaitsAsLongAsItIsToldAndAtMostHalfASecondMore) {
  limit(seconds{7});
  EXPECT_TRUE(waits_at(seconds{7} - milliseconds{1}));
  EXPECT_FALSE(waits_at(seconds{7} + milliseconds{501}));
}

TEST_F(GovernorTest, WaitsForAWhileWhenItIsNotToldHowLong) {
  limit(std::nullopt);
  EXPECT_TRUE(waits_at(kPause - milliseconds{1}));
  EXPECT_FALSE(waits_at(kPause * 3 / 2 + milliseconds{1}));
}

// Replies of other connections, in any order.
TEST_F(GovernorTest, TakesTheLongestOfWhatItIsTold) {
  limit(seconds{1});
  limit(seconds{60});
  limit(std::nullopt);
  EXPECT_TRUE(waits_at(seconds{59}));
  EXPECT_FALSE(waits_at(seconds{61}));
}

TEST_F(GovernorTest, SaysWhatHoldsRequestsBack) {
  EXPECT_EQ(governor_.holdup(now_), MissReason::kOverrun);
  limit(seconds{5});
  EXPECT_EQ(governor_.holdup(now_), MissReason::kRateLimited);
  EXPECT_EQ(governor_.holdup(now_ + seconds{6}), MissReason::kOverrun);
  fail_until_the_breaker_opens();
  EXPECT_EQ(governor_.holdup(now_ + seconds{6}), MissReason::kTimeout);
}

// A host that comes back may well limit the rate at first.
TEST_F(GovernorTest, IsNotShutForEverByProbesThatAreRateLimited) {
  fail_until_the_breaker_opens();
  for (int i = 0; i < 20; ++i) {
    now_ += seconds{2};
    ASSERT_FALSE(waits_at(seconds{0}));
    limit(std::nullopt);
  }
  EXPECT_FALSE(health().breaker_open);
}

TEST_F(GovernorTest, IsNotShutForEverByProbesThatCameToNothing) {
  fail_until_the_breaker_opens();
  now_ += seconds{2};
  const auto probes = governor_.capacity(now_);
  ASSERT_GT(probes, 0u);
  governor_.on_begin(probes);
  EXPECT_EQ(governor_.capacity(now_), 0u);
  governor_.on_unsent(probes);
  EXPECT_EQ(governor_.capacity(now_), probes);
}

TEST_F(GovernorTest, StopsPipeliningForFiveMinutes) {
  EXPECT_EQ(governor_.depth(now_), 8u);
  governor_.stop_pipelining(now_);
  EXPECT_EQ(governor_.depth(now_ + minutes{5} - milliseconds{1}), 1u);
  EXPECT_EQ(governor_.depth(now_ + minutes{5}), 8u);
}

TEST_F(GovernorTest, TellsTheLogOnceOfEachChange) {
  for (int i = 0; i < 3; ++i) governor_.stop_pipelining(now_);
  for (int i = 0; i < 3; ++i) governor_.refresh(now_ + minutes{5});
  limit(seconds{1});
  limit(seconds{2});
  now_ += seconds{3};
  for (int i = 0; i < 3; ++i) governor_.on_value(now_);
  EXPECT_THAT(lines_, ::testing::ElementsAre(::testing::HasSubstr("pipelining does not work"),
                                             ::testing::HasSubstr("are pipelined again"),
                                             ::testing::HasSubstr("limits the rate"),
                                             ::testing::HasSubstr("rate limit is over")));
}

TEST_F(GovernorTest, LosesNothingOfTheRateInLongTicks) {
  Governor slow({.rate_per_second = 1'000, .tick = milliseconds{100}}, log_);
  slow.capacity(now_);
  EXPECT_GE(slow.capacity(now_ + milliseconds{100}), 64u);  // the limit in flight
  slow.on_begin(64);
  slow.on_unsent(64);
  EXPECT_EQ(slow.capacity(now_ + milliseconds{100}), 36u);
}

}  // namespace
}  // namespace ia
