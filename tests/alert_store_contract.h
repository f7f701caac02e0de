#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ports/alert_store.h"

namespace ia {

// A way to make an empty store, and the name of what it makes.
struct AlertStoreKind {
  const char* name;
  std::function<std::unique_ptr<AlertStore>()> make;
  // The reason why there can be none here.
  std::function<std::optional<std::string>()> why_not = [] { return std::optional<std::string>(); };
};

// What every AlertStore does. Suites that instantiate it give the kinds.
class AlertStoreContract : public ::testing::TestWithParam<AlertStoreKind> {
 protected:
  void SetUp() override {
    if (const auto reason = GetParam().why_not()) GTEST_SKIP() << "SKIPPED: " << *reason;
    store_ = GetParam().make();
    ASSERT_TRUE(store_->take_turn().value());
  }
  static constexpr WallTime kStart = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
  static constexpr WallTime at(int seconds) { return kStart + std::chrono::seconds{seconds}; }

  static AlertRule a_rule(std::string name = "a rule") {
    return {.name = std::move(name),
            .influencers = {InfluencerId{7}, InfluencerId{kInfluencerIdMax}},
            .condition = {.kind = AlertKind::kThreshold, .level = 1'000, .hysteresis = 10},
            .cool_down = std::chrono::minutes{5},
            .target = {.url = "https://example.com/x",
                       .secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"},
            .created_at = at(0),
            .updated_at = at(0)};
  }
  AlertRule add(AlertRule rule = a_rule()) { return store_->add(std::move(rule)).value(); }

  static AlertStateRow a_state(const AlertRule& rule, std::uint64_t influencer = 7) {
    return {.rule = rule.id,
            .version = rule.version,
            .influencer = InfluencerId{influencer},
            .state = {.side = AlertState::Side::kBeyond, .mark = 900, .fired_at = at(3)}};
  }
  NewAlert an_alert(const AlertRule& rule, int second, std::string id = {}) {
    if (id.empty()) id = "msg_" + std::to_string(++ids_);
    return {.rule = rule.id,
            .version = rule.version,
            .influencer = InfluencerId{7},
            .fired_at = at(second),
            .webhook_id = std::move(id),
            .text = "Anna rose",
            .body = "{\"a\":1}"};
  }
  void fire(const AlertRule& rule, int second, std::string id = {}) {
    ASSERT_TRUE(store_->record({}, {an_alert(rule, second, std::move(id))}));
  }
  std::vector<std::string> due_ids(int second, std::size_t count_max = 10) {
    std::vector<std::string> ids;
    const auto found = store_->due(at(second), count_max).value();
    for (const auto& due : found) {
      ids.push_back(due.entry.webhook_id);
    }
    return ids;
  }
  std::vector<std::string> logged_ids(const AlertStore::LogQuery& query = {}) {
    std::vector<std::string> ids;
    const auto found = store_->log(query).value();
    for (const auto& entry : found) ids.push_back(entry.webhook_id);
    return ids;
  }
  AlertEntry newest() { return store_->log({.count_max = 1}).value().at(0); }

  std::unique_ptr<AlertStore> store_;
  int ids_ = 0;
};

TEST_P(AlertStoreContract, GivesBackTheRulesThatItWasGiven) {
  auto milestone = a_rule("every million");
  milestone.enabled = false;
  milestone.condition = {.kind = AlertKind::kMilestone, .milestones = {10, 1'000, 1'000'000}};
  auto relative = a_rule("fast");
  relative.condition = {.kind = AlertKind::kRelative,
                        .metric = AlertMetric::kFollowing,
                        .direction = AlertDirection::kEither,
                        .level = 5,
                        .basis_points = 1'250,
                        .window = std::chrono::minutes{60}};
  const auto first = add(), second = add(milestone), third = add(relative);
  EXPECT_LT(first.id, second.id);
  EXPECT_EQ(first.version, 1u);
  milestone.id = second.id;
  milestone.version = 1;
  EXPECT_EQ(second, milestone);
  EXPECT_THAT(store_->rules().value(), ::testing::ElementsAre(first, second, third));
  EXPECT_EQ(store_->rule(third.id).value(), third);
}

TEST_P(AlertStoreContract, KnowsNoRuleThatIsNotThere) {
  auto rule = a_rule();
  rule.id = AlertRuleId{5};
  EXPECT_EQ(store_->rule(rule.id).error().code, Errc::kNotFound);
  EXPECT_EQ(store_->replace(rule).error().code, Errc::kNotFound);
  EXPECT_EQ(store_->remove(rule.id).error().code, Errc::kNotFound);
  EXPECT_THAT(store_->rules().value(), ::testing::IsEmpty());
}

TEST_P(AlertStoreContract, NeverUsesTheNumberOfARuleTwice) {
  const auto first = add();
  ASSERT_TRUE(store_->remove(first.id));
  EXPECT_GT(add().id, first.id);
}

TEST_P(AlertStoreContract, SaysWhenARuleHasChanged) {
  auto before = store_->revision().value();
  const auto has_changed = [&] { return std::exchange(before, *store_->revision()) != before; };
  auto rule = add();
  EXPECT_TRUE(has_changed());
  rule = store_->replace(rule).value();
  EXPECT_TRUE(has_changed());
  fire(rule, 1);
  EXPECT_FALSE(has_changed());
  ASSERT_TRUE(store_->remove(rule.id));
  EXPECT_TRUE(has_changed());
}

TEST_P(AlertStoreContract, AReplacedRuleIsANewVersionThatRemembersNothing) {
  const auto first = add();
  ASSERT_TRUE(store_->record({a_state(first)}, {}));
  EXPECT_THAT(store_->states().value(), ::testing::ElementsAre(a_state(first)));
  auto changed = first;
  changed.name = "another name";
  changed.created_at = at(99);
  const auto second = store_->replace(changed).value();
  EXPECT_EQ(second.version, first.version + 1);
  EXPECT_EQ(second.created_at, first.created_at);
  EXPECT_EQ(second.name, "another name");
  EXPECT_THAT(store_->states().value(), ::testing::IsEmpty());
}

// Of two who read a rule and change it, the second is told.
TEST_P(AlertStoreContract, ReplacesAndRemovesOnlyTheVersionThatWasRead) {
  const auto first = add();
  const auto second = store_->replace(first).value();
  auto late = first;
  late.name = "late";
  EXPECT_EQ(store_->replace(late).error().code, Errc::kInvalid);
  EXPECT_EQ(store_->remove(first.id, first.version).error().code, Errc::kInvalid);
  EXPECT_EQ(store_->rule(first.id).value(), second);
  EXPECT_TRUE(store_->remove(first.id, second.version));
  EXPECT_EQ(store_->remove(first.id, second.version).error().code, Errc::kNotFound);
}

TEST_P(AlertStoreContract, LeavesOutWhatIsOfAnOldVersionOfItsRule) {
  const auto old = add();
  const auto rule = store_->replace(old).value();
  ASSERT_TRUE(store_->record({a_state(old), a_state(rule, 8)}, {an_alert(old, 1)}));
  EXPECT_THAT(store_->states().value(), ::testing::ElementsAre(a_state(rule, 8)));
  EXPECT_THAT(logged_ids(), ::testing::IsEmpty());
}

// Whoever lost the connection while it was recorded does it again.
TEST_P(AlertStoreContract, IsHarmedByNoRepetition) {
  const auto rule = add();
  const std::vector<NewAlert> alerts{an_alert(rule, 1, "a"), an_alert(rule, 2, "b")};
  ASSERT_TRUE(store_->record({a_state(rule)}, alerts));
  const auto first = store_->due(at(9), 1).value().at(0).entry.number;
  ASSERT_TRUE(store_->settle(first, {.outcome = AlertOutcome::kDelivered}));
  ASSERT_TRUE(store_->record({a_state(rule)}, alerts));
  EXPECT_THAT(logged_ids(), ::testing::ElementsAre("b", "a"));
  EXPECT_THAT(due_ids(9), ::testing::ElementsAre("b"));
}

TEST_P(AlertStoreContract, ALaterStateTakesTheEarliersPlace) {
  const auto rule = add();
  ASSERT_TRUE(store_->record({a_state(rule)}, {}));
  auto later = a_state(rule);
  later.state = {.side = AlertState::Side::kInside, .mark = -1, .fired_at = at(9)};
  ASSERT_TRUE(store_->record({later}, {}));
  EXPECT_THAT(store_->states().value(), ::testing::ElementsAre(later));
}

TEST_P(AlertStoreContract, RefusesMoreInfluencersThanAllRulesMayWatch) {
  auto large = a_rule();
  large.influencers.clear();
  for (std::uint64_t i = 0; i < kAlertInfluencersMax; ++i) {
    large.influencers.push_back(InfluencerId{i});
  }
  for (std::size_t i = 0; i < kAlertPairsMax / kAlertInfluencersMax; ++i) add(large);
  EXPECT_EQ(store_->add(a_rule()).error().code, Errc::kInvalid);
  auto last = store_->rules().value().back();
  EXPECT_TRUE(store_->replace(last)) << "it takes the place of itself";
}

TEST_P(AlertStoreContract, LogsWhatFiredTheNewestFirst) {
  const auto rule = add(), other = add(a_rule("other"));
  fire(rule, 1, "a");
  fire(other, 2, "b");
  fire(rule, 3, "c");
  EXPECT_THAT(logged_ids(), ::testing::ElementsAre("c", "b", "a"));
  EXPECT_THAT(logged_ids({.count_max = 2}), ::testing::ElementsAre("c", "b"));
  EXPECT_THAT(logged_ids({.rule = rule.id}), ::testing::ElementsAre("c", "a"));
  EXPECT_THAT(logged_ids({.before = newest().number}), ::testing::ElementsAre("b", "a"));
  const AlertEntry expected{.number = newest().number,
                            .webhook_id = "c",
                            .rule = rule.id,
                            .rule_name = "a rule",
                            .kind = AlertKind::kThreshold,
                            .influencer = InfluencerId{7},
                            .fired_at = at(3),
                            .text = "Anna rose",
                            .body = "{\"a\":1}",
                            .next_attempt_at = at(3)};
  EXPECT_EQ(newest(), expected);
}

TEST_P(AlertStoreContract, GivesOnlyTheOldestPendingAlertOfEachRule) {
  const auto rule = add(), other = add(a_rule("other"));
  fire(rule, 1, "a");
  fire(rule, 2, "b");
  fire(other, 3, "c");
  EXPECT_THAT(due_ids(0), ::testing::IsEmpty());
  EXPECT_THAT(due_ids(9), ::testing::ElementsAre("a", "c"));
  EXPECT_THAT(due_ids(9, 1), ::testing::ElementsAre("a"));
  EXPECT_EQ(store_->pending().value(), 3u);
  const auto due = store_->due(at(9), 1).value();
  EXPECT_EQ(due.at(0).target, rule.target);
}

TEST_P(AlertStoreContract, AnAlertThatFailedHoldsTheLaterOnesOfItsRuleBack) {
  const auto rule = add();
  fire(rule, 1, "a");
  fire(rule, 2, "b");
  const auto first = store_->due(at(9), 1).value().at(0).entry.number;
  ASSERT_TRUE(store_->settle(first, {.tried_at = at(9),
                                     .next_attempt_at = at(60),
                                     .status = 500,
                                     .detail = "Internal Server Error"}));
  EXPECT_THAT(due_ids(59), ::testing::IsEmpty());
  EXPECT_THAT(due_ids(60), ::testing::ElementsAre("a"));
  const auto entry = store_->log({.before = newest().number}).value().at(0);
  EXPECT_EQ(entry.outcome, AlertOutcome::kPending);
  EXPECT_EQ(entry.attempts, 1u);
  EXPECT_EQ(entry.tried_at, at(9));
  EXPECT_EQ(entry.status, 500);
  EXPECT_EQ(entry.detail, "Internal Server Error");
  ASSERT_TRUE(store_->settle(
      first, {.outcome = AlertOutcome::kDelivered, .tried_at = at(60), .status = 204}));
  EXPECT_THAT(due_ids(60), ::testing::ElementsAre("b"));
}

TEST_P(AlertStoreContract, WhatIsSettledStaysSo) {
  const auto rule = add();
  fire(rule, 1);
  const auto number = newest().number;
  ASSERT_TRUE(store_->settle(number, {.outcome = AlertOutcome::kDelivered, .status = 200}));
  ASSERT_TRUE(store_->settle(number, {.outcome = AlertOutcome::kGaveUp, .status = 500}));
  EXPECT_EQ(newest().outcome, AlertOutcome::kDelivered);
  EXPECT_EQ(newest().attempts, 1u);
}

TEST_P(AlertStoreContract, AnAlertGoesWhereItsRuleSaysNow) {
  auto rule = add();
  fire(rule, 1);
  rule.target.url = "https://example.com/new";
  ASSERT_TRUE(store_->replace(rule));
  EXPECT_EQ(store_->due(at(1), 1).value().at(0).target.url, "https://example.com/new");
}

TEST_P(AlertStoreContract, TheAlertsOfADeletedRuleAreCancelled) {
  const auto rule = add();
  fire(rule, 1);
  ASSERT_TRUE(store_->record({a_state(rule)}, {}));
  ASSERT_TRUE(store_->remove(rule.id));
  EXPECT_THAT(due_ids(9), ::testing::IsEmpty());
  EXPECT_EQ(newest().outcome, AlertOutcome::kCancelled);
  EXPECT_THAT(store_->states().value(), ::testing::IsEmpty());
}

TEST_P(AlertStoreContract, AGoneReceiverSwitchesItsRuleOff) {
  const auto rule = add(), other = add(a_rule("other"));
  fire(rule, 1, "a");
  fire(rule, 2, "b");
  fire(other, 3, "c");
  const auto before = store_->revision().value();
  const auto first = store_->due(at(9), 1).value().at(0).entry.number;
  ASSERT_TRUE(store_->settle(first, {.outcome = AlertOutcome::kGone, .status = 410}));
  EXPECT_FALSE(store_->rule(rule.id)->enabled);
  EXPECT_GT(store_->rule(rule.id)->version, rule.version);
  EXPECT_TRUE(store_->rule(other.id)->enabled);
  EXPECT_NE(store_->revision().value(), before);
  EXPECT_THAT(due_ids(9), ::testing::ElementsAre("c"));
}

TEST_P(AlertStoreContract, KeepsTheNewestAlertsAndCountsThePendingOnesThatItDrops) {
  const auto rule = add();
  std::vector<NewAlert> many;
  for (std::size_t i = 0; i < AlertStore::kLogMax; ++i) {
    many.push_back(an_alert(rule, static_cast<int>(i)));
  }
  EXPECT_EQ(store_->record({}, many).value(), 0u);
  const auto first = store_->due(at(0), 1).value().at(0).entry.number;
  ASSERT_TRUE(store_->settle(first, {.outcome = AlertOutcome::kDelivered}));
  many = {an_alert(rule, 1), an_alert(rule, 2), an_alert(rule, 3)};
  EXPECT_EQ(store_->record({}, many).value(), 2u) << "one of the three was delivered";
  EXPECT_EQ(store_->pending().value(), AlertStore::kLogMax);
  EXPECT_EQ(store_->log({.count_max = 20'000}).value().size(), AlertStore::kLogMax);
}

}  // namespace ia
