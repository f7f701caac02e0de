#include "core/ratio_scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace ia {
namespace {

TEST(RatioScale, SaysHowManyAreNotAbove) {
  const std::vector<Counts> counts = {{100, 10}, {50, 10}, {50, 10}, {7, 0}, {0, 3}};
  const RatioScale scale(counts);

  EXPECT_EQ(scale.size(), 4u);  // one has no ratio
  EXPECT_EQ(scale.standing_of(0).percentile, 25);
  EXPECT_EQ(scale.standing_of(4.9).percentile, 25);
  EXPECT_EQ(scale.standing_of(5).percentile, 75);
  EXPECT_EQ(scale.standing_of(9.9).percentile, 75);
  EXPECT_EQ(scale.standing_of(10).percentile, 100);
  EXPECT_EQ(scale.standing_of(1e300).percentile, 100);
  EXPECT_EQ(scale.standing_of(10).of, 4u);
}

TEST(RatioScale, OfNobodySaysNothing) {
  EXPECT_EQ(RatioScale(std::vector<Counts>{{7, 0}}).standing_of(1).percentile, 0);
  EXPECT_EQ(RatioScale(std::vector<Counts>{}).standing_of(1).of, 0u);
}

// Against counting, with ratios moved by as much as a class is wide.
TEST(RatioScale, IsRightToATenthOfAPercentOfTheRatio) {
  std::mt19937_64 random(5);
  std::vector<Counts> counts(3'000);
  for (auto& one : counts) {
    one = {static_cast<std::int64_t>(random() % 1'000'000),
           static_cast<std::int64_t>(1 + random() % 5'000)};
  }
  const RatioScale scale(counts);
  const auto percent_not_above = [&](double ratio) {
    return static_cast<double>(std::ranges::count_if(
               counts, [&](Counts c) { return *follower_ratio(c) <= ratio; })) /
           30;
  };
  for (const auto& one : counts) {
    const auto ratio = *follower_ratio(one);
    const auto percentile = scale.standing_of(ratio).percentile;
    EXPECT_GE(percentile, percent_not_above(ratio));
    EXPECT_LE(percentile, percent_not_above(ratio * 1.001));
  }
}

}  // namespace
}  // namespace ia
