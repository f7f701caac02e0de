#include "pipeline/alert_dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_alert_store.h"
#include "testing/scripted_webhook_sender.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const WebhookReply kOk{.kind = WebhookReply::Kind::kDelivered, .status = 200};

class AlertDispatcherTest : public ::testing::Test {
 protected:
  AlertDispatcherTest() { restart(); }

  void restart() {
    dispatcher_.reset();
    dispatcher_ = std::make_unique<AlertDispatcher>(
        AlertDispatcherOptions{.random = [this] { return random_; }}, alerts_, sender_, clock_,
        metrics_, log_);
  }
  AlertRule add_rule() {
    return alerts_
        .add({.name = "rule",
              .influencers = {InfluencerId{1}},
              .target = {.url = "https://example.com/x", .secret = "whsec_x"}})
        .value();
  }
  void fire(const AlertRule& rule, std::string id) {
    ASSERT_TRUE(alerts_.record({}, {{.rule = rule.id,
                                     .version = rule.version,
                                     .fired_at = clock_.wall(),
                                     .webhook_id = std::move(id),
                                     .body = "{}"}}));
  }
  void step() { dispatcher_->step(milliseconds{0}); }
  std::vector<std::string> sent() const {
    std::vector<std::string> ids;
    for (const auto& one : sender_.sent) ids.push_back(one.webhook.id);
    return ids;
  }
  AlertEntry newest() const { return alerts_.log({.count_max = 1}).value().at(0); }
  static WebhookReply failed(int status) {
    return {.status = status, .detail = "HTTP " + std::to_string(status)};
  }

