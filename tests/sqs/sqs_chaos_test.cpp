// The SQS queue while much goes wrong between it and its server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "../queue_contract.h"
#include "chaos_proxy.h"
#include "sqs_harness.h"

namespace ia {
namespace {

using std::chrono::minutes;

// As many attempts as it takes, at once.
SqsRetryOptions patient() {
  return {.attempts_max = 30, .sleep = [](milliseconds) {}};
}

// Troubles that an SqsQueue hides wholly.
Chaos hidden_chaos() {
  return {.refuse = 0.05,
          .throttle = 0.03,
          .hang_up = 0.03,
          .fail_entry = 0.03,
          .lose_reply = 0.05,
          .cut_reply = 0.05,
          .loses_only_acks = true,
          .seed = std::random_device{}()};
}

class SqsChaosHarness final : public DurableQueueHarness {
 public:
  explicit SqsChaosHarness(std::uint32_t receives_max)
      : clock_(server_.started_at()), receives_max_(receives_max) {
    SqsParts(server_.url(), clock_).create({.name = "contract", .receives_max = receives_max});
    open();
  }
  Queue& queue() override { return *queue_; }
  const Clock& clock() const override { return clock_; }
  void pass(milliseconds time) override {
    clock_.advance(time);
    server_.advance(time);
  }
  void close() override {
    queue_.reset();
    parts_.reset();
  }
  void open() override {
    parts_ = std::make_unique<SqsParts>(proxy_.url(), clock_, patient());
    queue_ = parts_->open("contract", receives_max_);
  }
  bool excuses() const override { return false; }
  bool tells_age() const override { return false; }
  bool keeps_expired_receipts() const override { return false; }

 private:
  Fauxqs server_;
  ChaosProxy proxy_{server_.url(), hidden_chaos()};
  ManualClock clock_;
  std::uint32_t receives_max_;
  std::unique_ptr<SqsParts> parts_;
  std::unique_ptr<SqsQueue> queue_;
};

INSTANTIATE_TEST_SUITE_P(SqsChaos, QueueContract,
                         ::testing::Values(sqs_factory_of<SqsChaosHarness, QueueHarness>("Chaos")),
                         name_of_factory<QueueHarness>);

INSTANTIATE_TEST_SUITE_P(
    SqsChaos, DurableQueueContract,
    ::testing::Values(sqs_factory_of<SqsChaosHarness, DurableQueueHarness>("Chaos")),
    name_of_factory<DurableQueueHarness>);

// Troubles of which the user of a queue learns something: duplicates, disorder, errors.
class SqsInChaos : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = Fauxqs::why_not()) GTEST_SKIP() << "SKIPPED: " << *reason;
    const auto* given = std::getenv("IA_TEST_SEED");
    const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device{}();
    RecordProperty("seed", std::to_string(seed));
    std::printf("IA_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
    server_ = std::make_unique<Fauxqs>();
    clock_ = std::make_unique<ManualClock>(server_->started_at());
    SqsParts(server_->url(), *clock_).create({.name = "q"});
    proxy_ = std::make_unique<ChaosProxy>(server_->url(), Chaos{.refuse = 0.08,
                                                                .throttle = 0.05,
                                                                .hang_up = 0.05,
                                                                .fail_entry = 0.08,
                                                                .lose_reply = 0.08,
                                                                .cut_reply = 0.05,
                                                                .forget_entry = 0.05,
                                                                .duplicate = 0.05,
                                                                .hide = 0.1,
                                                                .shuffle = true,
                                                                .seed = seed});
    parts_ = std::make_unique<SqsParts>(
        proxy_->url(), *clock_,
        SqsRetryOptions{.attempts_max = 3, .sleep = [](milliseconds) {}, .seed = seed});
    for (int i = 0; i < 100 && !queue_; ++i) {
      auto opened = SqsQueue::open({.name = "q", .prefix = SqsParts::kPrefix}, *parts_->client,
                                   *clock_, parts_->log);
      if (opened) queue_ = std::move(*opened);
    }
    ASSERT_TRUE(queue_);
  }

  void pass(milliseconds time) {
    clock_->advance(time);
    server_->advance(time);
  }
  // As a stage does: what failed is sent again.
  void send_until_sent(std::vector<OutgoingMessage> messages) {
    for (int i = 0; i < 1'000 && !messages.empty(); ++i) {
      const auto failed = queue_->send(messages);
      if (!failed) continue;
      std::vector<OutgoingMessage> rest;
      for (const auto& entry : *failed) rest.push_back(messages[entry.index]);
      messages = std::move(rest);
    }
    ASSERT_THAT(messages, IsEmpty());
  }
  std::vector<Delivery> receive_some() {
    auto deliveries = queue_->receive(25, seconds{30}, seconds{0});
    return deliveries ? std::move(*deliveries) : std::vector<Delivery>{};
  }
  // What the server holds, asked without the proxy.
  QueueDepth true_depth() {
    SqsParts parts(server_->url(), *clock_);
    return parts.open("q", 0)->depth().value();
  }

