#include "pipeline/seeder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "pipeline/leaderboard_feed.h"
#include "pipeline/pipeline_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::SizeIs;

SeedOrder order_of(std::string_view influencers) {
  return {
      .influencers = InfluencerSet::parse(influencers).value(), .schedule = {}, .shard_size = 10};
}

TEST(Seeder, SendsOneMessageAShard) {
  PipelineWorld world;
  const auto report = world.seed("1-95");

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->epoch, 1u);
  EXPECT_EQ(report->influencers, 95u);
  EXPECT_THAT(world.ids.bodies(), SizeIs(10));
}

TEST(Seeder, CanBeRunAgainWithoutDoublingAnything) {
  PipelineWorld world;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{3});

  EXPECT_EQ(world.store.registry()->epoch, 5u);
  EXPECT_EQ(world.minute(1).stored, 100u);
  EXPECT_EQ(world.minute(1).repeats, 0u);
}

// The program has not been missing anybody before it was started for the first time.
TEST(Seeder, ExpectsNobodyInTheMinuteOfTheFirstStart) {
  PipelineWorld world;
  world.run_for(std::chrono::seconds{30});
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{3});

  const auto first = world.minute(0);
  EXPECT_GT(first.stored, 0u);
  EXPECT_LT(first.stored, 100u);
  EXPECT_EQ(first.due, first.stored);
  EXPECT_EQ(first.missed_total(), 0u);
  EXPECT_TRUE(first.closed);
  EXPECT_EQ(world.minute(1).due, 100u);
  EXPECT_EQ(world.minute(1).stored, 100u);
}

TEST(Seeder, ExpectsThoseThatAreAddedFromTheNextMinuteOn) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-50"));
  world.run_for(minutes{1} + std::chrono::seconds{30});
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{3});

  EXPECT_EQ(world.minute(1).missed_total(), 0u);
  EXPECT_EQ(world.minute(2).due, 100u);
  const auto registry = world.store.registry();
  EXPECT_EQ(registry->watched.since(InfluencerId{100}) - registry->watched.since(InfluencerId{1}),
            minutes{2});
}

TEST(Seeder, KnowsWhenItIsNeeded) {
  PipelineWorld world;
  const Seeder seeder(world.store, world.ids, world.clock);
  EXPECT_TRUE(*seeder.needs_seeding(order_of("1-100")));

  ASSERT_TRUE(world.seed("1-100"));
  EXPECT_FALSE(*seeder.needs_seeding(order_of("1-100")));
  EXPECT_TRUE(*seeder.needs_seeding(order_of("1-101")));

  ASSERT_TRUE(world.ids.purge());
  EXPECT_TRUE(*seeder.needs_seeding(order_of("1-100"))) << "its messages are gone";
}

// The registry comes first, so a seeding that is cut short is seen and repeated.
TEST(Seeder, IsNeededAgainAfterItWasCutShort) {
  PipelineWorld world;
  world.ids.fail_next(1);
  EXPECT_FALSE(world.seed("1-100"));

  EXPECT_TRUE(*Seeder(world.store, world.ids, world.clock).needs_seeding(order_of("1-100")));
}

TEST(Seeder, RefusesNobodyAndTooMany) {
  PipelineWorld world;
  EXPECT_EQ(world.seed("").error().code, Errc::kInvalid);
  EXPECT_EQ(world.seed("0-9223372036854775807").error().code, Errc::kInvalid);
  EXPECT_EQ(world.store.registry()->epoch, 0u);
}

TEST(Vanished, IsAskedForOnlyOnceAnHour) {
  PipelineWorld world;
  std::size_t asked = 0;
  world.script = [&](InfluencerId id, WallTime) -> ScriptedProvider::Answer {
    if (number_of(id) != 7) return Counts{1, 1};
    ++asked;
    return std::unexpected(MissReason::kNotFound);
  };
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(minutes{200}, std::chrono::seconds{1});

  EXPECT_EQ(asked, 5u + 3u);
  EXPECT_EQ(world.missed(100, MissReason::kNotFound), 1u);
  EXPECT_EQ(world.minute(100).stored, 9u);
}

TEST(Vanished, ComesBackWhenItAnswersAgain) {
  PipelineWorld world;
  bool gone = true;
  world.script = [&](InfluencerId id, WallTime) -> ScriptedProvider::Answer {
    if (number_of(id) == 7 && gone) return std::unexpected(MissReason::kServerError);
    return Counts{1, 1};
  };
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(minutes{20}, std::chrono::seconds{1});
  gone = false;
  world.run_for(minutes{60}, std::chrono::seconds{1});

  EXPECT_EQ(world.minute(78).stored, 10u);
}

