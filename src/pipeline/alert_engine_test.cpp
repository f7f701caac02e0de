#include "pipeline/alert_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_alert_store.h"
#include "testing/memory_store.h"

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr InfluencerId kAnna{100};

// An engine over values that are stored and published minute by minute.
class AlertEngineTest : public ::testing::Test {
 protected:
  AlertEngineTest() { restart(); }

  void restart() {
    engine_ = std::make_unique<AlertEngine>(
        AlertEngineParts{.board = [this] { return board_; },
                         .board_looks = [this] { return looks_; },
                         .verdict = [this](InfluencerId) { return verdict_; },
                         .encode = [](const AlertRule&, const AlertEvent&,
                                      const std::string& text) { return "body: " + text; },
                         .make_id = [this] { return "msg_" + std::to_string(++ids_); }},
        store_, alerts_, clock_, metrics_, log_);
    engine_->step();  // its turn begins
  }
  AlertRule watch(AlertCondition condition) {
    return alerts_
        .add({.name = "rule",
              .influencers = {kAnna},
              .condition = std::move(condition),
              .updated_at = clock_.wall()})
        .value();
  }
  void see(std::int64_t followers) {
    looks_ += 2;
    clock_.advance(minutes{1});
    PointBatch batch;
    batch.minute = minute_of(clock_.wall());
    batch.retrieved_at = clock_.wall();
    batch.influencers = {kAnna};
    batch.followers = {followers};
    batch.following = {1};
    ASSERT_TRUE(store_.append(std::span(&batch, 1)));
    leaderboard_.apply(batch);
    board_ = leaderboard_.publish(clock_.wall());
    engine_->step();
  }
  std::vector<std::string> fired() {
    std::vector<std::string> texts;
    const auto entries = alerts_.log({}).value();
    for (const auto& entry : entries) texts.push_back(entry.text);
    return texts;
  }

  ManualClock clock_;
  Metrics metrics_;
  std::vector<std::string> said_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { said_.emplace_back(line); }};
  MemoryStore store_;
  MemoryAlertStore alerts_;
  Leaderboard leaderboard_;
  std::shared_ptr<const LeaderboardSnapshot> board_ = leaderboard_.publish(clock_.wall());
  std::optional<bool> verdict_;
  int ids_ = 0;
  std::uint64_t looks_ = 0;
  std::unique_ptr<AlertEngine> engine_;
};

TEST_F(AlertEngineTest, CountsEveryKindFromZero) {
  for (const auto* kind : {"threshold", "relative", "milestone", "rank", "verdict"}) {
    EXPECT_THAT(metrics_.text(),
                HasSubstr(std::string("ia_alerts_fired_total{kind=\"") + kind + "\"} 0\n"));
  }
}

