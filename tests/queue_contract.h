#pragma once

// What every Queue promises, as suites over a harness (queue_harness.h). queue_contract_test.cpp
// and sqs/sqs_contract_test.cpp run them. Keep every duration a whole number of seconds, for queues
// that know no less.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "queue_harness.h"
#include "queue_twins.h"

namespace ia {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

inline std::vector<std::string> bodies_of(const std::vector<Delivery>& deliveries) {
  std::vector<std::string> bodies;
  for (const auto& delivery : deliveries) bodies.push_back(delivery.body);
  return bodies;
}

class QueueContract : public ::testing::TestWithParam<QueueFactory> {
 protected:
  void make(std::uint32_t receives_max) { harness_ = GetParam().make(receives_max); }
  void SetUp() override {
    if (const auto reason = GetParam().why_not()) GTEST_SKIP() << "SKIPPED: " << *reason;
    make(0);
  }

  Queue& queue() { return harness_->queue(); }
  void send(const std::vector<OutgoingMessage>& messages) { send_all(queue(), messages); }
  std::vector<Delivery> receive(milliseconds visibility = seconds{30}, std::size_t count_max = 10) {
    return queue().receive(count_max, visibility, harness_->wait()).value();
  }
  // Empties the queue of what is visible now.
  std::vector<Delivery> receive_all(milliseconds visibility = seconds{30}) {
    std::vector<Delivery> all;
    for (auto some = receive(visibility); !some.empty(); some = receive(visibility)) {
      std::ranges::move(some, std::back_inserter(all));
    }
    return all;
  }
  void ack(const Receipt& receipt) { ASSERT_TRUE(queue().ack(std::span(&receipt, 1))); }
  void change(const Receipt& receipt, milliseconds timeout) {
    const VisibilityChange one{receipt, timeout};
    ASSERT_THAT(queue().change_visibility(std::span(&one, 1)).value(), IsEmpty());
  }

