#include "net/order_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr WallTime kWall{1'700'000'000'000ms};
constexpr MonoTime kMono{1'000s};

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

FetchOrder order(std::uint64_t ticket, std::vector<InfluencerId> influencers) {
  return {.ticket = ticket,
          .influencers = std::move(influencers),
          .start_before = kWall + 10s,
          .finish_before = kWall + 12s};
}

class OrderBookTest : public ::testing::Test {
 protected:
  void begin(FetchOrder what) {
    book_.announce(what.influencers.size());
    book_.begin(std::move(what), kWall, kMono);
  }
  OrderBook::Item pop(MonoTime now = kMono) {
    OrderBook::Item item;
    EXPECT_TRUE(book_.pop(now, item));
    return item;
  }
  void answer(const OrderBook::Item& item, std::string_view name = {}) {
    book_.end(item, {item.influencer, kWall, {1, 2}}, name);
  }
  FinishedFetch only_finished() {
    auto all = book_.take(0ms);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? FinishedFetch{} : std::move(all.front());
  }

  MissReason holdup_ = MissReason::kOverrun;
  OrderBook book_{[this](MonoTime, MonoTime) { return holdup_; }};
};

TEST_F(OrderBookTest, AnEmptyOrderIsFinishedAtOnce) {
  begin(order(7, {}));
  EXPECT_EQ(only_finished().ticket, 7U);
  EXPECT_TRUE(book_.empty());
}

TEST_F(OrderBookTest, AnOrderIsHandedOutOnlyWhenAllOfItHasEnded) {
  begin(order(7, {id(1), id(2)}));
  const auto first = pop();
  const auto second = pop();
  answer(second);
  EXPECT_THAT(book_.take(0ms), IsEmpty());
  book_.end(first, MissReason::kTimeout);
  const auto done = only_finished();
  ASSERT_EQ(done.values.size(), 1U);
  EXPECT_EQ(done.values[0].influencer, id(2));
  EXPECT_THAT(done.misses, ElementsAre(Miss{id(1), MissReason::kTimeout}));
}

TEST_F(OrderBookTest, SaysWhomTheNetworkDeniedInItsOwnWords) {
  begin(order(7, {id(1), id(2), id(3)}));
  const auto first = pop(), second = pop(), third = pop();
  book_.end(third, MissReason::kNotFound, true);
  book_.end(second, MissReason::kNotFound);
  book_.end(first, MissReason::kNotFound, true);
  const auto done = only_finished();
  EXPECT_EQ(done.misses.size(), 3U);
  EXPECT_THAT(done.denied, ElementsAre(id(1), id(3)));
}

TEST_F(OrderBookTest, ADueRepetitionComesBeforeTheUnsentAndAnEarlyOneDoesNot) {
  begin(order(7, {id(1), id(2), id(3)}));
  book_.repeat(pop(), kMono + 1s);
  EXPECT_EQ(pop(kMono).influencer, id(2));
  EXPECT_EQ(pop(kMono + 1s).influencer, id(1));
  EXPECT_EQ(pop(kMono + 1s).influencer, id(3));
  EXPECT_FALSE(book_.has_work(kMono + 1s));
}

TEST_F(OrderBookTest, ARepetitionThatWouldBeTooLateEndsWithItsReason) {
  begin(order(7, {id(1)}));
  auto item = pop();
  item.reason = MissReason::kRateLimited;
  book_.repeat(item, kMono + 10s);
  EXPECT_THAT(only_finished().misses, ElementsAre(Miss{id(1), MissReason::kRateLimited}));
}

TEST_F(OrderBookTest, NothingIsBegunAtOrAfterItsLastTime) {
  begin(order(7, {id(1), id(2)}));
  OrderBook::Item item;
  EXPECT_FALSE(book_.pop(kMono + 10s, item));
  EXPECT_THAT(only_finished().misses,
              ElementsAre(Miss{id(1), MissReason::kOverrun}, Miss{id(2), MissReason::kOverrun}));
  EXPECT_EQ(book_.waiting(), 0U);
}

TEST_F(OrderBookTest, ExpiryNamesTheCauseForThoseNeverAskedForOnly) {
  begin(order(7, {id(1), id(2)}));
  auto item = pop();
  item.reason = MissReason::kTimeout;
  book_.repeat(item, kMono + 9s);
  holdup_ = MissReason::kConnection;
  book_.expire(kMono + 10s - 1ns);
  EXPECT_THAT(book_.take(0ms), IsEmpty());
  book_.expire(kMono + 10s);
  EXPECT_THAT(only_finished().misses,
              ElementsAre(Miss{id(1), MissReason::kTimeout}, Miss{id(2), MissReason::kConnection}));
}

// The connections look for work more often than anything expires.
TEST_F(OrderBookTest, WhoeverFindsAnOrderTooLateNamesTheCauseToo) {
  begin(order(7, {id(1), id(2)}));
  holdup_ = MissReason::kConnection;
  OrderBook::Item item;
  EXPECT_FALSE(book_.pop(kMono + 10s, item));
  EXPECT_THAT(only_finished().misses, ElementsAre(Miss{id(1), MissReason::kConnection},
                                                  Miss{id(2), MissReason::kConnection}));
}

TEST_F(OrderBookTest, CancellingEndsAllButWhatIsUnderWay) {
  begin(order(7, {id(1), id(2), id(3)}));
  const auto under_way = pop();
  book_.repeat(pop(), kMono + 1s);
  book_.cancel(kMono, kMono + 1s);
  EXPECT_THAT(book_.take(0ms), IsEmpty());
  EXPECT_EQ(under_way.order->finish_before, kMono + 1s);
  answer(under_way);
  const auto done = only_finished();
  EXPECT_EQ(done.values.size(), 1U);
  EXPECT_THAT(done.misses,
              ElementsAre(Miss{id(2), MissReason::kOverrun}, Miss{id(3), MissReason::kOverrun}));
}

TEST_F(OrderBookTest, ATimeoutAfterACancelIsAnOverrunAndNoOtherReasonChanges) {
  begin(order(7, {id(1), id(2)}));
  const auto first = pop(), second = pop();
  book_.cancel(kMono, kMono + 1s);
  book_.end(first, MissReason::kTimeout);
  book_.end(second, MissReason::kConnection);
  EXPECT_THAT(only_finished().misses,
              ElementsAre(Miss{id(1), MissReason::kOverrun}, Miss{id(2), MissReason::kConnection}));
  begin(order(8, {id(1)}));
  book_.end(pop(), MissReason::kTimeout);
  EXPECT_THAT(only_finished().misses, ElementsAre(Miss{id(1), MissReason::kTimeout}));
}

TEST_F(OrderBookTest, NothingIsBegunAfterTheEndOfItsOrder) {
  auto odd = order(7, {id(1)});
  odd.start_before = odd.finish_before + 1s;
  begin(odd);
  OrderBook::Item item;
  EXPECT_FALSE(book_.pop(kMono + 12s, item));
  EXPECT_THAT(only_finished().misses, ElementsAre(Miss{id(1), MissReason::kOverrun}));
}

TEST_F(OrderBookTest, AnOrderAsideComesFirstAndStaysOutOfTheInbox) {
  std::vector<FinishedFetch> aside;
  const auto keep = [&](FinishedFetch fetch) { aside.push_back(std::move(fetch)); };
  begin(order(7, {id(1), id(2)}));
  const auto before = pop();
  book_.announce(1);
  book_.begin_aside(order(8, {id(9)}), kWall, kMono, keep);
  const auto item = pop();
  EXPECT_EQ(item.influencer, id(9));
  answer(item, "ada");
  EXPECT_THAT(book_.take(0ms), IsEmpty());
  ASSERT_EQ(aside.size(), 1U);
  EXPECT_EQ(aside[0].ticket, 8U);
  EXPECT_EQ(aside[0].values.size(), 1U);
  answer(before);
  answer(pop());
  EXPECT_EQ(only_finished().values.size(), 2U);

  begin(order(9, {id(9)}));
  answer(pop(), "ada");
  EXPECT_THAT(only_finished().usernames, ElementsAre(Username{id(9), "ada"}));
}

TEST_F(OrderBookTest, ANameIsReportedWhenItChanges) {
  const auto names_of = [&](std::string_view name) {
    begin(order(7, {id(1)}));
    answer(pop(), name);
    return only_finished().usernames;
  };
  EXPECT_THAT(names_of("ada"), ElementsAre(Username{id(1), "ada"}));
  EXPECT_THAT(names_of("ada"), IsEmpty());
  EXPECT_THAT(names_of(""), IsEmpty());
  EXPECT_THAT(names_of("eve"), ElementsAre(Username{id(1), "eve"}));
}

TEST_F(OrderBookTest, WhateverHappensEveryInfluencerEndsOnceAndInOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const std::size_t size = 1 + random() % 20;
    std::vector<InfluencerId> asked;
    for (std::size_t i = 0; i < size; ++i) asked.push_back(id(i));
    begin(order(1, asked));
    auto now = kMono;
    OrderBook::Item item;
    while (!book_.empty()) {
      now += 1ms * (random() % 500);
      if (!book_.pop(now, item)) continue;
      const auto what = random() % 4;
      if (what == 0) answer(item);
      if (what == 1) book_.end(item, MissReason::kNotFound);
      if (what > 1) book_.repeat(item, now + 1s);
    }
    const auto done = only_finished();
    std::vector<InfluencerId> ended;
    for (const auto& value : done.values) ended.push_back(value.influencer);
    for (const auto& miss : done.misses) ended.push_back(miss.influencer);
    EXPECT_TRUE(std::ranges::is_sorted(done.values, {}, &FetchedValue::influencer));
    EXPECT_TRUE(std::ranges::is_sorted(done.misses, {}, &Miss::influencer));
    EXPECT_THAT(ended, ::testing::UnorderedElementsAreArray(asked));
  }
}

}  // namespace
}  // namespace ia
