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
  std::shared_ptr<const JumpCandidates> jumps = std::make_shared<JumpCandidates>();
  std::unique_ptr<Checker> checker;

  void start() {
    checker = std::make_unique<Checker>(
        options, [this] { return snapshot; },
        [this] { return std::make_shared<const JumpCandidates>(*jumps); },  // nobody else's
        store, judge, clock, metrics, log);
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
  void jump(std::vector<std::pair<std::uint64_t, double>> scores) {
    JumpCandidates found;
    for (const auto& [id, score] : scores) {
      found.push_back({.influencer = InfluencerId{id},
                       .begin = minute_of(clock.wall()) - minutes{1},
                       .end = minute_of(clock.wall()),
                       .score = score});
    }
    jumps = std::make_shared<JumpCandidates>(std::move(found));
  }
  double metric(const std::string& name) const {
    const auto text = metrics.text();
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
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

// The first round at once, the next ones spread over the interval: one each 70 minutes.
TEST(Checker, ChecksEverybodyOnceAnInterval) {
  World world;
  for (std::uint64_t id = 1; id <= 20; ++id) world.give(id, 1'000);
  world.start();
  world.run(minutes{5});
  EXPECT_THAT(world.asked(), SizeIs(::testing::AllOf(Ge(20u), Le(21u))));
  EXPECT_EQ(world.stored().size(), 20u);
  EXPECT_TRUE(world.stored().at(7));
  EXPECT_FALSE(world.stored().at(8));

  for (int day = 0; day < 3; ++day) {
    const auto before = world.asked().size();
    for (int part = 0; part < 4; ++part) {
      const auto so_far = world.asked().size();
      world.run(hours{6}, seconds{5});
      EXPECT_THAT(world.asked().size() - so_far, ::testing::AllOf(Ge(4u), Le(6u)));
    }
    const auto all = world.asked();
    const std::set<std::uint64_t> of_day(all.begin() + static_cast<std::ptrdiff_t>(before),
                                         all.end());
    EXPECT_EQ(of_day.size(), 20u) << "everybody";
    EXPECT_THAT(all.size() - before, Le(22u)) << "once";
    EXPECT_LT(world.metric("ia_check_oldest_verdict_seconds"), 24 * 3'600);
    EXPECT_EQ(world.metric("ia_check_overdue_influencers"), 0);
  }
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
  EXPECT_THAT(all, SizeIs(Le(31))) << "nobody twice, but whose turn it is";
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
  world.run(hours{3}, seconds{1});
  const auto before = world.asked().size();
  world.jump({{33, 20}, {44, 90}});
  world.run(minutes{2});
  const auto all = world.asked();
  ASSERT_THAT(all.size() - before, ::testing::AllOf(Ge(2u), Le(3u)));
  const auto first =
      std::ranges::find(all.begin() + static_cast<std::ptrdiff_t>(before), all.end(), 44u);
  ASSERT_NE(first, all.end());
  EXPECT_NE(std::ranges::find(first, all.end(), 33u), all.end()) << "the larger one first";
  world.run(minutes{30});
  world.jump({{33, 50}});
  world.run(minutes{3});
  EXPECT_EQ(std::ranges::count(world.asked(), 33u), 2) << "not twice within the hour";
}

TEST(Checker, AsksFirstAboutAJumpOfOneThatHasNoVerdict) {
  World world;
  for (std::uint64_t id = 1; id <= 500; ++id) world.give(id, 10'000);
  world.jump({{400, 20}});
  world.start();
  world.run(seconds{10});
  EXPECT_EQ(world.asked().front(), 400u);
  EXPECT_EQ(std::ranges::count(world.asked(), 400u), 1);
}

// A jumper's call fails, and then its turn comes before the repetition.
TEST(Checker, RepeatsNothingThatSucceededMeanwhile) {
  World world;
  world.give(1, 1'000);
  world.start();
  world.run(minutes{5});
  ASSERT_THAT(world.asked(), SizeIs(1));
  world.run(hours{23} + minutes{7}, seconds{1});
  ASSERT_THAT(world.asked(), SizeIs(1)) << "its turn did not come yet";
  world.script = [](const Suspect&) -> Result<bool> { return fail(Errc::kUnavailable, "500"); };
  world.jump({{1, 10.0}});
  world.run(minutes{2}, seconds{1});
  ASSERT_THAT(world.asked(), SizeIs(2));
  world.script = [](const Suspect&) -> Result<bool> { return true; };
  world.run(minutes{6}, seconds{1});
  ASSERT_THAT(world.asked(), SizeIs(3));
  world.run(hours{1}, seconds{1});
  EXPECT_THAT(world.asked(), SizeIs(3));
}

// What always fails takes its share of the calls, and no more: the others are as young as ever.
TEST(Checker, FailuresDoNotKeepTheOthersWaiting) {
  World world;
  world.options.interval = hours{2};
  for (std::uint64_t id = 1; id <= 400; ++id) world.give(id, 1'000);
  world.script = [](const Suspect& suspect) -> Result<bool> {
    const auto id = number_of(suspect.influencer);
    if (id % 10 == 1) return fail(Errc::kUnavailable, "status 500");
    if (id % 10 == 2) return fail(Errc::kNotFound, "status 404");
    return true;
  };
  world.start();
  world.run(hours{10}, seconds{1});
  std::map<std::uint64_t, int> calls;
  for (const auto id : world.asked()) ++calls[id];
  EXPECT_EQ(world.stored().size(), 320u);
  EXPECT_LT(world.metric("ia_check_oldest_verdict_seconds"), 2 * 3'600 + 60);
  EXPECT_EQ(world.metric("ia_check_overdue_influencers"), 0);
  EXPECT_EQ(world.metric("ia_check_never_checked_influencers"), 80) << "also while they rest";
  EXPECT_THAT(calls[11], ::testing::AllOf(Ge(6), Le(10))) << "10, 20, 40, 80, 120, 120 ... minutes";
  EXPECT_THAT(calls[12], ::testing::AllOf(Ge(4), Le(6))) << "once an interval";
}

// A verdict gets old while its influencer cannot be checked, and the metrics say so.
TEST(Checker, CountsWhoseVerdictGetsOld) {
  World world;
  world.options.interval = hours{1};
  for (std::uint64_t id = 1; id <= 10; ++id) world.give(id, 1'000);
  world.start();
  world.run(minutes{30});
  world.script = [](const Suspect& suspect) -> Result<bool> {
    if (suspect.influencer == InfluencerId{3}) return fail(Errc::kUnavailable, "status 500");
    return true;
  };
  world.run(hours{4}, seconds{1});
  EXPECT_EQ(world.metric("ia_check_overdue_influencers"), 1);
  EXPECT_GT(world.metric("ia_check_oldest_verdict_seconds"), 3 * 3'600);
}

TEST(Checker, LeavesOutWhoIsNoLongerWatched) {
  World world;
  world.options.interval = hours{1};
  for (std::uint64_t id = 1; id <= 20; ++id) world.give(id, 1'000);
  world.start();
  world.run(minutes{5});
  world.leaderboard.forget_unwatched(InfluencerSet{{{InfluencerId{1}, InfluencerId{5}}}},
                                     world.clock.wall());
  world.snapshot = world.leaderboard.publish(world.clock.wall());
  const auto before = world.asked().size();
  world.run(hours{3}, seconds{1});
  const auto all = world.asked();
  for (auto i = before; i < all.size(); ++i) EXPECT_LE(all[i], 5u);
  EXPECT_THAT(all.size() - before, ::testing::AllOf(Ge(14u), Le(18u)));
  world.give(7, 2'000);  // it is watched again
  world.run(minutes{3});
  EXPECT_THAT(world.asked(), ::testing::Contains(7u).Times(2));
}

TEST(Checker, ChecksOnlyInItsTurnAndGoesOnFromWhatIsStored) {
  World world;
  for (std::uint64_t id = 1; id <= 10; ++id) world.give(id, 1'000);
  world.store.set_turn({});
  world.start();
  world.run(minutes{1});
  EXPECT_THAT(world.asked(), IsEmpty());
  for (std::uint64_t id = 1; id <= 9; ++id) {  // another process
    const Verdict verdict{.influencer = InfluencerId{id},
                          .suspicious = false,
                          .judged = {},
                          .checked_at = world.clock.wall(),
                          .changed_at = world.clock.wall()};
    ASSERT_TRUE(world.store.put({&verdict, 1}));
  }
  world.store.set_turn(2);
  world.run(minutes{1});
  EXPECT_EQ(world.asked().front(), 10u);
  EXPECT_THAT(world.asked(), SizeIs(Le(2)));
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
  EXPECT_THAT(world.asked(), SizeIs(::testing::AllOf(Ge(50), Le(51))));
}

TEST(Checker, PausesAsLongAsTheNetworkAsks) {
  World world;
  world.options.rate = 10;
  for (std::uint64_t id = 1; id <= 300; ++id) world.give(id, 10'000);
  world.script = [](const Suspect&) -> Result<bool> { return fail(Errc::kOverloaded, "429"); };
  world.judge.retry_after = minutes{3};
  world.start();
  world.run(minutes{2}, milliseconds{100});
  const auto before = world.asked().size();
  EXPECT_LE(before, 3u);
  world.run(seconds{50}, milliseconds{100});
  EXPECT_EQ(world.asked().size(), before);
  world.run(seconds{20}, milliseconds{100});
  EXPECT_GT(world.asked().size(), before);
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
  EXPECT_THAT(world.asked(), SizeIs(::testing::AllOf(Ge(2), Le(3))));
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
  world.store.fail_next(5);
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
