#include "core/alert_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WallTime kStart = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
constexpr InfluencerId kAnna{100};

// Rules over values that come minute by minute. What evaluate hands out is remembered, as a store
// would, so that restart() can begin with it.
class AlertRulesTest : public ::testing::Test {
 protected:
  void watch(AlertCondition condition, minutes cool_down = {}) {
    rules_.push_back({.id = AlertRuleId{rules_.size() + 1},
                      .version = 1,
                      .name = "rule",
                      .influencers = {kAnna},
                      .condition = std::move(condition),
                      .cool_down = cool_down,
                      .updated_at = now_});
    restart();
  }
  void restart() {
    alerts_ = std::make_unique<AlertRules>();
    load();
  }
  void load() {
    std::vector<AlertStateRow> rows;
    for (const auto& [key, row] : remembered_) rows.push_back(row);
    alerts_->load(rules_, rows);
  }

  AlertEvaluation evaluate() {
    board_ = leaderboard_.publish(now_);
    auto found = alerts_->evaluate({*board_, verdict_, history_});
    for (const auto& row : found.changed) remembered_[{row.rule, row.influencer}] = row;
    return found;
  }
  // The next minute's value, and the events' levels.
  std::vector<std::int64_t> see(std::int64_t followers, std::int64_t following = 0) {
    now_ += minutes{1};
    leaderboard_.apply(kAnna, {followers, following}, now_);
    series_.push_back({minute_of(now_), {followers, following}});
    const auto found = evaluate();
    suppressed_ += found.suppressed;
    std::vector<std::int64_t> levels;
    for (const auto& event : found.events) levels.push_back(event.level);
    return levels;
  }
  // How many events each of the values gave.
  std::vector<std::size_t> count(std::initializer_list<std::int64_t> values) {
    std::vector<std::size_t> counts;
    for (const auto value : values) counts.push_back(see(value).size());
    return counts;
  }
  void remember_series() {
    history_ = [this](InfluencerId, MinuteRange range) {
      AlertHistory history{.samples = {}, .damaged = damaged_};
      for (const auto& sample : series_) {
        if (range.contains(sample.minute)) history.samples.push_back(sample);
      }
      return history;
    };
  }

  WallTime now_ = kStart;
  Leaderboard leaderboard_;
  std::shared_ptr<const LeaderboardSnapshot> board_;
  std::vector<AlertRule> rules_;
  std::map<std::pair<AlertRuleId, InfluencerId>, AlertStateRow> remembered_;
  std::function<std::optional<bool>(InfluencerId)> verdict_;
  std::function<AlertHistory(InfluencerId, MinuteRange)> history_;
  std::vector<MinuteRange> damaged_;
  std::vector<AlertSample> series_;
  std::uint64_t suppressed_ = 0;
  std::unique_ptr<AlertRules> alerts_ = std::make_unique<AlertRules>();
};

// Ten minutes of 1,000, of which those of `lost` are damaged; the next value is 2,000.
class DamagedWindowTest : public AlertRulesTest {
 protected:
  std::vector<bool> says_damage(MinuteRange lost) {
    watch({.kind = AlertKind::kRelative, .level = 500, .window = minutes{5}});
    remember_series();
    for (int i = 0; i < 10; ++i) see(1000);
    std::erase_if(series_, [&](const auto& sample) { return lost.contains(sample.minute); });
    damaged_ = {lost};
    restart();
    now_ += minutes{1};
    leaderboard_.apply(kAnna, {2000, 0}, now_);
    std::vector<bool> said;
    for (const auto& event : evaluate().events) said.push_back(event.is_damaged);
    return said;
  }
  // The window of the eleventh value begins here.
  const Minute begin_ = minute_of(kStart) + minutes{6};
};

TEST_F(DamagedWindowTest, SaysSoWhereItsBeginIsDamaged) {
  EXPECT_THAT(says_damage({begin_, begin_ + minutes{2}}), ElementsAre(true));
}

