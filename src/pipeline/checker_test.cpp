#include "pipeline/checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "testing/manual_clock.h"
#include "testing/memory_verdict_store.h"
#include "testing/scripted_judge.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

// A checker over a leaderboard that the test fills. Suspicious are those with odd ids.
struct World {
  ManualClock clock;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  Leaderboard leaderboard;
  std::shared_ptr<const LeaderboardSnapshot> snapshot = leaderboard.publish(clock.wall());
  MemoryVerdictStore store;
  ScriptedJudge::Script script = [](const Suspect& suspect) -> Result<bool> {
    return number_of(suspect.influencer) % 2 == 1;
  };
  ScriptedJudge judge{clock, [this](const Suspect& suspect) { return script(suspect); }};
  CheckerOptions options;
  std::unique_ptr<Checker> checker;

  void start() {
    checker = std::make_unique<Checker>(
        options, [this] { return snapshot; }, store, judge, clock, metrics, log);
    ASSERT_TRUE(checker->load());
  }
  void give(std::uint64_t id, std::int64_t followers) {
    leaderboard.apply(InfluencerId{id}, {followers, 10}, clock.wall());
    snapshot = leaderboard.publish(clock.wall());
  }
  void run(milliseconds time, milliseconds tick = milliseconds{500}) {
    for (milliseconds passed{0}; passed < time; passed += tick) {
      checker->step(milliseconds{0});
      clock.advance(tick);
    }
  }
  std::vector<std::uint64_t> asked() const {
    std::vector<std::uint64_t> ids;
    for (const auto& suspect : judge.asked) ids.push_back(number_of(suspect.influencer));
    return ids;
  }
  std::map<std::uint64_t, bool> stored() const {
    std::map<std::uint64_t, bool> verdicts;
    const auto page = store.read({}, 100'000);
    for (const auto& verdict : page->verdicts) {
      verdicts[number_of(verdict.influencer)] = verdict.suspicious;
    }
    return verdicts;
  }
};

TEST(Checker, ChecksEverybodyOnceAnInterval) {
  World world;
  for (std::uint64_t id = 1; id <= 20; ++id) world.give(id, 1'000);
  world.start();
  world.run(hours{1});
  EXPECT_THAT(world.asked(), SizeIs(20));
  EXPECT_EQ(world.stored().size(), 20u);
  EXPECT_TRUE(world.stored().at(7));
  EXPECT_FALSE(world.stored().at(8));

  world.run(hours{22});
  EXPECT_THAT(world.asked(), SizeIs(20));
  world.run(hours{2});
  EXPECT_THAT(world.asked(), SizeIs(40));
}

TEST(Checker, TellsTheNetworkTheLatestCounts) {
  World world;
  world.give(5, 1'234);
  world.leaderboard.set_username(InfluencerId{5}, "five");
  world.give(5, 1'234);
  world.start();
  world.run(seconds{5});
  ASSERT_THAT(world.judge.asked, SizeIs(1));
  EXPECT_EQ(world.judge.asked[0].counts, (Counts{1'234, 10}));
  EXPECT_EQ(world.judge.asked[0].username, "five");
}

TEST(Checker, SpreadsItsCalls) {
  World world;
  world.options.rate = 2;
  for (std::uint64_t id = 1; id <= 1'000; ++id) world.give(id, 1'000);
  world.start();
  std::vector<std::size_t> each_second;
  for (int second = 0; second < 60; ++second) {
    const auto before = world.judge.asked.size();
    world.run(seconds{1}, milliseconds{50});
    each_second.push_back(world.judge.asked.size() - before);
  }
  each_second.erase(each_second.begin());  // what a fresh start may ask at once
  EXPECT_THAT(each_second, Each(::testing::AllOf(Ge(1u), Le(3u))));
  const auto all = world.asked();
  EXPECT_EQ(std::set<std::uint64_t>(all.begin(), all.end()).size(), all.size()) << "nobody twice";
}

TEST(Checker, GoesOnWhereItWasAfterARestart) {
  World world;
  for (std::uint64_t id = 1; id <= 30; ++id) world.give(id, 1'000);
  world.start();
  world.run(seconds{15});
  world.checker->drain();
  const auto before = world.asked();
  ASSERT_GE(before.size(), 5u);
  ASSERT_LT(before.size(), 30u);

  world.start();
  world.run(minutes{5});
  const auto all = world.asked();
  EXPECT_EQ(std::set<std::uint64_t>(all.begin(), all.end()).size(), 30u);
  EXPECT_THAT(all, SizeIs(30)) << "nobody twice";
}

TEST(Checker, AsksAboutTheOldestVerdictFirst) {
  World world;
  const auto checked = [&](std::uint64_t id, hours ago) {
    const Verdict verdict{.influencer = InfluencerId{id},
                          .suspicious = false,
                          .judged = {},
                          .checked_at = world.clock.wall() - ago,
                          .changed_at = world.clock.wall() - ago};
    ASSERT_TRUE(world.store.put({&verdict, 1}));
    world.give(id, 1'000);
  };
  checked(1, hours{30});
  checked(2, hours{50});
  checked(3, hours{2});
  checked(4, hours{40});
  world.give(5, 1'000);  // never
  world.start();
  world.run(minutes{1});
  EXPECT_THAT(world.asked(), ElementsAre(5, 2, 4, 1));
}

TEST(Checker, AsksSoonerAboutAFreshJump) {
  World world;
  for (std::uint64_t id = 1; id <= 50; ++id) world.give(id, 10'000);
  world.start();
  world.run(hours{3});
  ASSERT_THAT(world.asked(), SizeIs(50));
  world.give(33, 80'000);
  world.run(minutes{3});
  EXPECT_EQ(world.asked().size(), 51u);
  EXPECT_EQ(world.asked().back(), 33u);
  world.give(33, 160'000);
  world.run(minutes{3});
  EXPECT_EQ(world.asked().size(), 51u) << "not twice within the hour";
}

TEST(Checker, HasABoundedNumberOfCallsUnderWay) {
  World world;
  world.options.in_flight_max = 4;
  for (std::uint64_t id = 1; id <= 50; ++id) world.give(id, 10'000);
  world.judge.is_held = true;
  world.start();
  world.run(minutes{2});
  EXPECT_THAT(world.asked(), SizeIs(4));
  world.judge.is_held = false;
  world.run(minutes{2});
  EXPECT_THAT(world.asked(), SizeIs(50));
}

TEST(Checker, RepeatsACallThatFailed) {
  World world;
  world.give(1, 10'000);
  bool fails = true;
  world.script = [&](const Suspect&) -> Result<bool> {
    if (fails) return fail(Errc::kUnavailable, "status 500");
    return true;
  };
  world.start();
  world.run(minutes{9});
  EXPECT_THAT(world.asked(), SizeIs(1));
  fails = false;
  world.run(minutes{3});
  EXPECT_THAT(world.asked(), SizeIs(2));
  EXPECT_EQ(world.stored().size(), 1u);
}

TEST(Checker, PausesLongerAndLongerWhileTheNetworkFails) {
  World world;
  world.options.rate = 100;
  for (std::uint64_t id = 1; id <= 3'000; ++id) world.give(id, 10'000);
  world.script = [](const Suspect&) -> Result<bool> { return fail(Errc::kOverloaded, "429"); };
  world.start();
  world.run(minutes{5}, milliseconds{10});
  EXPECT_LT(world.judge.asked.size(), 150u);
  world.script = [](const Suspect&) -> Result<bool> { return false; };
  world.run(minutes{15}, milliseconds{10});
  EXPECT_EQ(world.stored().size(), 3'000u);
}

TEST(Checker, KeepsVerdictsThatCannotBeStored) {
  World world;
  for (std::uint64_t id = 1; id <= 5; ++id) world.give(id, 10'000);
  world.store.fail_next(20);
  world.start();
  world.run(seconds{15});
  EXPECT_THAT(world.stored(), IsEmpty());
  world.run(seconds{30});
  EXPECT_EQ(world.stored().size(), 5u);
  EXPECT_THAT(world.asked(), SizeIs(5));
}

TEST(Checker, StoresWhatCameBeforeItStops) {
  World world;
  world.give(1, 10'000);
  world.start();
  world.checker->step(milliseconds{0});
  world.checker->drain();
  EXPECT_EQ(world.stored().size(), 1u);
}

TEST(Checker, TakesInWhoBecomesKnownLater) {
  World world;
  world.give(1, 10'000);
  world.start();
  world.run(minutes{2});
  world.give(2, 10'000);
  world.run(minutes{2});
  EXPECT_THAT(world.asked(), ElementsAre(1, 2));
}

TEST(Checker, BeginsWithNoParticularKindOfInfluencer) {
  World world;
  world.give(1, 10);
  world.give(2, 1'000'000);
  world.give(3, 500);
  world.start();
  world.run(minutes{1});
  EXPECT_THAT(world.asked(), ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace ia