  std::unique_ptr<QueueHarness> harness_;
};

TEST_P(QueueContract, DeliversWhatWasSent) {
  const auto before = harness_->clock().wall();
  const std::string binary("\0\xff\n", 3);
  send({message("one"), message(binary)});
  const auto deliveries = receive_all();

  EXPECT_THAT(bodies_of(deliveries), UnorderedElementsAre("one", binary));
  EXPECT_EQ(deliveries[0].receive_count, 1);
  EXPECT_GE(deliveries[0].sent_at, before);
  EXPECT_LE(deliveries[0].sent_at, harness_->clock().wall());
}

TEST_P(QueueContract, GivesNothingWhenThereIsNothing) { EXPECT_THAT(receive(), IsEmpty()); }

TEST_P(QueueContract, GivesAtMostAsManyAsWereAskedFor) {
  send({message("a"), message("b"), message("c"), message("d"), message("e")});
  EXPECT_THAT(receive(seconds{30}, 2), SizeIs(2));
  EXPECT_THAT(receive(seconds{30}, 0), IsEmpty());
  EXPECT_THAT(receive_all(), SizeIs(3));
}

TEST_P(QueueContract, CarriesLargeBatchesAndBodies) {
  std::vector<OutgoingMessage> messages;
  for (char c = 'A'; c < 'A' + 50; ++c) messages.push_back(message(std::string(50'000, c)));
  send(messages);
  const auto deliveries = receive_all();

  ASSERT_THAT(deliveries, SizeIs(50));
  for (const auto& delivery : deliveries) {
    EXPECT_EQ(delivery.body, std::string(50'000, delivery.body[0]));
  }
}

TEST_P(QueueContract, HidesADeliveredMessageUntilItsVisibilityEnds) {
  send({message("one")});
  ASSERT_THAT(receive(seconds{5}), SizeIs(1));
  EXPECT_THAT(receive(), IsEmpty());
  harness_->pass(seconds{3});
  EXPECT_THAT(receive(), IsEmpty());
}

TEST_P(QueueContract, DeliversAMessageAgainWhenItsVisibilityEnds) {
  send({message("one")});
  ASSERT_THAT(receive(seconds{2}), SizeIs(1));
  harness_->pass(seconds{2});
  EXPECT_THAT(bodies_of(receive()), ElementsAre("one"));
}

TEST_P(QueueContract, CountsReceives) {
  send({message("one")});
  for (std::uint32_t count = 1; count <= 3; ++count) {
    const auto deliveries = receive(seconds{1});
    ASSERT_THAT(deliveries, SizeIs(1));
    EXPECT_EQ(deliveries[0].receive_count, count);
    harness_->pass(seconds{1});
  }
}

TEST_P(QueueContract, AnAckEndsAMessage) {
  send({message("one"), message("two")});
  const auto deliveries = receive_all(seconds{1});
  ASSERT_THAT(deliveries, SizeIs(2));
  ack(deliveries[0].receipt);
  harness_->pass(seconds{1});
  EXPECT_THAT(bodies_of(receive_all()), ElementsAre(deliveries[1].body));
}

TEST_P(QueueContract, AcksAreIdempotent) {
  send({message("one"), message("two")});
  const auto deliveries = receive_all();
  for (int i = 0; i < 2; ++i) ack(deliveries.at(0).receipt);
  EXPECT_EQ(queue().depth().value().in_flight, 1);
}

TEST_P(QueueContract, AnEmptyBatchDoesNothing) {
  EXPECT_THAT(queue().send({}).value(), IsEmpty());
  EXPECT_THAT(queue().ack({}).value(), IsEmpty());
  EXPECT_THAT(queue().change_visibility({}).value(), IsEmpty());
}

TEST_P(QueueContract, VoidsTheReceiptOfAnEarlierDelivery) {
  send({message("one")});
  const auto first = receive(seconds{1});
  harness_->pass(seconds{1});
  const auto second = receive(seconds{10});
  ASSERT_THAT(second, SizeIs(1));

  ack(first.at(0).receipt);
  EXPECT_EQ(queue().depth().value().in_flight, 1);
  ack(second[0].receipt);
  EXPECT_EQ(queue().depth().value().in_flight, 0);
}

TEST_P(QueueContract, AVoidReceiptChangesNothingAndIsNotFound) {
  send({message("one"), message("two")});
  const auto deliveries = receive_all(seconds{10});
  ASSERT_THAT(deliveries, SizeIs(2));
  ack(deliveries[0].receipt);

  const std::vector<VisibilityChange> changes = {{deliveries[0].receipt, seconds{0}},
                                                 {deliveries[1].receipt, seconds{0}}};
  const auto failed = queue().change_visibility(changes).value();
  ASSERT_THAT(failed, SizeIs(1));
  EXPECT_EQ(failed[0].index, 0);
  EXPECT_EQ(failed[0].error.code, Errc::kNotFound);
  EXPECT_THAT(bodies_of(receive_all()), ElementsAre(deliveries[1].body));
}

TEST_P(QueueContract, ChangedVisibilityIsTheTimerOfTheNextDelivery) {
  send({message("shard")});
  change(receive(seconds{30}).at(0).receipt, seconds{3});
  EXPECT_THAT(receive(), IsEmpty());
  harness_->pass(seconds{3});
  const auto again = receive(seconds{1});
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].receive_count, 2);

  change(again[0].receipt, seconds{5});
  harness_->pass(seconds{2});
  EXPECT_THAT(receive(), IsEmpty());
}

TEST_P(QueueContract, AVisibilityOfZeroGivesAMessageBackAtOnce) {
  send({message("one")});
  change(receive().at(0).receipt, seconds{0});
  EXPECT_THAT(bodies_of(receive()), ElementsAre("one"));
}

TEST_P(QueueContract, DelaysASend) {
  send({message("later", seconds{3}), message("now")});
  EXPECT_THAT(bodies_of(receive_all()), ElementsAre("now"));
  EXPECT_EQ(queue().depth().value().delayed, 1);
  harness_->pass(seconds{3});
  EXPECT_THAT(bodies_of(receive_all()), ElementsAre("later"));
}

TEST_P(QueueContract, ReportsDepthAndOldestAge) {
  send({message("a"), message("b"), message("c"), message("d", seconds{60})});
  ASSERT_THAT(receive(seconds{30}, 1), SizeIs(1));
  harness_->pass(seconds{2});
  send({message("e")});
  harness_->pass(seconds{1});

  const auto depth = queue().depth().value();
  EXPECT_EQ(depth.visible, 3);
  EXPECT_EQ(depth.in_flight, 1);
  EXPECT_EQ(depth.delayed, 1);
  EXPECT_EQ(depth.dead, 0);
  EXPECT_GE(depth.oldest_age, seconds{3});
  EXPECT_LT(depth.oldest_age, seconds{10});
}

TEST_P(QueueContract, TheAgeOfAMessageBeginsWhenItBecomesVisible) {
  send({message("a", seconds{4})});
  EXPECT_EQ(queue().depth().value().oldest_age, seconds{0});
  if (!harness_->tells_age()) return;
  harness_->pass(seconds{5});
  EXPECT_GE(queue().depth().value().oldest_age, seconds{1});
  EXPECT_LT(queue().depth().value().oldest_age, seconds{4});
}

TEST_P(QueueContract, BuriesAfterTheLimit) {
  make(2);
  send({message("poison")});
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(receive(seconds{1}), SizeIs(1));
    harness_->pass(seconds{1});
  }
  EXPECT_THAT(receive(), IsEmpty());

  const auto letters = queue().dead_letters(10).value();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].body, "poison");
  EXPECT_THAT(letters[0].reason, ::testing::HasSubstr("2 times"));
  const auto depth = queue().depth().value();
  EXPECT_EQ(depth.dead, 1);
  EXPECT_EQ(depth.visible + depth.in_flight, 0);
}

TEST_P(QueueContract, DeliversForEverWithoutALimit) {
  send({message("shard")});
  for (int i = 0; i < 50; ++i) {
    const auto deliveries = receive(seconds{30});
    ASSERT_THAT(deliveries, SizeIs(1)) << i;
    change(deliveries[0].receipt, seconds{0});
  }
}

// A receiver that stops, or whose store is away, is no reason to bury what it had.
TEST_P(QueueContract, DoesNotCountDeliveriesThatWereExcused) {
  make(2);
  if (!harness_->excuses()) GTEST_SKIP() << "it counts by itself";
  send({message("good")});
  for (int i = 0; i < 20; ++i) {
    const auto deliveries = receive();
    ASSERT_THAT(deliveries, SizeIs(1)) << i;
    for (const auto timeout : {seconds{30}, seconds{0}}) {
      const VisibilityChange change{deliveries[0].receipt, timeout, true};
      ASSERT_THAT(queue().change_visibility(std::span(&change, 1)).value(), IsEmpty());
    }
  }
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(receive(seconds{1}), SizeIs(1)) << "the limit holds for the others";
    harness_->pass(seconds{2});
  }
  EXPECT_THAT(receive(seconds{1}), IsEmpty());
  EXPECT_THAT(queue().dead_letters(10).value(), SizeIs(1));
}

