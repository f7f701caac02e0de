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

// A queue that notes when each message would come back.
class VisibilityRecorder final : public Queue {
 public:
  VisibilityRecorder(MemoryQueue& real, const Clock& clock) : real_(real), clock_(clock) {}

  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override {
    return real_.send(messages);
  }
  Result<std::vector<Delivery>> receive(std::size_t count_max, milliseconds visibility,
                                        milliseconds wait) override {
    auto deliveries = real_.receive(count_max, visibility, wait);
    ++receives;
    if (deliveries) {
      for (const auto& one : *deliveries) back_at_[one.receipt] = clock_.mono() + visibility;
    }
    return deliveries;
  }
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override {
    return real_.ack(receipts);
  }
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changed) override {
    ++changes;
    for (const auto& one : changed) {
      if (clock_.mono() + one.timeout > back_at_[one.receipt]) ++increases;
    }
    return real_.change_visibility(changed);
  }
  Status bury(const Receipt& receipt, const DeadLetter& letter) override {
    return real_.bury(receipt, letter);
  }
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override {
    return real_.dead_letters(count_max);
  }
  Result<QueueDepth> depth() const override { return real_.depth(); }
  Status purge() override { return real_.purge(); }

  int receives = 0;
  int changes = 0;
  int increases = 0;

 private:
  MemoryQueue& real_;
  const Clock& clock_;
  std::map<Receipt, MonoTime> back_at_;
};

FetcherGuards guards_of(PipelineWorld& world) {
  return {.epoch = [] { return 1; },
          .pause = {},
          .stored_epoch = [&world]() -> Result<std::uint64_t> {
            const auto registry = world.store.registry();
            if (!registry) return std::unexpected(registry.error());
            return registry->epoch;
          },
          .shard_size_max = [] { return 10; },
          .give_back_max = [] { return minutes{1}; }};
}

// ElasticMQ delivers late what is made invisible for longer than it was.
TEST(Fetcher, OnlyEverShortensTheVisibilityThatItReceivedWith) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-600"));
  VisibilityRecorder ids(world.ids, world.clock);
  Fetcher fetcher({}, guards_of(world), ids, world.points, *world.provider, world.clock,
                  world.metrics, world.log);
  for (const auto took : {milliseconds{100}, milliseconds{20'000}, milliseconds{50'000}}) {
    world.provider->set_duration(took);
    for (int i = 0; i < 4 * 60 * 5; ++i) {
      fetcher.step(milliseconds{0});
      world.clock.advance(milliseconds{200});
    }
  }
  EXPECT_GT(ids.changes, 100);
  EXPECT_EQ(ids.increases, 0);
}