  std::unique_ptr<Fauxqs> server_;
  std::unique_ptr<ManualClock> clock_;
  std::unique_ptr<ChaosProxy> proxy_;
  std::unique_ptr<SqsParts> parts_;
  std::unique_ptr<SqsQueue> queue_;
};

TEST_F(SqsInChaos, NothingIsLostAndTheQueueRunsEmpty) {
  constexpr int kMessages = 400;
  std::set<std::string> sent;
  for (int begin = 0; begin < kMessages; begin += 23) {
    std::vector<OutgoingMessage> some;
    for (int i = begin; i < std::min(kMessages, begin + 23); ++i) {
      some.push_back(message(std::to_string(i) + std::string("\0\x01", 2)));
      sent.insert(some.back().body);
    }
    send_until_sent(std::move(some));
  }

  std::set<std::string> received;
  std::mutex mutex;
  const auto work = [&] {
    for (int i = 0; i < 60; ++i) {
      const auto deliveries = receive_some();
      std::vector<Receipt> receipts;
      for (const auto& delivery : deliveries) {
        const std::scoped_lock lock(mutex);
        received.insert(delivery.body);
        receipts.push_back(delivery.receipt);
      }
      (void)queue_->ack(receipts);  // what fails comes again
    }
  };
  for (int round = 0; round < 40 && true_depth().visible + true_depth().in_flight > 0; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
    pass(seconds{31});
  }
  EXPECT_EQ(received, sent);
  const auto depth = true_depth();
  EXPECT_EQ(depth.visible + depth.in_flight + depth.delayed + depth.dead, 0);
  EXPECT_GT(proxy_->troubles(), 100) << "nothing went wrong: nothing was tested";
}

// The id queue's messages live for ever. One that was lost on its way to a fetcher comes back after
// its visibility, so it may miss a minute or two, but no more.
TEST_F(SqsInChaos, NoShardIsEverLost) {
  constexpr int kShards = 40;
  std::vector<OutgoingMessage> shards;
  for (int i = 0; i < kShards; ++i) shards.push_back(message("shard " + std::to_string(i)));
  send_until_sent(shards);

  for (int round = 0; round < 4; ++round) {
    std::set<std::string> seen;
    for (int half_minute = 0; half_minute < 10; ++half_minute) {
      for (int i = 0; i < 40; ++i) {
        std::vector<VisibilityChange> changes;
        for (const auto& delivery : receive_some()) {
          seen.insert(delivery.body);
          changes.push_back({delivery.receipt, seconds{60}});
        }
        (void)queue_->change_visibility(changes);
      }
      pass(seconds{30});
    }
    EXPECT_THAT(seen, SizeIs(kShards)) << "five minutes, round " << round;
  }
  const auto depth = true_depth();
  EXPECT_GE(depth.visible + depth.in_flight, kShards);
}

TEST_F(SqsInChaos, WhatIsBuriedIsInTheDeadLettersAndNowhereElse) {
  std::set<std::string> sent;
  std::vector<OutgoingMessage> messages;
  for (int i = 0; i < 60; ++i) {
    messages.push_back(message("poison " + std::to_string(i)));
    sent.insert(messages.back().body);
  }
  send_until_sent(messages);
  for (int round = 0; round < 200; ++round) {
    for (const auto& delivery : receive_some()) {
      (void)queue_->bury(delivery.receipt, {delivery.body, "because of " + delivery.body});
    }
    // A letter whose delivery could not be deleted comes again after two minutes.
    if (round % 10 == 9) pass(minutes{3});
    if (round % 10 == 9 && true_depth().visible + true_depth().in_flight == 0) break;
  }
  EXPECT_EQ(true_depth().visible + true_depth().in_flight, 0);
  SqsParts parts(server_->url(), *clock_);
  std::set<std::string> dead;
  const auto letters = parts.open("q", 0)->dead_letters(1'000).value();
  for (const auto& letter : letters) {
    EXPECT_EQ(letter.reason, "because of " + letter.body);
    dead.insert(letter.body);
  }
  EXPECT_EQ(dead, sent);
}

}  // namespace
}  // namespace ia