TEST_P(QueueContract, KeepsWhatIsBuriedWithItsReason) {
  for (const auto* body : {"bad", "worse"}) {
    send({message(body)});
    const auto delivery = receive().at(0);
    ASSERT_TRUE(queue().bury(delivery.receipt, {delivery.body, std::string("why: ") + body}));
  }
  const auto letters = queue().dead_letters(10).value();
  ASSERT_THAT(letters, SizeIs(2));
  EXPECT_EQ(letters[0].body, "worse");
  EXPECT_EQ(letters[1].reason, "why: bad");
  EXPECT_THAT(queue().dead_letters(1).value(), SizeIs(1));
  EXPECT_EQ(queue().depth().value().in_flight, 0);
}

TEST_P(QueueContract, PurgeLeavesOnlyTheDeadLetters) {
  send({message("a"), message("b"), message("c", seconds{5})});
  const auto delivery = receive(seconds{1}, 1).at(0);
  ASSERT_TRUE(queue().bury(delivery.receipt, {delivery.body, "why"}));
  ASSERT_THAT(receive(seconds{1}, 1), SizeIs(1));
  ASSERT_TRUE(queue().purge());

  harness_->pass(seconds{6});
  EXPECT_THAT(receive(), IsEmpty());
  EXPECT_THAT(queue().dead_letters(10).value(), SizeIs(1));
  send({message("new")});
  EXPECT_THAT(bodies_of(receive()), ElementsAre("new"));
}