// At SQS each call costs the same with one message as with ten.
TEST(Fetcher, GathersShardsSoThatItsCallsAreFull) {
  const auto calls_with = [](milliseconds gather) {
    PipelineWorld world;
    EXPECT_TRUE(world.seed("1-10000"));
    VisibilityRecorder ids(world.ids, world.clock);
    VisibilityRecorder points(world.points, world.clock);
    world.provider->set_duration(milliseconds{300});
    Fetcher fetcher({.gather = gather, .take_apart = gather}, guards_of(world), ids, points,
                    *world.provider, world.clock, world.metrics, world.log);
    for (int i = 0; i < 180 * 100; ++i) {
      fetcher.step(milliseconds{0});
      world.sink->step(milliseconds{0});
      world.clock.advance(milliseconds{10});
    }
    EXPECT_EQ(world.minute(1).stored, 10'000u);
    return std::pair(ids.receives, ids.changes);
  };
  const auto [receives_at_once, changes_at_once] = calls_with(milliseconds{0});
  const auto [receives, changes] = calls_with(milliseconds{500});
  EXPECT_GE(changes_at_once, 2'000) << "1,000 shards per minute";
  EXPECT_LE(changes, 3 * 150);
  EXPECT_LE(receives, 3 * 200);
  EXPECT_GT(receives_at_once, receives);
}

// Where each transaction writes whole pages, more of them go into one than into a call of SQS.
TEST(Fetcher, SendsAtOnceWhenACallIsFull) {
  const auto sends_with = [](std::size_t full_call) {
    PipelineWorld world;
    EXPECT_TRUE(world.seed("1-10000"));
    VisibilityRecorder ids(world.ids, world.clock);
    Fetcher fetcher({.gather = milliseconds{1'000}, .full_call = full_call}, guards_of(world), ids,
                    world.points, *world.provider, world.clock, world.metrics, world.log);
    world.provider->set_duration(milliseconds{300});
    std::size_t sends = 0;
    for (int i = 0; i < 120 * 100; ++i) {
      const auto before = world.points.depth()->visible;
      fetcher.step(milliseconds{0});
      if (world.points.depth()->visible > before) ++sends;
      world.clock.advance(milliseconds{10});
    }
    return sends;
  };
  EXPECT_GT(sends_with(5), 2 * sends_with(64));
}

std::string forged(std::uint64_t epoch, std::string_view influencers) {
  return encode(Shard{.epoch = epoch,
                      .number = {0, 1000},
                      .schedule = {},
                      .influencers = InfluencerSet::parse(influencers).value()});
}

TEST(Fetcher, BuriesShardsThatNoSeedingCanHaveSent) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  Fetcher fetcher({}, guards_of(world), world.ids, world.points, *world.provider, world.clock,
                  world.metrics, world.log);
  const OutgoingMessage messages[] = {
      {forged(9'000'000'000, "500000-599999")}, {forged(1, "500000-500010")}, {forged(2, "7")}};
  ASSERT_TRUE(world.ids.send(messages));
  for (int i = 0; i < 4 * 60; ++i) {
    fetcher.step(milliseconds{0});
    world.sink->step(milliseconds{0});
    world.clock.advance(milliseconds{250});
  }
  std::string reasons;
  const auto letters = world.ids.dead_letters(10).value();
  ASSERT_THAT(letters, SizeIs(3));
  for (const auto& letter : letters) reasons += letter.reason + "\n";
  EXPECT_THAT(reasons, HasSubstr("epoch 9000000000"));
  EXPECT_THAT(reasons, HasSubstr("epoch 2"));
  EXPECT_THAT(reasons, HasSubstr("11 influencers, where a shard of this seeding holds 10"));
  EXPECT_EQ(world.minute(0).stored, 100u) << "the others are fetched";
}

// The registry is stored before its shards are sent, so one look at it tells.
TEST(Fetcher, TakesTheShardsOfASeedingThatItHasNotHeardOfYet) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  ASSERT_TRUE(world.ids.purge());
  ASSERT_TRUE(world.seed("1-10"));
  Fetcher fetcher({}, guards_of(world), world.ids, world.points, *world.provider, world.clock,
                  world.metrics, world.log);
  world.store.set_down(true);
  world.clock.advance(seconds{3});
  fetcher.step(milliseconds{0});
  EXPECT_THAT(world.provider->given_values(), SizeIs(0)) << "it cannot be judged now";
  EXPECT_THAT(*world.ids.dead_letters(10), SizeIs(0));

  world.store.set_down(false);
  for (int i = 0; i < 4 * 20; ++i) {
    fetcher.step(milliseconds{0});
    world.clock.advance(milliseconds{250});
  }
  EXPECT_THAT(world.provider->given_values(), SizeIs(10));
}

TEST(Fetcher, GivesShardsBackOnceTheQueueTakesThem) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.clock.advance(seconds{2});
  world.provider->set_duration(seconds{1});
  world.fetcher->step(milliseconds{0});
  world.clock.advance(seconds{1});
  world.ids.fail_next(3);
  for (int i = 0; i < 8; ++i) {
    world.fetcher->step(milliseconds{0});
    world.clock.advance(milliseconds{250});
  }
  world.ids.fail_next(0);
  world.clock.advance(ManualClock::kStart + seconds{62} - world.clock.wall());
  EXPECT_EQ(world.ids.depth()->visible, 1u) << "due, not when the visibility ends";
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

// As during the deployment of a gateway.
TEST(Fetcher, RequestsEverybodyAgainAtOnceAfterANotFoundForAll) {
  PipelineWorld world;
  world.provider->set_denies_in_words(false);
  const auto back_at = ManualClock::kStart + minutes{8};
  world.script = [&](InfluencerId, WallTime at) -> ScriptedProvider::Answer {
    if (at >= ManualClock::kStart + minutes{2} && at < back_at) {
      return std::unexpected(MissReason::kNotFound);
    }
    return Counts{1, 1};
  };
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{10});
  EXPECT_EQ(world.missed(7, MissReason::kServerError), 100u);
  EXPECT_EQ(world.minute(8).stored, 100u);
}

// Neither the fetcher nor the sink hears of shards that nobody takes.
TEST(Fetcher, WhatWasDueWhileTheDiskWasFullIsMissedForThat) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-100"));
  world.run_for(minutes{1} + seconds{30});
  world.pause = "the disk is full";
  world.run_for(minutes{2});
  world.pause.reset();
  world.run_for(minutes{2});
  EXPECT_EQ(world.missed(2, MissReason::kDiskFull), 100u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(world.minute(i).missed_total(), world.missed(i, MissReason::kDiskFull)) << i;
  }
  EXPECT_EQ(world.minute(4).stored, 100u);
}

TEST(Fetcher, WhatComesTooLateBecauseOfAnOutageIsMissedForItsReason) {
  PipelineWorld world;
  ASSERT_TRUE(world.seed("1-10"));
  world.run_for(seconds{50});
  world.provider->set_holdup(MissReason::kConnection, false);
  world.clock.advance(ManualClock::kStart + seconds{119} - world.clock.wall());
  world.run_for(minutes{2});
  EXPECT_EQ(world.missed(1, MissReason::kConnection), 10u);
}

// More shards are due than may be in flight, and the network is out for minutes.
TEST(Fetcher, EveryShardOfAnOutageIsMissedForItsReasonAlsoThoseWithoutRoom) {
  PipelineWorld world;
  world.script = [](InfluencerId, WallTime) -> ScriptedProvider::Answer {
    return std::unexpected(MissReason::kConnection);
  };
  world.provider->set_duration(minutes{5});  // until the order ends
  world.provider->set_holdup(MissReason::kConnection);
  ASSERT_TRUE(world.seed("1-400", 1));  // as many shards, of which 256 may be in flight
  world.run_for(minutes{3});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(world.missed(i, MissReason::kTimeout), 256u) << i;
    EXPECT_EQ(world.missed(i, MissReason::kConnection), 144u) << i;
  }
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
