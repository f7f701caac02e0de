#include "pipeline/sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/pipeline_world.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::SizeIs;

PointBatch batch_of(std::uint64_t first, std::uint64_t count, Minute minute) {
  PointBatch batch;
  batch.minute = minute;
  batch.retrieved_at = minute + seconds{30};
  for (std::uint64_t i = 0; i < count; ++i) {
    batch.influencers.push_back(InfluencerId{first + i});
    batch.followers.push_back(100);
    batch.following.push_back(10);
  }
  return batch;
}

void send(PipelineWorld& world, std::string body) {
  const OutgoingMessage message{std::move(body)};
  ASSERT_TRUE(world.points.send(std::span(&message, 1)));
}

const Minute kFirst = minute_of(ManualClock::kStart);

TEST(Sink, AcksOnlyWhatTheStoreCommitted) {
  PipelineWorld world;
  send(world, encode(batch_of(1, 10, kFirst)));
  world.store.fail_next_append(3);
  world.sink->step(milliseconds{0});
  EXPECT_THAT(world.points.bodies(), SizeIs(1));

  world.run_for(seconds{5});
  EXPECT_THAT(world.points.bodies(), SizeIs(0));
  EXPECT_EQ(world.minute(0).stored, 10u);
}

TEST(Sink, CountsRepeatsWhenTheReplyOfACommitIsLost) {
  PipelineWorld world;
  send(world, encode(batch_of(1, 10, kFirst)));
  world.store.lose_reply_next_append(1);
  world.run_for(seconds{5});

  EXPECT_EQ(world.minute(0).stored, 10u);
  EXPECT_EQ(world.minute(0).repeats, 10u);
}

TEST(Sink, BuriesABatchThatCannotBeReadAndStoresTheOthers) {
  PipelineWorld world;
  send(world, encode(batch_of(1, 10, kFirst)));
  send(world, "junk");
  send(world, encode(batch_of(11, 10, kFirst)));
  world.run_for(seconds{1});

  EXPECT_EQ(world.minute(0).stored, 20u);
  ASSERT_THAT(*world.points.dead_letters(10), SizeIs(1));
  EXPECT_THAT(world.points.dead_letters(10)->front().reason, HasSubstr("point batch"));
}

TEST(Sink, BuriesABatchThatTheStoreRefusesForGood) {
  PipelineWorld world;
  send(world, encode(batch_of(1, 10, kFirst)));
  send(world, encode(batch_of(11, 10, kFirst)));
  world.store.fail_next_append(2, Errc::kInvalid);
  world.run_for(seconds{1});

  EXPECT_THAT(*world.points.dead_letters(10), SizeIs(1));
  EXPECT_EQ(world.minute(0).stored, 10u);
  EXPECT_THAT(world.points.bodies(), SizeIs(0));
}

// Whether it is stopped or killed.
TEST(Sink, BuriesNothingHoweverOftenItIsRestartedWhileTheStoreFails) {
  PipelineWorld world;
  send(world, encode(batch_of(1, 10, kFirst)));
  world.store.fail_next_append(100'000);
  for (int i = 0; i < 60; ++i) {
    world.run_for(seconds{2});
    if (i % 2 == 0) world.sink->drain();
    world.clock.advance(seconds{61});
    world.restart();
  }
  EXPECT_THAT(*world.points.dead_letters(10), SizeIs(0));
  world.store.fail_next_append(0);
  world.run_for(minutes{2});
  EXPECT_EQ(world.minute(0).stored, 10u);
}

// A store without its tables refuses good values too: they are not to blame.
TEST(Sink, KeepsEverythingWhileTheStoreRefusesEverything) {
  PipelineWorld world;
  for (std::uint64_t i = 0; i < 5; ++i) send(world, encode(batch_of(1 + 10 * i, 10, kFirst)));
  world.store.fail_next_append(100'000, Errc::kInvalid);
  world.run_for(minutes{30}, seconds{1});
  EXPECT_THAT(*world.points.dead_letters(10), SizeIs(0));

  world.store.fail_next_append(0);
  world.run_for(seconds{30});
  EXPECT_EQ(world.minute(0).stored, 50u);
  EXPECT_THAT(*world.points.dead_letters(10), SizeIs(0));
}

TEST(Sink, TellsABatchThatIsRefusedAloneFromAStoreThatRefusesAll) {
  PipelineWorld world;
  send(world, encode(batch_of(1, 10, kFirst)));
  world.store.fail_next_append(4, Errc::kInvalid);  // together and alone, twice
  world.run_for(milliseconds{250});
  EXPECT_THAT(*world.points.dead_letters(10), SizeIs(0));

  send(world, encode(batch_of(11, 10, kFirst)));
  world.run_for(seconds{30});
  EXPECT_EQ(world.minute(0).stored, 20u) << "it was the store";
}

// While the store is down, batches wait in the queue: none may become a dead letter by it.
TEST(Sink, OutlastsAStoreThatIsDownForHours) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-20"));
  world.run_for(minutes{1});
  world.store.set_down(true);
  world.run_for(minutes{180}, seconds{1});
  world.store.set_down(false);
  world.run_for(minutes{2});

  EXPECT_THAT(*world.points.dead_letters(10), SizeIs(0));
  for (int i = 0; i < 181; ++i) ASSERT_EQ(world.minute(i).stored, 20u) << "minute " << i;
}

TEST(Sink, ClosesAMinuteWithWhatDidNotCome) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{2});
  ASSERT_TRUE(world.ids.purge());
  world.run_for(minutes{2});

  EXPECT_TRUE(world.minute(2).closed);
  EXPECT_EQ(world.missed(2, MissReason::kOverrun), 100u);
}

TEST(Sink, SaysThatTheProgramWasDown) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{2});
  world.clock.advance(minutes{3});
  world.restart();
  world.run_for(minutes{2});

  EXPECT_EQ(world.missed(3, MissReason::kDown), 100u);
  EXPECT_EQ(world.missed(4, MissReason::kDown), 100u);
  EXPECT_EQ(world.minute(6).stored, 100u);
}

TEST(Sink, SaysThatTheClockJumped) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{2});
  world.clock.step_wall(minutes{5});
  world.run_for(minutes{3});

  for (int i = 3; i < 7; ++i) EXPECT_EQ(world.missed(i, MissReason::kClock), 100u) << i;
}

TEST(Sink, ClosesWhatTheClockJumpedOverAtOnce) {
  constexpr int kMonth = 31 * 24 * 60;
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{2});
  const auto before = world.store.closings();
  world.clock.step_wall(minutes{kMonth});
  world.run_for(seconds{5});

  EXPECT_LE(world.store.closings() - before, 2u);
  EXPECT_EQ(world.missed(kMonth, MissReason::kClock), 100u);
  EXPECT_EQ(world.missed(kMonth - 6 * 24 * 60, MissReason::kClock), 100u);
  EXPECT_EQ(world.minute(kMonth - 8 * 24 * 60).due, 0u);
}

}  // namespace
}  // namespace ia