// A network that is down denies everybody; asking all of them hourly would never end.
TEST(Vanished, IsNobodyWhileTheNetworkIsDown) {
  PipelineWorld world;
  bool down = true;
  world.script = [&](InfluencerId, WallTime) -> ScriptedProvider::Answer {
    if (down) return std::unexpected(MissReason::kServerError);
    return Counts{1, 1};
  };
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(minutes{20}, std::chrono::seconds{1});
  down = false;
  world.run_for(minutes{2}, std::chrono::seconds{1});

  EXPECT_EQ(world.minute(21).stored, 10u);
}

TEST(LeaderboardFeed, EqualsWhatTheStoreWouldRebuild) {
  PipelineWorld world;
  world.script = [](InfluencerId id, WallTime at) {
    return Counts{
        static_cast<std::int64_t>(number_of(id)) * 7919 % 31 + at.time_since_epoch().count() % 97,
        10};
  };
  LeaderboardFeed following(world.store, world.clock, world.metrics, world.log);
  ASSERT_TRUE(following.load());
  ASSERT_TRUE(world.seed("1-50"));
  for (int i = 0; i < 10; ++i) {
    world.run_for(std::chrono::seconds{37});
    ASSERT_TRUE(following.step());
  }
  LeaderboardFeed rebuilt(world.store, world.clock, world.metrics, world.log);
  ASSERT_TRUE(rebuilt.load());

  ASSERT_EQ(following.snapshot()->size(), 50u);
  ASSERT_EQ(rebuilt.snapshot()->size(), 50u);
  for (std::size_t i = 0; i < 50; ++i) {
    const auto a = following.snapshot()->at_position(i);
    const auto b = rebuilt.snapshot()->at_position(i);
    EXPECT_EQ(a.influencer, b.influencer);
    EXPECT_EQ(a.counts, b.counts);
    EXPECT_EQ(a.rank, b.rank);
  }
}

TEST(LeaderboardFeed, ForgetsWhoIsNoLongerWatched) {
  PipelineWorld world;
  world.script = [](InfluencerId id, WallTime) {
    return Counts{static_cast<std::int64_t>(number_of(id)), 10};
  };
  LeaderboardFeed feed(world.store, world.clock, world.metrics, world.log);
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(minutes{2}, std::chrono::seconds{1});
  ASSERT_TRUE(feed.load());
  ASSERT_TRUE(world.seed("1-4"));
  world.run_for(minutes{30}, std::chrono::seconds{1});
  ASSERT_TRUE(feed.step());
  EXPECT_EQ(feed.snapshot()->size(), 10u) << "not at once";
  world.run_for(minutes{40}, std::chrono::seconds{1});
  ASSERT_TRUE(feed.step());
  EXPECT_EQ(feed.snapshot()->size(), 4u);
  EXPECT_EQ(feed.snapshot()->find(InfluencerId{1})->rank, 4u);

  LeaderboardFeed rebuilt(world.store, world.clock, world.metrics, world.log);
  ASSERT_TRUE(rebuilt.load());
  EXPECT_EQ(rebuilt.snapshot()->size(), 4u);
}

// 7 gains 50,000 in the 41st minute; the values before are in the store when the feed starts.
TEST(LeaderboardFeed, ListsTheJumpsThatCameWhileItFollowed) {
  PipelineWorld world;
  std::map<InfluencerId, int> looks;
  world.script = [&](InfluencerId id, WallTime) {
    const auto look = ++looks[id];
    const int bought = id == InfluencerId{7} && look > 40 ? 50'000 : 0;
    return Counts{1'000 + look + bought, 10};
  };
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(minutes{5}, std::chrono::seconds{1});
  LeaderboardFeed feed(world.store, world.clock, world.metrics, world.log);
  ASSERT_TRUE(feed.load());
  EXPECT_TRUE(feed.jumps()->empty());
  for (int i = 0; i < 40; ++i) {
    world.run_for(minutes{1}, std::chrono::seconds{1});
    ASSERT_TRUE(feed.step());
  }

  ASSERT_EQ(feed.jumps()->size(), 1u);
  EXPECT_EQ(feed.jumps()->front().influencer, InfluencerId{7});
  EXPECT_EQ(feed.jumps()->front().size, 50'001);
}

}  // namespace
}  // namespace ia
