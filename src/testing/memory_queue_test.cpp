// The faults of the fake; tests/queue_contract_test.cpp holds its queue to the contract.
#include "testing/memory_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MemoryQueueTest : public ::testing::Test {
 protected:
  bool send(const std::string& body) {
    const OutgoingMessage message{body, {}};
    return queue_.send(std::span(&message, 1)).has_value();
  }
  std::vector<Delivery> receive() { return queue_.receive(100, seconds{30}, {}).value(); }

  ManualClock clock_;
  MemoryQueue queue_{clock_};
};

TEST_F(MemoryQueueTest, AFailureHasNoEffect) {
  queue_.fail_next(2, Errc::kOverloaded);
  EXPECT_FALSE(send("x"));
  const auto failed = queue_.receive(1, seconds{1}, {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::kOverloaded);
  EXPECT_THAT(receive(), IsEmpty());
}

TEST_F(MemoryQueueTest, ALostReplyHadItsEffect) {
  queue_.lose_reply_next(1);
  EXPECT_FALSE(send("x"));
  EXPECT_THAT(receive(), SizeIs(1));
}

TEST_F(MemoryQueueTest, ADuplicateComesOnceMore) {
  ASSERT_TRUE(send("x"));
  queue_.duplicate_next(1);
  const auto first = receive();
  const auto second = receive();
  ASSERT_THAT(first, SizeIs(1));
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].receive_count, 2);
  EXPECT_THAT(receive(), IsEmpty());
}

TEST_F(MemoryQueueTest, FaultsByChanceComeFromTheirSeed) {
  const auto outcomes = [&](std::uint64_t seed) {
    queue_.set_faults({.fail = 0.3, .seed = seed});
    std::vector<bool> sent;
    for (int i = 0; i < 200; ++i) sent.push_back(send("x"));
    return sent;
  };
  const auto first = outcomes(7);
  EXPECT_EQ(outcomes(7), first);
  EXPECT_NE(outcomes(8), first);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(first, false)), 60, 40);
}

TEST_F(MemoryQueueTest, AStepOfTheWallClockChangesNoTimeout) {
  ASSERT_TRUE(send("x"));
  ASSERT_THAT(receive(), SizeIs(1));
  clock_.step_wall(std::chrono::hours{5});
  EXPECT_THAT(receive(), IsEmpty());
  clock_.step_wall(-std::chrono::hours{9});
  clock_.advance(seconds{30});
  EXPECT_THAT(receive(), SizeIs(1));
}

TEST(MemoryQueue, WaitsWhenToldTo) {
  const SystemClock clock;
  MemoryQueue queue(clock, {.waits = true});
  std::thread sender([&] {
    const OutgoingMessage message{"x", std::chrono::milliseconds{20}};
    ASSERT_TRUE(queue.send(std::span(&message, 1)));
  });
  EXPECT_THAT(queue.receive(1, seconds{30}, seconds{60}).value(), SizeIs(1));
  sender.join();
}

}  // namespace
}  // namespace ia
