// The faults of the fake, and the counting that its readers rely on.
#include "testing/memory_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Minute kNoon = std::chrono::time_point_cast<minutes>(ManualClock::kStart) + minutes{720};

PointBatch batch(std::vector<InfluencerId> influencers, std::vector<Miss> misses = {},
                 Minute minute = kNoon) {
  PointBatch made;
  made.minute = minute;
  made.retrieved_at = minute + seconds{10};
  made.followers.assign(influencers.size(), 1'000);
  made.following.assign(influencers.size(), 50);
  made.influencers = std::move(influencers);
  made.misses = std::move(misses);
  return made;
}

class MemoryStoreTest : public ::testing::Test {
 protected:
  MemoryStoreTest() {
    Registry registry;
    registry.epoch = 1;
    registry.influencers = InfluencerSet::parse("1-4").value();
    EXPECT_TRUE(store_.put_registry(registry));
  }
  AppendResult append(const PointBatch& one) { return store_.append(std::span(&one, 1)).value(); }
  MinuteStats stats() { return store_.read_minutes({kNoon, kNoon + minutes{1}}).value().at(0); }
  static std::uint64_t missed(const MinuteStats& stats, MissReason reason) {
    return stats.missed[static_cast<std::size_t>(reason)];
  }

  MemoryStore store_{{.retention = minutes{60}}};
};

TEST_F(MemoryStoreTest, TheFirstValueOfAMinuteStays) {
  EXPECT_EQ(append(batch({InfluencerId{1}})).stored, 1);
  auto second = batch({InfluencerId{1}, InfluencerId{2}});
  second.followers = {9, 9};
  const auto result = append(second);
  EXPECT_EQ(result.stored, 1);
  EXPECT_EQ(result.repeats, 1);
  EXPECT_EQ(stats().followers_sum, 1'009);
}

TEST_F(MemoryStoreTest, AValueTakesAMissBack) {
  append(batch({InfluencerId{1}}, {{InfluencerId{2}, MissReason::kTimeout}}));
  EXPECT_EQ(missed(stats(), MissReason::kTimeout), 1);
  append(batch({InfluencerId{2}}));
  EXPECT_EQ(stats().missed_total(), 0);
  append(batch({}, {{InfluencerId{2}, MissReason::kOverrun}}));
  EXPECT_EQ(stats().missed_total(), 0);
  EXPECT_EQ(stats().open(), 2);
}

TEST_F(MemoryStoreTest, ClosingCountsTheOpenOnesAndValuesStillTakeThemBack) {
  append(batch({InfluencerId{1}}, {{InfluencerId{2}, MissReason::kTimeout}}));
  ASSERT_TRUE(store_.close_minutes({kNoon, kNoon + minutes{1}}, MissReason::kDown));
  EXPECT_EQ(missed(stats(), MissReason::kDown), 2);
  EXPECT_EQ(stats().open(), 0);

  append(batch({InfluencerId{3}}));
  EXPECT_EQ(missed(stats(), MissReason::kDown), 1);
  EXPECT_EQ(missed(stats(), MissReason::kTimeout), 1);
  EXPECT_TRUE(stats().closed);
}

TEST_F(MemoryStoreTest, RetentionDropsPointsButNotTheLatest) {
  append(batch({InfluencerId{1}}));
  ASSERT_TRUE(store_.maintain(kNoon + minutes{61}));
  EXPECT_THAT(store_.read_series(InfluencerId{1}, {kNoon, kNoon + minutes{1}}).value().minutes,
              IsEmpty());
  EXPECT_EQ(append(batch({InfluencerId{2}})).expired, 1);
  EXPECT_THAT(store_.read_latest().value().values.influencers, SizeIs(1));
}

TEST_F(MemoryStoreTest, AFailedAppendDidNothingAndALostReplyDid) {
  const auto one = batch({InfluencerId{1}});
  store_.fail_next_append(1);
  EXPECT_FALSE(store_.append(std::span(&one, 1)));
  EXPECT_THAT(store_.read_tail({}).value().batches, IsEmpty());
  store_.lose_reply_next_append(1);
  EXPECT_FALSE(store_.append(std::span(&one, 1)));
  EXPECT_EQ(append(one).repeats, 1);
}

TEST_F(MemoryStoreTest, RefusesAnUnsoundBatchWhole) {
  auto unsound = batch({InfluencerId{2}, InfluencerId{1}});
  const std::vector<PointBatch> both = {batch({InfluencerId{3}}), unsound};
  const auto refused = store_.append(both);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  EXPECT_THAT(store_.read_tail({}).value().batches, IsEmpty());
}

}  // namespace
}  // namespace ia
