#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "queue_harness.h"

namespace ia {

// Random operations on the queue and on a MemoryQueue: nobody can tell them apart.
class QueueTwins {
 public:
  QueueTwins(DurableQueueHarness& harness, std::uint32_t receives_max, std::uint64_t seed)
      : harness_(harness), model_(harness.clock(), {.receives_max = receives_max}), random_(seed) {}

  void step() {
    switch (pick(10)) {
      case 0:
      case 1:
        return send();
      case 2:
      case 3:
        return receive();
      case 4:
        return ack();
      case 5:
        return change();
      case 6:
        return bury();
      case 7:
        return rarely();
      default:
        return harness_.pass(std::chrono::seconds{pick(20)});
    }
  }

  void compare() {
    const auto expected = model_.depth().value();
    const auto depth = harness_.queue().depth().value();
    EXPECT_EQ(depth.visible, expected.visible);
    EXPECT_EQ(depth.in_flight, expected.in_flight);
    EXPECT_EQ(depth.delayed, expected.delayed);
    EXPECT_EQ(depth.dead, expected.dead);
    if (harness_.tells_age()) {
      EXPECT_EQ(depth.oldest_age, expected.oldest_age);
    }
  }

  void compare_dead_letters() { EXPECT_EQ(dead_bodies(harness_.queue()), dead_bodies(model_)); }

 private:
  struct Twin {
    Receipt model;
    Receipt subject;
    std::string body;
    WallTime visible_at;
  };

  std::int64_t pick(std::int64_t below) {
    return std::uniform_int_distribution<std::int64_t>(0, below - 1)(random_);
  }
  std::chrono::milliseconds timeout() { return std::chrono::seconds{pick(3) == 0 ? 0 : pick(60)}; }
  // Receipts of any deliveries so far, so often void ones.
  std::set<Twin*> some_twins() {
    std::set<Twin*> some;
    for (auto count = pick(6); count > 0 && !twins_.empty(); --count) {
      const auto back = pick(std::min<std::int64_t>(40, std::ssize(twins_)));
      auto& twin = twins_[twins_.size() - 1 - static_cast<std::size_t>(back)];
      const bool expired = twin.visible_at <= harness_.clock().wall();
      if (harness_.keeps_expired_receipts() || !expired) some.insert(&twin);
    }
    return some;
  }

  void send() {
    std::vector<OutgoingMessage> messages;
    for (auto count = pick(6); count > 0; --count) {
      auto body =
          std::to_string(next_body_++) + std::string(static_cast<std::size_t>(pick(9'000)), 'x');
      messages.push_back(message(std::move(body), timeout()));
    }
    ASSERT_TRUE(model_.send(messages));
    send_all(harness_.queue(), messages);
  }

  void receive() {
    const auto visibility = timeout() + std::chrono::seconds{1};
    std::map<std::string, Delivery> expected;
    for (auto& delivery : receive_now(model_, 100'000, visibility)) {
      expected.emplace(delivery.body, delivery);
    }
    const auto deliveries = receive_now(harness_.queue(), 100'000, visibility);
    ASSERT_THAT(deliveries, ::testing::SizeIs(expected.size()));
    for (const auto& delivery : deliveries) {
      ASSERT_TRUE(expected.contains(delivery.body));
      const auto& twin = expected.at(delivery.body);
      EXPECT_EQ(delivery.receive_count, twin.receive_count);
      EXPECT_EQ(delivery.sent_at, twin.sent_at);
      twins_.push_back(
          {twin.receipt, delivery.receipt, delivery.body, harness_.clock().wall() + visibility});
    }
  }

  void ack() {
    std::vector<Receipt> model;
    std::vector<Receipt> subject;
    for (const auto* twin : some_twins()) {
      model.push_back(twin->model);
      subject.push_back(twin->subject);
    }
    ASSERT_TRUE(model_.ack(model));
    ASSERT_TRUE(harness_.queue().ack(subject));
  }

  void change() {
    std::vector<VisibilityChange> model;
    std::vector<VisibilityChange> subject;
    for (auto* twin : some_twins()) {
      const auto time = timeout();
      model.push_back({twin->model, time});
      subject.push_back({twin->subject, time});
      twin->visible_at = harness_.clock().wall() + time;
    }
    const auto expected = model_.change_visibility(model).value();
    const auto failed = harness_.queue().change_visibility(subject).value();
    ASSERT_EQ(failed.size(), expected.size());
    for (std::size_t i = 0; i < failed.size(); ++i) {
      EXPECT_EQ(failed[i].index, expected[i].index);
    }
  }

  void bury() {
    for (const auto* twin : some_twins()) {
      if (pick(4) > 0) continue;
      const auto expected = model_.bury(twin->model, {twin->body, "why"});
      const auto buried = harness_.queue().bury(twin->subject, {twin->body, "why"});
      EXPECT_EQ(buried.has_value(), expected.has_value());
    }
  }

  void rarely() {
    if (pick(5) == 0) {
      harness_.close();
      harness_.open();
    }
    if (pick(20) == 0) {
      ASSERT_TRUE(model_.purge());
      ASSERT_TRUE(harness_.queue().purge());
    }
  }

  DurableQueueHarness& harness_;
  MemoryQueue model_;
  std::mt19937_64 random_;
  std::vector<Twin> twins_;
  std::uint64_t next_body_ = 0;
};

}  // namespace ia
