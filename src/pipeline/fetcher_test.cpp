#include "pipeline/fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/pipeline_world.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

TEST(Fetcher, FetchesEveryInfluencerOnceAMinute) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{5});

  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(world.minute(i).stored, 100u) << "minute " << i;
    EXPECT_EQ(world.minute(i).repeats, 0u) << "minute " << i;
  }
}

TEST(Fetcher, SpreadsItsRequestsOverTheMinute) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100", 1));
  world.run_for(minutes{1});

  std::vector<int> per_ten_seconds(6, 0);
  for (const auto& value : world.provider->given_values()) {
    ++per_ten_seconds[static_cast<std::size_t>((value.retrieved_at - ManualClock::kStart) /
                                               seconds{10})];
  }
  EXPECT_THAT(per_ten_seconds, Each(AllOf(Ge(9), Le(20))));
}

// The order is the promise: what is given back has its points in the queue.
TEST(Fetcher, KeepsAShardWhileItsPointsCannotBeSent) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.clock.advance(seconds{2});
  world.points.fail_next(1'000'000);
  for (int i = 0; i < 400; ++i) {
    world.fetcher->step(milliseconds{0});
    world.clock.advance(milliseconds{250});
  }
  EXPECT_EQ(world.ids.depth()->in_flight, 1u);
  EXPECT_THAT(world.provider->given_values(), SizeIs(10))
      << "it must not fetch what it cannot send";

  world.points.fail_next(0);
  world.run_for(seconds{10});
  EXPECT_EQ(world.minute(0).stored, 10u);
}

TEST(Fetcher, LosesNothingWhenTheReplyOfASendIsLost) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.clock.advance(seconds{2});
  world.points.lose_reply_next(1);
  world.fetcher->step(milliseconds{0});
  world.run_for(minutes{2});

  EXPECT_EQ(world.minute(0).stored, 10u);
  EXPECT_EQ(world.minute(0).repeats, 10u);
}

TEST(Fetcher, ComesBackForTheShardsOfADeadOne) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.provider->set_duration(seconds{20});
  world.clock.advance(seconds{2});
  world.fetcher->step(milliseconds{0});
  ASSERT_EQ(world.fetcher->shards_in_flight(), 1u);

  world.restart();
  world.run_for(seconds{45});
  EXPECT_EQ(world.minute(0).stored, 10u);
}

TEST(Fetcher, KeepsWhatTakesLongerThanTheVisibility) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.provider->set_duration(seconds{50});
  world.run_for(minutes{1});

  EXPECT_EQ(world.minute(0).stored, 10u);
  EXPECT_THAT(world.provider->given_values(), SizeIs(10)) << "nobody else got the shard meanwhile";
}

TEST(Fetcher, DropsTheShardsOfAnOlderSeeding) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  ASSERT_TRUE(world.seed("51-80"));
  world.run_for(minutes{3});

  EXPECT_EQ(world.minute(1).stored, 30u);
  EXPECT_EQ(world.minute(1).repeats, 0u);
  EXPECT_THAT(world.ids.bodies(), SizeIs(3));
}

TEST(Fetcher, TakesTheSeedsMessages) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  const OutgoingMessage foreign{R"({"influencer_id": 4711})"};
  ASSERT_TRUE(world.ids.send(std::span(&foreign, 1)));
  world.run_for(minutes{2});

  const auto series =
      world.store.read_series(InfluencerId{4711}, {minute_of(ManualClock::kStart), Minute::max()});
  EXPECT_EQ(series->size(), 2u);
}

TEST(Fetcher, BuriesWhatItCannotRead) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  const OutgoingMessage junk{"junk"};
  ASSERT_TRUE(world.ids.send(std::span(&junk, 1)));
  world.run_for(minutes{1});

  const auto dead = world.ids.dead_letters(10);
  ASSERT_THAT(*dead, SizeIs(1));
  EXPECT_EQ(dead->front().body, "junk");
  EXPECT_THAT(dead->front().reason, HasSubstr("not a JSON object"));
  EXPECT_EQ(world.minute(0).stored, 10u);
}

TEST(Fetcher, CountsAMissWithItsReason) {
  PipelineWorld world;
  world.script = [](InfluencerId id, WallTime) -> ScriptedProvider::Answer {
    if (number_of(id) == 3) return std::unexpected(MissReason::kTimeout);
    if (number_of(id) == 4) return std::unexpected(MissReason::kMalformed);
    return Counts{1, 1};
  };
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(minutes{1});

  EXPECT_EQ(world.minute(0).stored, 8u);
  EXPECT_EQ(world.missed(0, MissReason::kTimeout), 1u);
  EXPECT_EQ(world.missed(0, MissReason::kMalformed), 1u);
}

// A reply belongs to the minute in which it came, also when its request was of the one before.
TEST(Fetcher, FilesAValueUnderTheMinuteOfItsRetrieval) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  world.provider->set_duration(seconds{20});
  world.run_for(minutes{10});

  for (const auto& value : world.provider->given_values()) {
    const auto minute = minute_of(value.retrieved_at);
    const auto series = world.store.read_series(value.influencer, {minute, minute + minutes{1}});
    ASSERT_EQ(series->size(), 1u);
  }
}

TEST(Fetcher, LeavesAMinuteThatIsOver) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(seconds{90});
  world.clock.advance(milliseconds{500});
  // The shard of the third minute is due at second 2; the fetcher sleeps until second 59.
  world.clock.advance(ManualClock::kStart + seconds{179} - world.clock.wall());
  world.run_for(minutes{2});

  EXPECT_EQ(world.missed(2, MissReason::kOverrun), 10u);
  EXPECT_EQ(world.minute(3).stored, 10u) << "and the next one is on time";
}

TEST(Fetcher, TakesNothingWhilePaused) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.pause = "the disk is full";
  world.run_for(minutes{1});
  EXPECT_THAT(world.provider->given_values(), SizeIs(0));

  world.pause.reset();
  world.run_for(minutes{1});
  EXPECT_THAT(world.provider->given_values(), SizeIs(10));
  EXPECT_THAT(world.log_lines, ::testing::Contains(HasSubstr("the disk is full")));
}

TEST(Fetcher, GivesUnfinishedShardsBackWhenItDrains) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.provider->set_duration(seconds{40});
  world.clock.advance(seconds{2});
  world.fetcher->step(milliseconds{0});
  world.clock.advance(seconds{5});
  world.fetcher->drain(seconds{5});

  EXPECT_EQ(world.ids.depth()->visible, 1u) << "at once, not when the visibility ends";
  world.restart();
  world.run_for(seconds{10});
  EXPECT_EQ(world.minute(0).stored, 10u);
  EXPECT_EQ(world.minute(0).missed_total(), 0u);
}

}  // namespace
}  // namespace ia
