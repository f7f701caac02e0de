#include "http/aside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>

namespace ia {
namespace {

using ::testing::ElementsAre;
using Begun = AsideThreads::Begun;

class AsideThreadsTest : public ::testing::Test {
 protected:
  ~AsideThreadsTest() override { release(); }

  // Works of the client that last until release().
  Begun begin_held(std::uint64_t client) {
    return threads_.begin(client, [this, released = released_](Gzip&) {
      ++held_;
      released.wait();
      --held_;
    });
  }
  void await_held(int count) {
    while (held_ != count) std::this_thread::yield();
  }
  void release() {
    if (!std::exchange(is_released_, true)) release_.set_value();
  }
  // Waits for a work of the client to be done.
  void finish_one(std::uint64_t client) {
    std::promise<void> done;
    ASSERT_EQ(threads_.begin(client, [&](Gzip&) { done.set_value(); }), Begun::kYes);
    done.get_future().wait();
  }

  std::atomic<int> held_ = 0;
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  bool is_released_ = false;
  AsideThreads threads_;
};

TEST_F(AsideThreadsTest, LeaveAThreadForOthersHoweverMuchAClientAsksFor) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(begin_held(1), Begun::kYes);
  await_held(1);
  for (int i = 0; i < 20; ++i) finish_one(2);
  EXPECT_EQ(held_, 1);
}

TEST_F(AsideThreadsTest, RefuseWhatIsTooMuchOfAClientAndLetOthersIn) {
  ASSERT_EQ(begin_held(1), Begun::kYes);
  await_held(1);
  for (std::size_t i = 0; i < AsideThreads::kWaitingOfClient; ++i) {
    ASSERT_EQ(begin_held(1), Begun::kYes);
  }
  EXPECT_EQ(begin_held(1), Begun::kTooManyOfClient);
  finish_one(2);
}

TEST_F(AsideThreadsTest, RefuseWhatIsTooMuchOfAllClients) {
  begin_held(1);
  begin_held(2);
  await_held(2);
  std::size_t begun = 0;
  for (std::uint64_t client = 10; client < 1'000; ++client) {
    begun += begin_held(client) == Begun::kYes ? 1U : 0U;
  }
  EXPECT_EQ(begun, AsideThreads::kWaitingMax);
  EXPECT_EQ(begin_held(5), Begun::kTooMany);
}

TEST_F(AsideThreadsTest, TakeTurnsBetweenClients) {
  begin_held(1);
  begin_held(2);
  await_held(2);
  std::mutex mutex;
  std::vector<int> order;
  std::atomic<int> left = 5;
  const auto note = [&](int which) {
    return [&, which](Gzip&) {
      const std::scoped_lock lock(mutex);
      order.push_back(which);
      --left;
    };
  };
  for (int i = 0; i < 4; ++i) threads_.begin(3, note(3));
  threads_.begin(4, note(4));
  release();
  while (left > 0) std::this_thread::yield();
  const auto place = std::ranges::find(order, 4) - order.begin();
  EXPECT_LE(place, 2) << "a client with one work does not wait for all of another's";
}

TEST(AsideThreads, ForgetWhatWaitsWhenTheyStop) {
  std::atomic<int> ran = 0;
  {
    std::promise<void> release;
    AsideThreads threads;
    std::promise<void> began;
    threads.begin(1, [&](Gzip&) {
      began.set_value();
      release.get_future().wait();
    });
    threads.begin(1, [&](Gzip&) { ++ran; });
    began.get_future().wait();
    std::thread stopper([&] { threads.stop(); });
    while (threads.begin(2, [](Gzip&) {}) == AsideThreads::Begun::kYes) std::this_thread::yield();
    release.set_value();
    stopper.join();
    EXPECT_EQ(threads.begin(3, [](Gzip&) {}), AsideThreads::Begun::kTooMany);
  }
  EXPECT_EQ(ran, 0);
}

}  // namespace
}  // namespace ia
