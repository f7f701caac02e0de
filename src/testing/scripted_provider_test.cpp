#include "testing/scripted_provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ScriptedProvider::Answer followers_by_id(InfluencerId id, WallTime) {
  if (id == InfluencerId{4}) return std::unexpected(MissReason::kNotFound);
  return Counts{static_cast<std::int64_t>(number_of(id)) * 100, 7};
}

class ScriptedProviderTest : public ::testing::Test {
 protected:
  FetchOrder order(std::uint64_t ticket) const {
    return {.ticket = ticket,
            .influencers = {InfluencerId{1}, InfluencerId{2}, InfluencerId{3}, InfluencerId{4}},
            .start_before = ManualClock::kStart + milliseconds{58'000},
            .finish_before = ManualClock::kStart + milliseconds{59'700}};
  }

  ManualClock clock_;
  ScriptedProvider provider_{clock_, followers_by_id};
};

TEST_F(ScriptedProviderTest, GivesEachInfluencerAValueOrAMiss) {
  provider_.start(order(9));
  const auto finished = provider_.take_finished(milliseconds{0});

  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].ticket, 9);
  ASSERT_THAT(finished[0].values, SizeIs(3));
  EXPECT_EQ(finished[0].values[2].counts, (Counts{300, 7}));
  EXPECT_THAT(finished[0].misses, ElementsAre(Miss{InfluencerId{4}, MissReason::kNotFound}));
  EXPECT_THAT(provider_.given_values(), SizeIs(3));
}

TEST_F(ScriptedProviderTest, FinishesAnOrderWhenItsDurationIsOver) {
  provider_.set_duration(milliseconds{400});
  provider_.start(order(1));
  clock_.advance(milliseconds{399});
  EXPECT_THAT(provider_.take_finished(milliseconds{0}), IsEmpty());

  clock_.advance(milliseconds{60'000});
  const auto finished = provider_.take_finished(milliseconds{0});
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].values[0].retrieved_at, ManualClock::kStart + milliseconds{100});
}

TEST_F(ScriptedProviderTest, AWaitMovesTheClockToTheNextFinish) {
  provider_.set_duration(milliseconds{400});
  provider_.start(order(1));
  EXPECT_THAT(provider_.take_finished(milliseconds{1'000}), SizeIs(1));
  EXPECT_EQ(clock_.wall(), ManualClock::kStart + milliseconds{400});
}

TEST_F(ScriptedProviderTest, MissesWhatWouldComeAfterTheDeadlines) {
  provider_.set_duration(milliseconds{8'000});
  clock_.advance(milliseconds{55'000});
  provider_.start(order(1));  // asked at 55, 57, 59 and 61; replies at 57, 59, 61 and 63
  const auto finished = provider_.take_finished(milliseconds{10'000});

  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_THAT(finished[0].values, SizeIs(2));
  EXPECT_THAT(finished[0].misses, ElementsAre(Miss{InfluencerId{3}, MissReason::kOverrun},
                                              Miss{InfluencerId{4}, MissReason::kOverrun}));
  EXPECT_LE(clock_.wall(), ManualClock::kStart + milliseconds{59'700});
}

TEST_F(ScriptedProviderTest, AReplyPastTheMinuteIsATimeout) {
  provider_.set_duration(milliseconds{40'000});
  clock_.advance(milliseconds{55'000});
  provider_.start(order(1));
  const auto finished = provider_.take_finished(milliseconds{10'000});

  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].misses.at(0).reason, MissReason::kTimeout);
}

TEST_F(ScriptedProviderTest, CancelEndsAnOrderWithinTheGrace) {
  provider_.set_duration(milliseconds{4'000});
  provider_.start(order(1));
  clock_.advance(milliseconds{1'500});
  provider_.cancel(milliseconds{500});
  const auto finished = provider_.take_finished(milliseconds{500});

  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_THAT(finished[0].values, SizeIs(2));
  EXPECT_EQ(finished[0].misses.at(0).reason, MissReason::kOverrun);
}

TEST_F(ScriptedProviderTest, ReportsANameWhenItDiffers) {
  provider_.set_usernames([](InfluencerId id) { return "i-" + std::to_string(number_of(id)); });
  provider_.start(order(1));
  EXPECT_THAT(provider_.take_finished(milliseconds{0}).at(0).usernames, SizeIs(3));
  provider_.start(order(2));
  EXPECT_THAT(provider_.take_finished(milliseconds{0}).at(0).usernames, IsEmpty());
}

}  // namespace
}  // namespace ia