TEST_F(DamagedWindowTest, SaysNothingOfDamageBehindItsBegin) {
  EXPECT_THAT(says_damage({begin_ + minutes{2}, begin_ + minutes{4}}), ElementsAre(false));
}

TEST_F(AlertRulesTest, SaysInItsSentenceThatTheBeginIsDamaged) {
  AlertEvent event{.influencer = kAnna, .counts = {2000, 0}, .level = 1000};
  event.since = minute_of(kStart);
  const AlertCondition condition{.kind = AlertKind::kRelative};
  EXPECT_EQ(sentence_of(condition, event),
            "Influencer 100 gained 1,000 followers (100.00 %): 1,000 to 2,000");
  event.is_damaged = true;
  EXPECT_EQ(sentence_of(condition, event),
            "Influencer 100 gained 1,000 followers (100.00 %): 1,000 to 2,000, since "
            "2026-01-01T00:00:00Z as values around the beginning are damaged");
}

TEST_F(AlertRulesTest, AThresholdFiresOnEachCrossingUpwards) {
  watch({.level = 1000});
  EXPECT_THAT(count({900, 1000, 1001, 1500, 1000, 1001}), ElementsAre(0, 0, 1, 0, 0, 1));
}

TEST_F(AlertRulesTest, AThresholdThatIsPassedAlreadyDoesNotFire) {
  watch({.level = 1000});
  EXPECT_THAT(count({5000, 6000, 999, 1001}), ElementsAre(0, 0, 0, 1));
}

TEST_F(AlertRulesTest, HysteresisKeepsAnUnsteadyValueFromFiringAgain) {
  watch({.level = 1000, .hysteresis = 100});
  EXPECT_THAT(count({950, 1001, 901, 1001, 900, 1001}), ElementsAre(0, 1, 0, 0, 0, 1));
}

TEST_F(AlertRulesTest, AThresholdBelowFiresOnEachCrossingDownwards) {
  watch({.direction = AlertDirection::kDown, .level = 1000, .hysteresis = 10});
  EXPECT_THAT(count({1001, 1000, 999, 1009, 999, 1010, 999}), ElementsAre(0, 0, 1, 0, 0, 0, 1));
}

TEST_F(AlertRulesTest, AThresholdLooksAtTheCountThatItNames) {
  watch({.metric = AlertMetric::kFollowing, .level = 50});
  EXPECT_THAT(see(1000, 50), IsEmpty());
  EXPECT_THAT(see(1000, 51), SizeIs(1));
}

TEST_F(AlertRulesTest, AnEventSaysWhoWhenAndWhat) {
  leaderboard_.set_username(kAnna, "Anna");
  watch({.level = 1000});
  see(900);
  now_ += minutes{1};
  leaderboard_.apply(kAnna, {1001, 7}, now_);
  const auto found = evaluate();
  ASSERT_THAT(found.events, SizeIs(1));
  const auto& event = found.events.front();
  EXPECT_EQ(event.rule, AlertRuleId{1});
  EXPECT_EQ(event.influencer, kAnna);
  EXPECT_EQ(event.username, "Anna");
  EXPECT_EQ(event.at, kStart + minutes{2});
  EXPECT_EQ(event.counts, (Counts{1001, 7}));
  EXPECT_EQ(event.rank, 1u);
  EXPECT_EQ(event.level, 1000);
}

TEST_F(AlertRulesTest, NothingFiresTwiceOverARestart) {
  watch({.level = 1000});
  watch({.kind = AlertKind::kMilestone, .level = 500});
  remember_series();
  watch({.kind = AlertKind::kRelative, .level = 300, .window = minutes{60}});
  see(900);
  EXPECT_THAT(see(1200), ElementsAre(1000, 1000, 900));
  restart();
  EXPECT_THAT(evaluate().events, IsEmpty());
  EXPECT_THAT(see(1201), IsEmpty());
}

TEST_F(AlertRulesTest, ACrossingWhileTheProgramWasDownFiresAfterTheRestart) {
  watch({.level = 1000});
  see(900);
  restart();
  EXPECT_THAT(see(1100), SizeIs(1));
}

