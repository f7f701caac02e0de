#include "http/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ia {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> drain(FairQueue<std::string>& queue) {
  std::vector<std::string> all;
  while (auto item = queue.pop()) all.push_back(std::move(*item));
  return all;
}

TEST(FairQueue, TakesOneOfEachClientInTurn) {
  FairQueue<std::string> queue;
  for (const auto* item : {"a1", "a2", "a3"}) queue.push(1, item);
  for (const auto* item : {"b1", "b2"}) queue.push(2, item);
  queue.push(3, "c1");
  EXPECT_EQ(queue.size(), 6U);
  EXPECT_EQ(queue.size_of(1), 3U);
  EXPECT_THAT(drain(queue), ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size_of(1), 0U);
}

TEST(FairQueue, LetsANewcomerWaitForOneItemOfEachOtherOnly) {
  FairQueue<std::string> queue;
  for (int i = 0; i < 100; ++i) queue.push(1, "many");
  EXPECT_EQ(queue.pop(), "many");
  queue.push(2, "one");
  EXPECT_EQ(queue.pop(), "many");
  EXPECT_EQ(queue.pop(), "one");
}

TEST(FairQueue, PassesOverClientsThatMayNotGoOn) {
  FairQueue<std::string> queue;
  queue.push(1, "a");
  queue.push(2, "b");
  const auto not_one = [](std::uint64_t client) { return client != 1; };
  EXPECT_EQ(queue.pop(not_one), "b");
  EXPECT_EQ(queue.pop(not_one), std::nullopt);
  EXPECT_EQ(queue.pop(), "a");
}

}  // namespace
}  // namespace ia