  ManualClock clock_;
  Metrics metrics_;
  Log log_{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  MemoryAlertStore alerts_;
  ScriptedWebhookSender sender_;
  double random_ = 1;
  std::unique_ptr<AlertDispatcher> dispatcher_;
};

// increase() sees no first event of a counter that comes into being with it.
TEST_F(AlertDispatcherTest, CountsEveryOutcomeFromZero) {
  for (const auto* outcome : {"failed", "delivered", "refused", "gave_up", "gone"}) {
    EXPECT_THAT(metrics_.text(), HasSubstr(std::string("ia_alert_deliveries_total{outcome=\"") +
                                           outcome + "\"} 0\n"));
  }
}

TEST_F(AlertDispatcherTest, DeliversWhatFired) {
  const auto rule = add_rule();
  fire(rule, "a");
  sender_.answers = [](const Webhook&) { return kOk; };
  step();
  step();
  EXPECT_THAT(sent(), ElementsAre("a"));
  EXPECT_EQ(sender_.sent.front().webhook.target, rule.target);
  EXPECT_EQ(newest().outcome, AlertOutcome::kDelivered);
  EXPECT_EQ(newest().status, 200);
  EXPECT_THAT(metrics_.text(), HasSubstr("ia_alert_deliveries_total{outcome=\"delivered\"} 1"));
}

TEST_F(AlertDispatcherTest, KeepsTheOrderOfARuleAndLetsOthersPass) {
  const auto rule = add_rule(), other = add_rule();
  fire(rule, "a");
  fire(rule, "b");
  fire(other, "c");
  step();
  step();
  EXPECT_THAT(sent(), ElementsAre("a", "c"));
  sender_.end(1, kOk);
  step();
  EXPECT_THAT(sent(), ElementsAre("a", "c"));
  sender_.end(0, failed(500));
  step();
  step();
  EXPECT_THAT(sent(), ElementsAre("a", "c")) << "b waits for a";
  clock_.advance(seconds{2});
  step();
  sender_.end(2, kOk);
  step();
  step();
  EXPECT_THAT(sent(), ElementsAre("a", "c", "a", "b"));
}

TEST_F(AlertDispatcherTest, WaitsTwiceAsLongAfterEachFailure) {
  fire(add_rule(), "a");
  sender_.answers = [](const Webhook&) { return failed(503); };
  for (const auto delay : {2, 4, 8, 16}) {
    const auto count = sender_.sent.size();
    step();
    ASSERT_EQ(sender_.sent.size(), count + 1);
    clock_.advance(seconds{delay} - milliseconds{1});
    step();
    ASSERT_EQ(sender_.sent.size(), count + 1) << delay;
    clock_.advance(milliseconds{1});
  }
}

TEST_F(AlertDispatcherTest, WaitsAnyPartOfTheDelay) {
  fire(add_rule(), "a");
  random_ = 0.25;
  sender_.answers = [](const Webhook&) { return failed(503); };
  step();
  EXPECT_EQ(newest().next_attempt_at, clock_.wall() + milliseconds{500});
}

TEST_F(AlertDispatcherTest, WaitsAsLongAsTheReceiverAsks) {
  fire(add_rule(), "a");
  auto reply = failed(429);
  reply.retry_after = seconds{120};
  sender_.answers = [&](const Webhook&) { return reply; };
  step();
  EXPECT_EQ(newest().next_attempt_at, clock_.wall() + seconds{120});
  reply.retry_after = seconds{1'000'000};
  clock_.advance(seconds{120});
  step();
  EXPECT_EQ(newest().next_attempt_at, clock_.wall() + hours{1}) << "but no longer than this";
}

TEST_F(AlertDispatcherTest, GivesUpAfterADay) {
  fire(add_rule(), "a");
  sender_.answers = [](const Webhook&) { return failed(500); };
  const auto began = clock_.wall();
  while (newest().outcome == AlertOutcome::kPending) {
    step();
    clock_.advance(hours{1});
    ASSERT_LT(clock_.wall() - began, hours{48});
  }
  EXPECT_EQ(newest().outcome, AlertOutcome::kGaveUp);
  EXPECT_EQ(newest().detail, "HTTP 500");
  EXPECT_GE(newest().tried_at - began, hours{22});
}

TEST_F(AlertDispatcherTest, DoesNotRepeatWhatIsRefused) {
  fire(add_rule(), "a");
  sender_.answers = [](const Webhook&) {
    return WebhookReply{.kind = WebhookReply::Kind::kRefused, .detail = "a private address"};
  };
  step();
  clock_.advance(hours{2});
  step();
  EXPECT_THAT(sent(), SizeIs(1));
  EXPECT_EQ(newest().outcome, AlertOutcome::kRefused);
}

TEST_F(AlertDispatcherTest, SwitchesARuleOffWhenItsReceiverIsGone) {
  const auto rule = add_rule();
  fire(rule, "a");
  fire(rule, "b");
  sender_.answers = [](const Webhook&) {
    return WebhookReply{.kind = WebhookReply::Kind::kGone, .status = 410};
  };
  step();
  step();
  EXPECT_THAT(sent(), ElementsAre("a"));
  EXPECT_FALSE(alerts_.rule(rule.id)->enabled);
}

TEST_F(AlertDispatcherTest, SendsAgainAfterARestartWhatItDoesNotKnowToBeDelivered) {
  fire(add_rule(), "a");
  step();
  restart();
  step();
  EXPECT_THAT(sent(), ElementsAre("a", "a"));
}

TEST_F(AlertDispatcherTest, SendsNothingTwiceWhileTheStoreIsAway) {
  fire(add_rule(), "a");
  step();
  alerts_.set_down(true);
  sender_.end(0, kOk);
  step();
  alerts_.set_down(false);
  clock_.advance(seconds{5});
  step();
  EXPECT_THAT(sent(), ElementsAre("a"));
  EXPECT_EQ(newest().outcome, AlertOutcome::kDelivered);
}

TEST_F(AlertDispatcherTest, SendsToABoundedNumberOfReceiversAtATime) {
  for (int i = 0; i < 40; ++i) fire(add_rule(), std::to_string(i));
  step();
  step();
  EXPECT_THAT(sent(), SizeIs(AlertDispatcherOptions{}.in_flight_max));
  sender_.end(0, kOk);
  step();
  step();
  EXPECT_THAT(sent(), SizeIs(AlertDispatcherOptions{}.in_flight_max + 1));
}

TEST_F(AlertDispatcherTest, ATestIsSentAtOnceAndItsOutcomeTold) {
  std::vector<int> heard;
  const auto hear = [&](const WebhookReply& reply) { heard.push_back(reply.status); };
  ASSERT_TRUE(dispatcher_->test({.target = {}, .id = "test", .body = "{}"}, hear));
  EXPECT_EQ(sender_.wakes, 1);
  step();
  EXPECT_THAT(heard, IsEmpty());
  sender_.end(0, failed(418));
  step();
  EXPECT_THAT(heard, ElementsAre(418));
  EXPECT_THAT(alerts_.log({}).value(), IsEmpty());
}

TEST_F(AlertDispatcherTest, OnlyTestsWhileSomebodyElseDelivers) {
  fire(add_rule(), "a");
  ASSERT_TRUE(dispatcher_->test({.target = {}, .id = "test", .body = {}}, [](const auto&) {}));
  alerts_.set_turn({});
  step();
  EXPECT_THAT(sent(), ElementsAre("test"));
  alerts_.set_turn(2);
  step();
  EXPECT_THAT(sent(), ElementsAre("test", "a"));
}

TEST_F(AlertDispatcherTest, RefusesMoreTestsThanItCanHold) {
  int told = 0;
  const auto hear = [&](const WebhookReply& reply) { told += reply.status == 0 ? 1 : 0; };
  for (std::size_t i = 0; i < AlertDispatcher::kTestsMax; ++i) {
    EXPECT_TRUE(dispatcher_->test({}, hear));
  }
  EXPECT_FALSE(dispatcher_->test({}, hear));
  step();  // begins them
  EXPECT_FALSE(dispatcher_->test({}, hear)) << "a receiver that is slow is not flooded";
  sender_.end(0, kOk);
  step();
  EXPECT_TRUE(dispatcher_->test({}, hear));
  EXPECT_FALSE(dispatcher_->test({}, hear));
  dispatcher_.reset();
  EXPECT_EQ(told, 8) << "nobody is left without an answer";
}

}  // namespace
}  // namespace ia