TEST_F(AlertEngineTest, PutsWhatFiredIntoTheLogOnce) {
  watch({.level = 1'000});
  see(900);
  EXPECT_THAT(fired(), IsEmpty());
  see(1'100);
  engine_->step();
  EXPECT_THAT(fired(), ElementsAre("Influencer 100 rose above 1,000 followers: 1,100"));
  const auto entry = alerts_.log({}).value().at(0);
  EXPECT_EQ(entry.webhook_id, "msg_1");
  EXPECT_EQ(entry.body, "body: " + entry.text);
  EXPECT_EQ(entry.fired_at, clock_.wall());
  EXPECT_EQ(entry.outcome, AlertOutcome::kPending);
}

TEST_F(AlertEngineTest, SaysThatTheBeginOfAWindowIsDamaged) {
  const auto first = minute_of(clock_.wall()) + minutes{1};
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{3}});
  for (int i = 0; i < 6; ++i) see(900);
  store_.damage(kAnna, {first + minutes{3}, first + minutes{4}});
  restart();
  see(1'100);
  EXPECT_THAT(fired(), ElementsAre(HasSubstr("as values around the beginning are damaged")));
}

TEST_F(AlertEngineTest, FiresNothingTwiceOverARestart) {
  watch({.level = 1'000});
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{60}});
  see(900);
  see(1'100);
  const auto before = fired();
  EXPECT_EQ(before.size(), 2u);
  restart();
  see(1'101);
  EXPECT_EQ(fired(), before);
}

TEST_F(AlertEngineTest, FiresNothingTwiceWhenTwoTakeTurns) {
  watch({.level = 1'000});
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{60}});
  see(900);
  auto first = std::move(engine_);
  alerts_.set_turn({});
  first->step();
  alerts_.set_turn(2);
  restart();
  see(1'100);
  const auto before = fired();
  EXPECT_EQ(before.size(), 2u);
  alerts_.set_turn({});
  engine_->step();
  alerts_.set_turn(3);
  engine_ = std::move(first);
  engine_->step();
  see(1'101);
  EXPECT_EQ(fired(), before);
}

// As when the database restarts: its lock is gone, and nobody else had it.
TEST_F(AlertEngineTest, WhatCouldNotBeStoredOutlivesATurnThatIsTakenAgain) {
  watch({.level = 1'000});
  see(900);
  alerts_.fail_next_record();
  see(1'100);
  ASSERT_TRUE(fired().empty());
  alerts_.set_turn({});
  engine_->step();
  alerts_.set_turn(2);
  see(900);
  EXPECT_EQ(fired().size(), 1u);
}

// The other one looked at newer values than this one has.
TEST_F(AlertEngineTest, ATurnBeginsWithABoardThatIsNoOlderThanTheLastOnes) {
  watch({.level = 1'000});
  see(900);
  const auto older = board_;
  const auto lagging = std::move(engine_);
  alerts_.set_turn(2);
  restart();
  see(1'100);
  ASSERT_EQ(fired().size(), 1u);
  const auto newer = std::exchange(board_, older);
  alerts_.set_turn(3);
  lagging->step();
  ++looks_;  // it had begun before the turn
  lagging->step();
  board_ = newer;
  ++looks_;
  lagging->step();
  EXPECT_EQ(fired().size(), 1u);
}

TEST_F(AlertEngineTest, SaysWhoseTurnItIs) {
  alerts_.set_turn({});
  engine_->step();
  engine_->step();
  EXPECT_THAT(said_, ElementsAre(HasSubstr("another process sends")));
  EXPECT_THAT(metrics_.text(), HasSubstr("\nia_alert_turn 0"));
  alerts_.set_turn(2);
  engine_->step();
  EXPECT_THAT(said_.back(), HasSubstr("this process sends"));
  EXPECT_THAT(metrics_.text(), HasSubstr("\nia_alert_turn 1"));
}

TEST_F(AlertEngineTest, AWindowGoesOnOverARestart) {
  watch({.kind = AlertKind::kRelative, .level = 100, .window = minutes{60}});
  see(900);
  see(950);
  restart();
  see(1'000);
  EXPECT_THAT(fired(), ElementsAre(HasSubstr("gained 100 followers (11.11 %): 900 to 1,000")));
}

TEST_F(AlertEngineTest, TakesUpRulesThatAreAddedChangedAndDeleted) {
  see(900);
  auto rule = watch({.level = 1'000});
  see(900);
  see(1'001);
  EXPECT_EQ(fired().size(), 1u);
  rule.condition.level = 2'000;
  ASSERT_TRUE(alerts_.replace(rule));
  see(1'500);
  see(2'001);
  EXPECT_EQ(fired().size(), 2u);
  see(1'500);
  ASSERT_TRUE(alerts_.remove(rule.id));
  see(2'001);
  EXPECT_EQ(fired().size(), 2u);
  EXPECT_THAT(metrics_.text(), HasSubstr("ia_alert_rules{state=\"enabled\"} 0"));
}

TEST_F(AlertEngineTest, WhatCouldNotBeStoredIsStoredLater) {
  watch({.level = 1'000});
  see(900);
  alerts_.fail_next_record();
  see(1'100);
  EXPECT_THAT(fired(), IsEmpty());
  EXPECT_THAT(said_, ElementsAre(HasSubstr("alerts wait")));
  see(900);
  EXPECT_THAT(fired(), ElementsAre(HasSubstr(": 1,100")));
  EXPECT_THAT(said_.back(), HasSubstr("alerts go on"));
}

TEST_F(AlertEngineTest, ACrossingWhileTheStoreIsAwayFiresWhenItIsBack) {
  watch({.level = 1'000});
  see(900);
  alerts_.set_down(true);
  see(1'100);
  alerts_.set_down(false);
  see(1'200);
  EXPECT_THAT(fired(), ElementsAre(HasSubstr(": 1,200")));
}

TEST_F(AlertEngineTest, TellsThatAVerdictTurned) {
  watch({.kind = AlertKind::kVerdict});
  verdict_ = false;
  see(900);
  verdict_ = true;
  see(901);
  EXPECT_THAT(fired(), ElementsAre("Influencer 100 is now suspicious"));
}

TEST_F(AlertEngineTest, CountsWhatFiredByKind) {
  watch({.level = 1'000});
  watch({.kind = AlertKind::kMilestone, .level = 500});
  see(900);
  see(1'001);
  EXPECT_THAT(metrics_.text(), HasSubstr("ia_alerts_fired_total{kind=\"threshold\"} 1"));
  EXPECT_THAT(metrics_.text(), HasSubstr("ia_alerts_fired_total{kind=\"milestone\"} 1"));
}

}  // namespace
}  // namespace ia