TEST_F(AlertRulesTest, AChangedRuleBeginsAnew) {
  watch({.level = 1000});
  see(900);
  ++rules_.front().version;
  load();
  EXPECT_THAT(count({1100, 900, 1100}), ElementsAre(0, 0, 1));
}

TEST_F(AlertRulesTest, ADisabledRuleIsSilent) {
  watch({.level = 1000});
  see(900);
  rules_.front().enabled = false;
  load();
  EXPECT_THAT(see(1100), IsEmpty());
}

TEST_F(AlertRulesTest, AMilestoneIsPassedOnce) {
  watch({.kind = AlertKind::kMilestone, .level = 100});
  EXPECT_THAT(see(150), IsEmpty());
  EXPECT_THAT(see(199), IsEmpty());
  EXPECT_THAT(see(200), ElementsAre(200));
  EXPECT_THAT(see(150), IsEmpty());
  EXPECT_THAT(see(250), IsEmpty());
  EXPECT_THAT(see(520), ElementsAre(500)) << "the highest of those passed";
}

TEST_F(AlertRulesTest, MilestonesOfAListArePassedInAnyStride) {
  watch({.kind = AlertKind::kMilestone, .milestones = {10, 1'000, 1'000'000}});
  EXPECT_THAT(see(5), IsEmpty());
  EXPECT_THAT(see(10), ElementsAre(10));
  EXPECT_THAT(see(999), IsEmpty());
  EXPECT_THAT(see(2'000'000), ElementsAre(1'000'000));
  EXPECT_THAT(see(9'000'000), IsEmpty());
}

TEST_F(AlertRulesTest, AChangeIsMeasuredAgainstTheValueAtTheWindowsBegin) {
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{3}});
  EXPECT_THAT(count({1000, 1040, 1080}), ElementsAre(0, 0, 0));
  EXPECT_THAT(see(1099), IsEmpty());
  EXPECT_THAT(see(1140), ElementsAre(1040)) << "1000 is four minutes old";
}

TEST_F(AlertRulesTest, AChangeIsToldOnceAndTheNextOneAgain) {
  watch({.kind = AlertKind::kRelative, .basis_points = 1'000, .window = minutes{60}});
  EXPECT_THAT(count({1000, 1100, 1150, 1209, 1210}), ElementsAre(0, 1, 0, 0, 1));
}

TEST_F(AlertRulesTest, AChangeCountsInTheDirectionThatIsAskedFor) {
  const AlertCondition either{.kind = AlertKind::kRelative,
                              .direction = AlertDirection::kEither,
                              .level = 100,
                              .window = minutes{60}};
  auto up = either, down = either;
  up.direction = AlertDirection::kUp;
  down.direction = AlertDirection::kDown;
  for (const auto& condition : {either, up, down}) watch(condition);
  see(1000);
  EXPECT_THAT(see(900), ElementsAre(1000, 1000)) << "either and down";
  EXPECT_THAT(see(1100), ElementsAre(900, 1000)) << "either and up";
}

TEST_F(AlertRulesTest, AnyGrowthFromNothingIsMoreThanAnyPercent) {
  watch({.kind = AlertKind::kRelative, .basis_points = 10'000, .window = minutes{5}});
  EXPECT_THAT(count({0, 0, 1}), ElementsAre(0, 0, 1));
}

TEST_F(AlertRulesTest, AWindowOfADayIsThinnedOutButLosesNoChange) {
  watch({.kind = AlertKind::kRelative, .level = 1'000, .window = minutes{1'440}});
  std::size_t events = 0;
  for (int i = 0; i < 1'441; ++i) events += see(i).size();
  EXPECT_EQ(events, 1u);
}

TEST_F(AlertRulesTest, AWindowIsWholeAfterARestartWhenTheStoreHasTheHistory) {
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{60}});
  remember_series();
  count({1000, 1030, 1060});
  restart();
  EXPECT_THAT(see(1100), ElementsAre(1000));
}

TEST_F(AlertRulesTest, WhatWasBeforeTheRuleWasMadeDoesNotCount) {
  remember_series();
  see(1000);
  see(2000);
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{60}});
  EXPECT_THAT(count({2000, 2099, 2100}), ElementsAre(0, 0, 1));
}

TEST_F(AlertRulesTest, ARankFiresWhenTheTopIsEnteredOrLeft) {
  for (const auto direction :
       {AlertDirection::kUp, AlertDirection::kDown, AlertDirection::kEither}) {
    watch({.kind = AlertKind::kRank, .direction = direction, .level = 2});
  }
  for (std::uint64_t i = 1; i <= 3; ++i) {
    leaderboard_.apply(InfluencerId{i}, {static_cast<std::int64_t>(i * 100), 0}, now_);
  }
  EXPECT_THAT(see(50), IsEmpty());
  EXPECT_THAT(see(250), SizeIs(2)) << "enters, passes";
  EXPECT_THAT(see(350), IsEmpty());
  EXPECT_THAT(see(150), SizeIs(2)) << "leaves, passes";
}

TEST_F(AlertRulesTest, ARankChangesWhenOthersMove) {
  watch({.kind = AlertKind::kRank, .direction = AlertDirection::kDown, .level = 1});
  see(100);
  now_ += seconds{5};
  leaderboard_.apply(InfluencerId{1}, {200, 0}, now_);
  const auto found = evaluate();
  ASSERT_THAT(found.events, SizeIs(1));
  EXPECT_EQ(found.events.front().at, now_);
  EXPECT_EQ(found.events.front().rank, 2u);
}

TEST_F(AlertRulesTest, AVerdictFiresWhenItTurns) {
  watch({.kind = AlertKind::kVerdict, .direction = AlertDirection::kEither});
  EXPECT_THAT(see(1), IsEmpty()) << "nobody tells verdicts";
  std::optional<bool> verdict;
  verdict_ = [&](InfluencerId) { return verdict; };
  EXPECT_THAT(see(1), IsEmpty());
  verdict = false;
  EXPECT_THAT(see(1), IsEmpty());
  verdict = true;
  EXPECT_THAT(see(1), SizeIs(1));
  verdict = std::nullopt;
  EXPECT_THAT(see(1), IsEmpty());
  verdict = false;
  EXPECT_THAT(see(1), SizeIs(1));
}

TEST_F(AlertRulesTest, ARuleIsSilentWhileItCoolsDown) {
  watch({.level = 1000}, minutes{5});
  EXPECT_THAT(count({900, 1001, 900, 1001, 900}), ElementsAre(0, 1, 0, 0, 0));
  EXPECT_EQ(suppressed_, 1u);
  EXPECT_THAT(count({900, 1001}), ElementsAre(0, 1)) << "five minutes after the first one";
}

TEST_F(AlertRulesTest, ARuleCoolsDownOverARestart) {
  watch({.level = 1000}, minutes{5});
  count({900, 1001, 900});
  restart();
  EXPECT_THAT(see(1001), IsEmpty());
}

TEST_F(AlertRulesTest, AChangeThatLastsOverTheCoolDownIsToldAfterIt) {
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{60}}, minutes{3});
  EXPECT_THAT(count({1000, 1100, 1200, 1200, 1200}), ElementsAre(0, 1, 0, 0, 1));
}

TEST_F(AlertRulesTest, NothingIsRememberedAnewWhileNothingChanges) {
  watch({.level = 1000});
  watch({.kind = AlertKind::kMilestone, .level = 100});
  see(950);
  now_ += minutes{1};
  leaderboard_.apply(kAnna, {960, 0}, now_);
  EXPECT_THAT(evaluate().changed, IsEmpty());
}

TEST_F(AlertRulesTest, AnInfluencerWithoutAValueIsWaitedFor) {
  watch({.level = 1000});
  EXPECT_THAT(evaluate().changed, IsEmpty());
  EXPECT_THAT(count({900, 1001}), ElementsAre(0, 1));
}

}  // namespace
}  // namespace ia
