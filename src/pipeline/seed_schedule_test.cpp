#include "pipeline/seed_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/pipeline_world.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SeedScheduleTest : public ::testing::Test {
 protected:
  SeedSchedule& add(SeedScheduleOptions options = {}) {
    return *schedules_.emplace_back(std::make_unique<SeedSchedule>(
        std::move(options), world_.store, world_.ids, world_.clock, world_.log));
  }
  std::uint64_t epoch() const { return world_.store.registry()->epoch; }
  // The pipeline and all schedules live on for that time.
  void live(milliseconds time) {
    std::vector<MonoTime> due(schedules_.size(), world_.clock.mono());
    for (const auto end = world_.clock.mono() + time; world_.clock.mono() < end;) {
      for (std::size_t i = 0; i < schedules_.size(); ++i) {
        if (world_.clock.mono() < due[i]) continue;
        due[i] = world_.clock.mono() + schedules_[i]->step();
      }
      world_.step();
      world_.clock.advance(milliseconds{250});
    }
  }

  PipelineWorld world_;
  std::vector<std::unique_ptr<SeedSchedule>> schedules_;
};

TEST_F(SeedScheduleTest, SeedsAnEmptyQueueWithinAMinute) {
  ASSERT_TRUE(world_.seed("1-100"));
  const auto& schedule = add();
  live(minutes{3});
  EXPECT_EQ(epoch(), 1u) << "a filled queue is left alone";

  ASSERT_TRUE(world_.ids.purge());
  live(seconds{60});
  EXPECT_EQ(epoch(), 2u);
  EXPECT_THAT(world_.ids.bodies(), SizeIs(10));
  EXPECT_THAT(world_.log_lines, Contains(HasSubstr("the queue of ids is empty")));
  live(minutes{2});
  EXPECT_EQ(world_.minute(5).stored, 100u);
  EXPECT_EQ(schedule.trouble(), std::nullopt);
  EXPECT_EQ(epoch(), 2u);
}

TEST_F(SeedScheduleTest, SaysSoWhereItMayNotSeed) {
  ASSERT_TRUE(world_.seed("1-100"));
  const auto& schedule = add({.seeds = false});
  live(minutes{1});
  EXPECT_EQ(schedule.trouble(), std::nullopt);
  ASSERT_TRUE(world_.ids.purge());
  live(minutes{1});
  EXPECT_EQ(epoch(), 1u);
  EXPECT_THAT(schedule.trouble().value_or(""), HasSubstr("empty"));
}

TEST_F(SeedScheduleTest, SaysThatNothingWasEverSeeded) {
  const auto& schedule = add();
  live(minutes{1});
  EXPECT_EQ(epoch(), 0u);
  EXPECT_THAT(schedule.trouble().value_or(""), HasSubstr("influencer-analytics seed"));
}

// Each look of one may fall into the seeding of another.
TEST_F(SeedScheduleTest, OfSeveralProcessesOneSeeds) {
  ASSERT_TRUE(world_.seed("1-100"));
  for (int i = 0; i < 5; ++i) add();
  live(minutes{2});
  for (std::uint64_t expected = 2; expected < 6; ++expected) {
    ASSERT_TRUE(world_.ids.purge());
    live(minutes{2});
    EXPECT_EQ(epoch(), expected);
  }
}

TEST_F(SeedScheduleTest, TwoThatSeedAfterTheSameEpochDoItOnce) {
  ASSERT_TRUE(world_.seed("1-100"));
  SeedOrder order{.influencers = InfluencerSet::parse("1-100").value()};
  order.after_epoch = 1;
  Seeder seeder(world_.store, world_.ids, world_.clock);
  ASSERT_TRUE(seeder.seed(order));
  const auto second = seeder.seed(order);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kInvalid);
  EXPECT_EQ(epoch(), 2u);
}

TEST_F(SeedScheduleTest, ReplacesShardsThatAreLackingForMinutes) {
  ASSERT_TRUE(world_.seed("1-100"));
  add();
  live(minutes{1});
  world_.clock.advance(minutes{1});
  const auto lost = world_.ids.receive(1, hours{12}, milliseconds{0}).value();
  ASSERT_THAT(lost, SizeIs(1));
  ASSERT_TRUE(world_.ids.ack(std::span(&lost.front().receipt, 1)));
  live(minutes{4});
  EXPECT_EQ(epoch(), 1u) << "figures that come late are no reason";
  live(minutes{2});
  EXPECT_EQ(epoch(), 2u);
}

TEST_F(SeedScheduleTest, SeedsByTime) {
  ASSERT_TRUE(world_.seed("1-10"));
  add({.every = hours{1}});
  add({.every = hours{1}});
  live(minutes{59});
  EXPECT_EQ(epoch(), 1u);
  live(minutes{2});
  EXPECT_EQ(epoch(), 2u) << "one of the two";
  live(minutes{61});
  EXPECT_EQ(epoch(), 3u);
}

// Seeded by a clock that was ahead: nothing would be expected until that time comes.
TEST_F(SeedScheduleTest, SeedsAgainWhatBeginsInTheFuture) {
  ASSERT_TRUE(world_.seed("1-100"));
  auto registry = world_.store.registry().value();
  registry.epoch = 2;
  const auto now = minute_of(world_.clock.wall());
  registry.watched = WatchHistory(now + minutes{60'000});
  ASSERT_TRUE(world_.store.put_registry(registry));
  add();
  live(minutes{3});
  EXPECT_EQ(epoch(), 3u) << "once";
  EXPECT_LE(world_.store.registry()->watched.all_since(), now + minutes{1});
  EXPECT_EQ(world_.minute(2).due, 100u);
}

TEST_F(SeedScheduleTest, SeedsWhatItIsToldRatherThanWhatTheRegistrySays) {
  ASSERT_TRUE(world_.seed("1-100"));
  add({.order = SeedOrder{.influencers = InfluencerSet::parse("1-20").value(), .shard_size = 10}});
  ASSERT_TRUE(world_.ids.purge());
  live(minutes{1});
  EXPECT_EQ(world_.store.registry()->influencers.size(), 20u);
  EXPECT_THAT(world_.ids.bodies(), SizeIs(2));
}

TEST_F(SeedScheduleTest, GoesOnAfterTheStoreWasAway) {
  ASSERT_TRUE(world_.seed("1-100"));
  const auto& schedule = add();
  live(minutes{1});
  world_.store.set_down(true);
  ASSERT_TRUE(world_.ids.purge());
  live(minutes{2});
  EXPECT_THAT(schedule.trouble().value_or(""), HasSubstr("cannot be looked at"));
  world_.store.set_down(false);
  live(minutes{2});
  EXPECT_EQ(epoch(), 2u);
  EXPECT_EQ(schedule.trouble(), std::nullopt);
}

}  // namespace
}  // namespace ia
