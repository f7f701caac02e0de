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
    fail(MissReason::kTimeout);
    ASSERT_EQ(governor_.capacity(now_), 0u);
  }
  void fail(MissReason reason, int times = 256) {
    for (int i = 0; i < times; ++i) {
      governor_.on_begin(1);
      governor_.on_lost(now_, reason);
    }
  }
  void answer(int times = 1) {
    for (int i = 0; i < times; ++i) {
      governor_.on_begin(1);
      governor_.on_reply(kReplyTime);
      governor_.on_value(now_);
    }
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
                      .probe_every = milliseconds{1'000}},
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
  governor_.on_unreachable(5, now_, MissReason::kConnection, "refused");
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

TEST_F(GovernorTest, SaysWhatHeldRequestsBackSinceATime) {
  const auto holdup = [&](seconds ago) { return governor_.holdup(now_ - ago, now_); };
  EXPECT_EQ(holdup(seconds{50}), MissReason::kOverrun);
  limit(seconds{5});
  now_ += seconds{1};
  EXPECT_EQ(holdup(seconds{50}), MissReason::kRateLimited);
  now_ += seconds{20};
  EXPECT_EQ(holdup(seconds{50}), MissReason::kRateLimited);
  EXPECT_EQ(holdup(seconds{10}), MissReason::kOverrun);
}

TEST_F(GovernorTest, AnOutageIsTheReasonForWhatWasNotRequestedBecauseOfIt) {
  for (const auto& [failure, reason] :
       {std::pair{MissReason::kTimeout, MissReason::kTimeout},
        {MissReason::kConnection, MissReason::kConnection},
        {MissReason::kServerError, MissReason::kOutage},
        {MissReason::kMalformed, MissReason::kOutage}}) {
    fail(failure);
    ASSERT_TRUE(health().breaker_open);
    EXPECT_EQ(governor_.holdup(now_ - seconds{1}, now_), reason);
    // The order of a shard that was held up lives on for some time after it.
    for (int i = 0; i < 200; ++i) {
      now_ += milliseconds{100};
      if (!waits_at(milliseconds{0})) answer();
    }
    ASSERT_FALSE(health().breaker_open);
    EXPECT_EQ(governor_.holdup(now_ - seconds{30}, now_), reason);
    EXPECT_EQ(governor_.holdup(now_ - seconds{1}, now_), MissReason::kOverrun);
  }
}

// A host that hangs fills the limit long before enough has failed for the gate to shut.
TEST_F(GovernorTest, AHangingHostIsTheReasonBeforeItsGateShuts) {
  governor_.on_begin(4);
  EXPECT_EQ(governor_.holdup(now_ - seconds{50}, now_), MissReason::kTimeout);
  for (int i = 0; i < 4; ++i) governor_.on_lost(now_, MissReason::kTimeout);
  EXPECT_EQ(governor_.holdup(now_ - seconds{50}, now_), MissReason::kTimeout);
  fail(MissReason::kConnection, 5);
  EXPECT_EQ(governor_.holdup(now_ - seconds{50}, now_), MissReason::kConnection);
  answer(10);
  EXPECT_EQ(governor_.holdup(now_ - seconds{50}, now_), MissReason::kOverrun);
}

// A host that comes back may well limit the rate at first.
TEST_F(GovernorTest, IsNotShutForEverByProbesThatAreRateLimited) {
  fail_until_the_breaker_opens();
  now_ += seconds{2};
  ASSERT_FALSE(waits_at(seconds{0}));
  limit(std::nullopt);
  EXPECT_FALSE(health().breaker_open);
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
  for (int i = 0; i < 400; ++i) {
    now_ += milliseconds{100};
    governor_.refresh(now_);
  }
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