TEST_P(QueueContract, SharesMessagesAmongThreads) {
  constexpr int kThreads = 4;
  constexpr int kMessages = 100;
  std::vector<std::vector<std::string>> got(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kMessages; ++i) {
        const auto sent = message(std::to_string(t) + ":" + std::to_string(i));
        if (!queue().send(std::span(&sent, 1))) return;
        for (const auto& delivery : receive_now(queue(), 3, seconds{600})) {
          got[static_cast<std::size_t>(t)].push_back(delivery.body);
          if (!queue().ack(std::span(&delivery.receipt, 1))) return;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();

  std::multiset<std::string> all;
  for (const auto& bodies : got) all.insert(bodies.begin(), bodies.end());
  for (const auto& delivery : receive_all()) all.insert(delivery.body);
  EXPECT_THAT(all, SizeIs(kThreads * kMessages));
  EXPECT_THAT(std::set<std::string>(all.begin(), all.end()), SizeIs(kThreads * kMessages));
}

class DurableQueueContract : public ::testing::TestWithParam<DurableQueueFactory> {
 protected:
  void make(std::uint32_t receives_max) { harness_ = GetParam().make(receives_max); }
  void SetUp() override {
    if (const auto reason = GetParam().why_not()) GTEST_SKIP() << "SKIPPED: " << *reason;
    make(0);
  }
  void reopen() {
    harness_->close();
    harness_->open();
  }
  Queue& queue() { return harness_->queue(); }

  std::unique_ptr<DurableQueueHarness> harness_;
};

TEST_P(DurableQueueContract, KeepsMessagesAcrossAReopen) {
  send_all(queue(), {message("visible"), message("delayed", seconds{5}), message("dead")});
  std::vector<Delivery> deliveries;
  while (deliveries.size() < 2) {
    std::ranges::move(queue().receive(10, seconds{10}, harness_->wait()).value(),
                      std::back_inserter(deliveries));
  }
  for (const auto& delivery : deliveries) {
    if (delivery.body == "dead") {
      ASSERT_TRUE(queue().bury(delivery.receipt, {delivery.body, "why"}));
    }
  }
  reopen();

  const auto depth = queue().depth().value();
  EXPECT_EQ(depth.visible, 0);
  EXPECT_EQ(depth.in_flight, 1);
  EXPECT_EQ(depth.delayed, 1);
  EXPECT_EQ(depth.dead, 1);
  EXPECT_EQ(queue().dead_letters(1).value().at(0).body, "dead");
  harness_->pass(seconds{10});
  EXPECT_THAT(bodies_of(queue().receive(10, seconds{1}, harness_->wait()).value()),
              UnorderedElementsAre("visible", "delayed"));
}

TEST_P(DurableQueueContract, ReceiptsOutliveAReopen) {
  send_all(queue(), {message("one")});
  const auto delivery = queue().receive(1, seconds{10}, harness_->wait()).value().at(0);
  reopen();
  ASSERT_TRUE(queue().ack(std::span(&delivery.receipt, 1)));
  EXPECT_EQ(queue().depth().value().in_flight, 0);
}

// A sender is killed at any moment: what it was told is sent, is there.
TEST_P(DurableQueueContract, KeepsWhatAKilledProcessSent) {
  harness_->close();
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const auto child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    harness_->open();
    for (std::uint32_t i = 0;; ++i) {
      const std::vector<OutgoingMessage> messages = {
          message(std::to_string(i) + "a" + std::string(8'000, 'x')),
          message(std::to_string(i) + "b")};
      if (!queue().send(messages)) _exit(1);
      if (write(pipe_ends[1], &i, sizeof i) != sizeof i) _exit(1);
    }
  }
  close(pipe_ends[1]);
  std::uint32_t acknowledged = 0;
  for (int count = 0; count < 60; ++count) {
    ASSERT_EQ(read(pipe_ends[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
  }
  kill(child, SIGKILL);
  while (read(pipe_ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) continue;
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));

  harness_->open();
  std::set<std::string> found;
  while (true) {
    const auto some = queue().receive(10, seconds{600}, harness_->wait()).value();
    if (some.empty()) break;
    for (const auto& delivery : some) {
      found.insert(delivery.body.substr(0, delivery.body.find_first_of("ab") + 1));
    }
  }
  for (std::uint32_t i = 0; i <= acknowledged; ++i) {
    EXPECT_TRUE(found.contains(std::to_string(i) + "a")) << i;
    EXPECT_TRUE(found.contains(std::to_string(i) + "b")) << i;
  }
  EXPECT_LE(found.size(), 2 * (std::size_t{acknowledged} + 2)) << "sent what nobody sent";
}

TEST_P(DurableQueueContract, BehavesAsTheModelUnderRandomOperations) {
  const auto* given = std::getenv("IA_TEST_SEED");
  const std::uint64_t first = given != nullptr ? std::stoull(given) : std::random_device{}();
  for (std::uint64_t seed = first; seed < first + 4; ++seed) {
    SCOPED_TRACE("IA_TEST_SEED=" + std::to_string(seed));
    const auto receives_max = static_cast<std::uint32_t>(seed % 4);
    make(receives_max);
    if (!harness_->delivers_at_once()) GTEST_SKIP() << "it may deliver later than the model";
    QueueTwins twins(*harness_, receives_max, seed);
    for (int i = 0; i < 400 && !HasFailure(); ++i) {
      twins.step();
      twins.compare();
    }
    twins.compare_dead_letters();
  }
}

template <class Harness>
std::string name_of_factory(const ::testing::TestParamInfo<Factory<Harness>>& info) {
  return info.param.name;
}

}  // namespace ia
