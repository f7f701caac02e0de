#include "core/schedule.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr Minute kNoon{minutes{29'000'160}};

TEST(Schedule, SpreadsDueTimesOverTheMinute) {
  const Schedule schedule;

  EXPECT_EQ(due_time({0, 1000}, schedule, kNoon), kNoon + milliseconds{2'000});
  EXPECT_EQ(due_time({500, 1000}, schedule, kNoon), kNoon + milliseconds{28'500});
  EXPECT_LT(due_time({999, 1000}, schedule, kNoon), kNoon + milliseconds{55'000});
}

TEST(Schedule, MakesEveryShardDueEveryMinuteByDefault) {
  EXPECT_EQ(next_due_minute({7, 10}, {}, kNoon), kNoon + minutes{1});
}

// With a longer interval each shard keeps its own minute, and every minute has its share.
TEST(Schedule, GivesEachShardItsMinuteOfALongerInterval) {
  const Schedule schedule{.interval = minutes{5}, .spread = kSpreadMax};
  for (std::uint32_t shard = 0; shard < 10; ++shard) {
    const auto next = next_due_minute({shard, 10}, schedule, kNoon);
    EXPECT_TRUE(is_due({shard, 10}, schedule, next));
    EXPECT_GT(next, kNoon);
    EXPECT_LE(next, kNoon + minutes{5});
    EXPECT_EQ(next_due_minute({shard, 10}, schedule, next), next + minutes{5});
  }
}

TEST(Registry, CutsItsInfluencersIntoShards) {
  Registry registry{.epoch = 3, .influencers = InfluencerSet::parse("1-2500").value()};

  EXPECT_EQ(registry.shard_count(), 3u);
  EXPECT_EQ(registry.shard(0).influencers.size(), 1000u);
  EXPECT_EQ(registry.shard(2).influencers.to_string(), "2001-2500");
  EXPECT_EQ(registry.shard(2).epoch, 3u);
}

TEST(Registry, CountsWhoIsDueInAMinute) {
  Registry registry{.epoch = 1, .influencers = InfluencerSet::parse("1-2500").value()};
  EXPECT_EQ(registry.due_in(kNoon), 2500u);

  registry.schedule.interval = minutes{3};
  std::uint64_t due = 0;
  for (int i = 0; i < 3; ++i) due += registry.due_in(kNoon + minutes{i});
  EXPECT_EQ(due, 2500u);
}

}  // namespace
}  // namespace ia
