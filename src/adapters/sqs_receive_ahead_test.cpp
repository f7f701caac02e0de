#include "adapters/sqs_receive_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "testing/manual_clock.h"
#include "testing/memory_queue.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Counts the polls.
class CountingQueue final : public Queue {
 public:
  explicit CountingQueue(Queue& queue) : queue_(queue) {}
  Result<std::vector<Delivery>> receive(std::size_t count_max, milliseconds visibility,
                                        milliseconds wait) override {
    ++polls;
    return queue_.receive(count_max, visibility, wait);
  }
  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override {
    return queue_.send(messages);
  }
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override {
    return queue_.ack(receipts);
  }
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) override {
    return queue_.change_visibility(changes);
  }
  Status bury(const Receipt& receipt, const DeadLetter& letter) override {
    return queue_.bury(receipt, letter);
  }
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override {
    return queue_.dead_letters(count_max);
  }
  Result<QueueDepth> depth() const override { return queue_.depth(); }
  Status purge() override { return queue_.purge(); }

  std::atomic<int> polls = 0;

 private:
  Queue& queue_;
};

class SqsReceiveAheadTest : public ::testing::Test {
 protected:
  void begin(SqsReceiveAheadOptions options) {
    ahead_ = std::make_unique<SqsReceiveAhead>(counting_, clock_, options);
  }
  void send(int count) {
    for (int i = 0; i < count; ++i) {
      const OutgoingMessage one{.body = std::to_string(sent_++)};
      ASSERT_TRUE(queue_.send(std::span(&one, 1)));
    }
  }
  std::vector<Delivery> receive(std::size_t count, milliseconds wait = seconds{10}) {
    return ahead_->receive(count, seconds{60}, wait).value();
  }
  void wait_for_polls(int count) {
    while (counting_.polls < count) std::this_thread::sleep_for(milliseconds{1});
  }

  SystemClock clock_;
  MemoryQueue queue_{clock_, {.waits = true}};
  CountingQueue counting_{queue_};
  int sent_ = 0;
  std::unique_ptr<SqsReceiveAhead> ahead_;
};

constexpr SqsReceiveAheadOptions kQuick{
    .ahead_max = 10, .poll_wait = seconds{0}, .pause = milliseconds{1}};

TEST_F(SqsReceiveAheadTest, GivesEveryMessageOnce) {
  begin(kQuick);
  send(95);
  std::multiset<std::string> bodies;
  while (bodies.size() < 95) {
    for (const auto& delivery : receive(7)) {
      bodies.insert(delivery.body);
      ASSERT_TRUE(ahead_->ack(std::span(&delivery.receipt, 1)));
    }
  }
  EXPECT_THAT(std::set<std::string>(bodies.begin(), bodies.end()), SizeIs(95));
  EXPECT_THAT(receive(10, milliseconds{20}), IsEmpty());
}

TEST_F(SqsReceiveAheadTest, AsksNobodyUntilSomebodyAsks) {
  begin(kQuick);
  send(1);
  std::this_thread::sleep_for(milliseconds{20});
  EXPECT_EQ(counting_.polls, 0);
  EXPECT_THAT(receive(10), SizeIs(1));
}

TEST_F(SqsReceiveAheadTest, AManyTimesAskedQueueIsPolledOnceAPause) {
  begin({.ahead_max = 10, .poll_wait = seconds{0}, .pause = seconds{60}});
  for (int i = 0; i < 1'000; ++i) EXPECT_THAT(receive(10, milliseconds{0}), IsEmpty());
  wait_for_polls(1);
  for (int i = 0; i < 1'000; ++i) EXPECT_THAT(receive(10, milliseconds{0}), IsEmpty());
  EXPECT_EQ(counting_.polls, 1);
}

TEST_F(SqsReceiveAheadTest, DoesNotPauseWhileThereIsPlenty) {
  begin({.ahead_max = 10, .poll_wait = seconds{0}, .pause = seconds{60}});
  send(50);
  std::size_t got = 0;
  while (got < 50) got += receive(10).size();
  EXPECT_LE(counting_.polls, 6) << "the last one finds nothing, and pauses";
}

TEST_F(SqsReceiveAheadTest, TakesNoMoreThanItMayHold) {
  begin(kQuick);
  send(50);
  EXPECT_THAT(receive(1), SizeIs(1));
  std::this_thread::sleep_for(milliseconds{30});
  EXPECT_LE(queue_.depth()->in_flight, 20) << "ten in hand, and one poll that was asked for";
}

TEST_F(SqsReceiveAheadTest, GivesBackWhatIsInHand) {
  begin(kQuick);
  send(10);
  EXPECT_THAT(receive(1), SizeIs(1));
  ahead_.reset();
  EXPECT_EQ(queue_.depth()->visible, 9);
  EXPECT_EQ(queue_.depth()->in_flight, 1);
}

TEST(SqsReceiveAhead, DropsWhatLayInHandForTooLong) {
  ManualClock clock;
  MemoryQueue queue(clock);
  const std::vector<OutgoingMessage> two = {{.body = "a"}, {.body = "b"}};
  ASSERT_TRUE(queue.send(two));
  SqsReceiveAhead ahead(queue, clock, {.poll_wait = seconds{0}, .pause = seconds{60}});
  EXPECT_THAT(ahead.receive(1, seconds{30}, seconds{10}).value(), SizeIs(1));
  clock.advance(seconds{6});
  EXPECT_THAT(ahead.receive(1, seconds{30}, milliseconds{0}).value(), IsEmpty());
}

TEST_F(SqsReceiveAheadTest, TellsAFailedPollOnce) {
  begin({.ahead_max = 10, .poll_wait = seconds{0}, .pause = seconds{60}});
  queue_.fail_next(1);
  const auto failed = ahead_->receive(10, seconds{60}, seconds{10});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::kUnavailable);
  EXPECT_TRUE(ahead_->receive(10, seconds{60}, milliseconds{0}));
}

TEST_F(SqsReceiveAheadTest, WakesAReceiverAtOnce) {
  begin({.ahead_max = 10, .poll_wait = seconds{10}, .pause = milliseconds{0}});
  std::thread sender([&] {
    wait_for_polls(1);
    send(1);
  });
  EXPECT_THAT(receive(10, seconds{60}), SizeIs(1));
  sender.join();
}

}  // namespace
}  // namespace ia
