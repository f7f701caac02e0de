#include "core/minute_board.h"

#include <gtest/gtest.h>

#include <random>

namespace ia {
namespace {

const Minute kMinute{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

TEST(MinuteBoard, RanksWithTies) {
  const MinuteBoard board(kMinute, {id(1), id(2), id(3), id(4)}, {50, 90, 50, 10}, {1, 2, 3, 4});
  const auto ranks = [&](std::size_t position) {
    const auto standing = board.at_position(position);
    return std::tuple(number_of(standing.influencer), standing.rank, standing.dense_rank);
  };
  EXPECT_EQ(ranks(0), std::tuple(2u, 1u, 1u));
  EXPECT_EQ(ranks(1), std::tuple(1u, 2u, 2u));
  EXPECT_EQ(ranks(2), std::tuple(3u, 2u, 2u));
  EXPECT_EQ(ranks(3), std::tuple(4u, 4u, 3u));
  EXPECT_EQ(board.find(id(3))->counts, (Counts{50, 3}));
  EXPECT_EQ(board.find(id(5)), std::nullopt);
  EXPECT_EQ(board.followers_total(), 200);
  EXPECT_EQ(board.following_total(), 10);
  EXPECT_EQ(board.followers_average(), 50);
  EXPECT_EQ(board.followers_median(), 50);
  EXPECT_EQ(board.minute(), kMinute);
}

TEST(MinuteBoard, OfNobodyHasNoAverage) {
  const MinuteBoard board(kMinute, {}, {}, {});
  EXPECT_EQ(board.size(), 0u);
  EXPECT_EQ(board.followers_average(), std::nullopt);
  EXPECT_EQ(board.followers_median(), std::nullopt);
  EXPECT_EQ(board.find(id(1)), std::nullopt);
  EXPECT_EQ(board.position_after(1, id(1)), 0u);
}

// The leaderboard, which has another way to its order, says the same of the same values.
TEST(MinuteBoard, AgreesWithALeaderboardOfTheSameValues) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<InfluencerId> influencers;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
  Leaderboard leaderboard;
  for (std::uint64_t i = 0; i < 500; ++i) {
    influencers.push_back(id(i * 3));
    followers.push_back(static_cast<std::int64_t>(random() % 200));
    following.push_back(static_cast<std::int64_t>(random() % 200));
    leaderboard.apply(id(i * 3), {followers.back(), following.back()}, kMinute);
  }
  const auto expected = leaderboard.publish(kMinute);
  const MinuteBoard board(kMinute, influencers, followers, following);
  ASSERT_EQ(board.size(), expected->size());
  EXPECT_EQ(board.followers_average(), expected->followers_average());
  EXPECT_EQ(board.followers_median(), expected->followers_median());
  for (std::size_t i = 0; i < board.size(); ++i) {
    const auto own = board.at_position(i);
    const auto other = expected->at_position(i);
    ASSERT_EQ(own.influencer, other.influencer) << i;
    ASSERT_EQ(own.rank, other.rank);
    ASSERT_EQ(own.dense_rank, other.dense_rank);
    ASSERT_EQ(own.counts, other.counts);
    ASSERT_EQ(board.position_after(own.counts.followers, own.influencer), i + 1);
    ASSERT_EQ(board.find(own.influencer)->rank, other.rank);
  }
}

}  // namespace
}  // namespace ia
