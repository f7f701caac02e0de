#include "core/leaderboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>

namespace ia {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr WallTime at(int seconds) { return WallTime{std::chrono::seconds{seconds}}; }
constexpr InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

std::vector<std::uint64_t> order_of(const LeaderboardSnapshot& snapshot) {
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < snapshot.size(); ++i) {
    ids.push_back(number_of(snapshot.at_position(i).influencer));
  }
  return ids;
}

TEST(Roster, FindsWhatWasAddedAndNothingElse) {
  Roster roster;
  for (const auto number : {1000, 1001, 1002, 5, 1003, 7, 6}) {
    roster.add(id(static_cast<std::uint64_t>(number)));
  }

  EXPECT_THAT(roster.find(id(1000)), Optional(0u));
  EXPECT_THAT(roster.find(id(1003)), Optional(4u));
  EXPECT_THAT(roster.find(id(6)), Optional(6u));
  EXPECT_EQ(roster.find(id(8)), std::nullopt);
  EXPECT_EQ(roster.find(id(999)), std::nullopt);
  EXPECT_EQ(roster.add(id(5)), 3u);
}

TEST(Roster, CostsTheSameHoweverTheIdsAreSpread) {
  static constexpr std::uint64_t kIds = 200'000;
  const auto time_of_adding = [](auto id_at) {
    const auto began = std::chrono::steady_clock::now();
    Roster roster;
    for (std::uint64_t i = 0; i < kIds; ++i) roster.add(id(id_at(i)));
    for (std::uint64_t i = 0; i < kIds; ++i) EXPECT_EQ(*roster.find(id(id_at(i))), i);
    EXPECT_EQ(roster.size(), kIds);
    return std::chrono::steady_clock::now() - began;
  };
  const auto in_a_row = time_of_adding([](std::uint64_t i) { return 1'000'000 + i; });
  const auto backwards = time_of_adding([](std::uint64_t i) { return 10'000'000'000 - 17 * i; });
  const auto scattered =
      time_of_adding([](std::uint64_t i) { return i * 0x9e3779b97f4a7c15u >> 11; });
  // Inserting in the middle of a list took thousands of times as long.
  EXPECT_LT(backwards, 50 * in_a_row);
  EXPECT_LT(scattered, 50 * in_a_row);
}

TEST(Leaderboard, AValueFromTheFutureGivesWayToOneThatIsNot) {
  Leaderboard board;
  board.set_now(at(100));
  board.apply(id(1), {500, 1}, at(5'000));
  board.apply(id(1), {600, 1}, at(90));
  board.apply(id(1), {700, 1}, at(6'000));
  const auto snapshot = board.publish(at(100));

  EXPECT_EQ(snapshot->find(id(1))->counts.followers, 600);
  EXPECT_EQ(snapshot->find(id(1))->retrieved_at, at(90));
  EXPECT_EQ(snapshot->newest_retrieved_at(), at(90));
  board.apply(id(1), {601, 1}, at(91));
  EXPECT_EQ(board.publish(at(101))->find(id(1))->counts.followers, 601);
}

TEST(Leaderboard, AValueFromTheFutureIsBetterThanNone) {
  Leaderboard board;
  board.set_now(at(100));
  board.apply(id(1), {500, 1}, at(5'000));
  board.apply(id(1), {501, 1}, at(5'001));
  EXPECT_EQ(board.publish(at(100))->find(id(1))->counts.followers, 501);
}

TEST(Leaderboard, SharesARankBetweenEqualCounts) {
  Leaderboard board;
  board.apply(id(1), {500, 1}, at(1));
  board.apply(id(2), {900, 1}, at(1));
  board.apply(id(3), {500, 1}, at(1));
  board.apply(id(4), {100, 1}, at(1));
  const auto snapshot = board.publish(at(2));

  EXPECT_THAT(order_of(*snapshot), ElementsAre(2, 1, 3, 4));
  const auto rank = [&](std::uint64_t n) { return snapshot->find(id(n))->rank; };
  const auto dense = [&](std::uint64_t n) { return snapshot->find(id(n))->dense_rank; };
  EXPECT_THAT((std::vector{rank(2), rank(1), rank(3), rank(4)}), ElementsAre(1, 2, 2, 4));
  EXPECT_THAT((std::vector{dense(2), dense(1), dense(3), dense(4)}), ElementsAre(1, 2, 2, 3));
}

TEST(Leaderboard, GivesTheCountsOfAllAtOnce) {
  Leaderboard board;
  board.set_username(id(5), "no value yet");
  board.apply(id(1), {500, 1}, at(1));
  board.apply(id(2), {900, 3}, at(1));

  EXPECT_THAT(board.publish(at(2))->counts(),
              ::testing::UnorderedElementsAre(Counts{0, 0}, Counts{500, 1}, Counts{900, 3}));
}

// Batches arrive in any order, and twice.
TEST(Leaderboard, KeepsTheNewestValue) {
  Leaderboard board;
  board.apply(id(1), {200, 2}, at(120));
  board.apply(id(1), {100, 1}, at(60));

  EXPECT_EQ(board.publish(at(121))->find(id(1))->counts, (Counts{200, 2}));
}

TEST(Leaderboard, ForgetsWhoIsNoLongerWatchedAndNotHeardOf) {
  Leaderboard board;
  board.apply(id(1), {100, 1}, at(60));
  board.apply(id(2), {900, 1}, at(60));
  board.apply(id(3), {200, 1}, at(120));
  board.apply(id(4), {300, 1}, at(60));
  board.set_username(id(2), "bob");
  (void)board.publish(at(121));
  board.forget_unwatched(InfluencerSet::of(std::vector{id(1), id(4)}), at(100));
  auto snapshot = board.publish(at(122));
  EXPECT_THAT(order_of(*snapshot), ElementsAre(4, 3, 1)) << "3 is not watched, but was heard of";
  EXPECT_EQ(snapshot->find(id(2)), std::nullopt);
  EXPECT_EQ(snapshot->find(id(4))->rank, 1u);
  EXPECT_EQ(snapshot->followers_total(), 600);
  EXPECT_EQ(snapshot->following_total(), 3);
  EXPECT_NE(snapshot->index_of(id(2)), std::nullopt) << "it has a history";
  EXPECT_EQ(snapshot->username_of(id(2)), "bob");
  EXPECT_EQ(snapshot->username_of(id(5)), "");

  board.apply(id(2), {900, 1}, at(180));
  snapshot = board.publish(at(181));
  EXPECT_EQ(snapshot->find(id(2))->rank, 1u);
  EXPECT_EQ(snapshot->followers_total(), 1'500);
}

TEST(Leaderboard, AveragesOverTheLatestValueOfAll) {
  Leaderboard board;
  board.apply(id(1), {100, 1}, at(60));
  board.apply(id(2), {200, 1}, at(60));
  board.apply(id(2), {600, 1}, at(120));
  board.apply(id(3), {200, 1}, at(60));
  const auto snapshot = board.publish(at(121));

  EXPECT_THAT(snapshot->followers_average(), Optional(300.0));
  EXPECT_THAT(snapshot->followers_median(), Optional(200.0));
}

TEST(Leaderboard, HasNeitherAverageNorMedianWhenEmpty) {
  const auto snapshot = Leaderboard().publish(at(1));

  EXPECT_EQ(snapshot->followers_average(), std::nullopt);
  EXPECT_EQ(snapshot->followers_median(), std::nullopt);
  EXPECT_EQ(snapshot->find(id(1)), std::nullopt);
}

// A name can be known before the first value: such an influencer has no standing yet.
TEST(Leaderboard, DoesNotRankANameWithoutAValue) {
  Leaderboard board;
  board.set_username(id(1), "ada");
  EXPECT_EQ(board.publish(at(1))->find(id(1)), std::nullopt);

  board.apply(id(1), {10, 1}, at(60));
  EXPECT_EQ(board.publish(at(61))->find(id(1))->username, "ada");
}

TEST(Leaderboard, LeavesPublishedSnapshotsAlone) {
  Leaderboard board;
  board.apply(id(1), {100, 1}, at(60));
  board.set_username(id(1), "before");
  const auto first = board.publish(at(61));
  board.apply(id(1), {900, 1}, at(120));
  board.set_username(id(1), "after");
  board.apply(id(2), {50, 1}, at(120));
  const auto second = board.publish(at(121));

  EXPECT_EQ(first->find(id(1))->counts.followers, 100);
  EXPECT_EQ(first->find(id(1))->username, "before");
  EXPECT_EQ(first->find(id(2)), std::nullopt);
  EXPECT_EQ(second->find(id(1))->username, "after");
}

TEST(Leaderboard, ContinuesAPageBehindItsLastEntry) {
  Leaderboard board;
  for (std::uint64_t n = 1; n <= 5; ++n) board.apply(id(n), {n <= 3 ? 700 : 100, 1}, at(60));
  const auto snapshot = board.publish(at(61));

  EXPECT_EQ(snapshot->position_after(700, id(2)), 2u);
  EXPECT_EQ(snapshot->position_after(700, id(3)), 3u);
  EXPECT_EQ(snapshot->position_after(0, id(1)), 5u);
}

// The incremental order must be what sorting everything would give, whatever changed.
TEST(Leaderboard, AgreesWithSortingEverything) {
  std::mt19937_64 random(7);
  Leaderboard board;
  std::map<std::uint64_t, std::int64_t> model;
  for (int round = 1; round <= 60; ++round) {
    const auto changes = random() % 40;
    for (std::uint64_t i = 0; i < changes; ++i) {
      const auto number = random() % 100;
      const auto followers = static_cast<std::int64_t>(random() % 20);
      board.apply(id(number), {followers, 1}, at(round * 100 + static_cast<int>(i)));
      model[number] = followers;
    }
    const auto snapshot = board.publish(at(round));
    ASSERT_EQ(snapshot->size(), model.size());
    std::int64_t total = 0;
    for (const auto& [number, followers] : model) {
      total += followers;
      const auto more = std::ranges::count_if(
          model, [&, own = followers](const auto& other) { return other.second > own; });
      ASSERT_EQ(snapshot->find(id(number))->counts.followers, followers);
      ASSERT_EQ(snapshot->find(id(number))->rank, static_cast<std::uint32_t>(more) + 1);
    }
    ASSERT_EQ(snapshot->followers_total(), total);
    for (std::size_t i = 1; i < snapshot->size(); ++i) {
      const auto a = snapshot->at_position(i - 1);
      const auto b = snapshot->at_position(i);
      ASSERT_TRUE(a.counts.followers > b.counts.followers ||
                  (a.counts.followers == b.counts.followers && a.influencer < b.influencer));
    }
  }
}

}  // namespace
}  // namespace ia
