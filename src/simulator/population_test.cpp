#include "simulator/population.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "simulator/random.h"

namespace ia {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

constexpr std::size_t kMany = 200'000;

// Mean and deviation of a sample, one number at a time.
struct Moments {
  double count = 0;
  double sum = 0;
  double squares = 0;
  void add(double value) {
    count += 1;
    sum += value;
    squares += value * value;
  }
  double mean() const { return sum / count; }
  double deviation() const { return std::sqrt(squares / count - mean() * mean()); }
};

InfluencerSet first(std::uint64_t count) {
  return InfluencerSet({{InfluencerId{1'000'000}, InfluencerId{1'000'000 + count - 1}}});
}

TEST(Gaussians, HaveMeanZeroDeviationOneAndTheTailsOfTheNormalDistribution) {
  Moments moments;
  double products = 0;
  std::size_t beyond = 0;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    const auto [a, b] = gaussians_of(random_at({7, 1, i}));
    moments.add(a);
    moments.add(b);
    products += a * b;
    beyond += std::abs(a) > 1.96 ? 1U : 0U;
  }
  EXPECT_NEAR(moments.mean(), 0, 0.01);
  EXPECT_NEAR(moments.deviation(), 1, 0.01);
  EXPECT_NEAR(products / kMany, 0, 0.01);  // the two of a pair are independent
  EXPECT_NEAR(static_cast<double>(beyond) / kMany, 0.05, 0.003);
}

// The first look is start + change: a start of N(100,000, 100,000) floored at 5,000. 17.1 % of the
// starts lie at the floor, and its change lifts half of them.
TEST(Population, StartsAsTheRealServerDoes) {
  Population population(first(kMany), 3);
  Moments followers;
  Moments following;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    const auto look = population.look(InfluencerId{1'000'000 + i});
    followers.add(static_cast<double>(look->counts.followers));
    following.add(static_cast<double>(look->counts.following));
  }
  // Of max(100,000 (1 + N), 5,000): mean 109,420 or so, deviation 86,000 or so.
  EXPECT_THAT(followers.mean(), AllOf(Ge(108'000), Le(112'500)));
  EXPECT_THAT(followers.deviation(), AllOf(Ge(84'000), Le(88'000)));
  EXPECT_THAT(following.mean(), AllOf(Ge(1'080), Le(1'125)));
  EXPECT_THAT(following.deviation(), AllOf(Ge(840), Le(880)));
}

TEST(Population, MovesByTenThousandFollowersAndAHundredFollowing) {
  Population population(first(kMany), 4);
  Moments followers;
  Moments following;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    const InfluencerId id{1'000'000 + i};
    const auto before = population.look(id)->counts;
    const auto after = population.look(id)->counts;
    // Far enough from the floors that no change reaches them.
    if (before.followers > 80'000) {
      followers.add(static_cast<double>(after.followers - before.followers));
    }
    if (before.following > 800) {
      following.add(static_cast<double>(after.following - before.following));
    }
  }
  EXPECT_NEAR(followers.mean(), 0, 150);
  EXPECT_NEAR(followers.deviation(), 10'000, 100);
  EXPECT_NEAR(following.mean(), 0, 1.5);
  EXPECT_NEAR(following.deviation(), 100, 1);
}

TEST(Population, NeverFallsBelowItsFloorsAndOftenSitsOnThem) {
  Population population(first(1'000), 5);
  std::size_t at_floor = 0;
  for (std::uint64_t look = 0; look < 200; ++look) {
    for (std::uint64_t i = 0; i < 1'000; ++i) {
      const auto counts = population.look(InfluencerId{1'000'000 + i})->counts;
      ASSERT_GE(counts.followers, 5'000);
      ASSERT_GE(counts.following, 50);
      at_floor += counts.followers == 5'000 ? 1U : 0U;
    }
  }
  EXPECT_GT(at_floor, 200'000 / 50);
}

TEST(Population, GivesAnInfluencerTheSameCountsWhateverOthersWereLookedAt) {
  Population alone(first(10), 6);
  Population busy(first(10), 6);
  for (int look = 0; look < 20; ++look) {
    for (std::uint64_t other = 0; other < 9; ++other) busy.look(InfluencerId{1'000'000 + other});
    const InfluencerId id{1'000'009};
    EXPECT_EQ(alone.look(id)->counts, busy.look(id)->counts);
  }
}

TEST(Population, DiffersBySeed) {
  Population a(first(1), 1);
  Population b(first(1), 2);
  EXPECT_NE(a.look(InfluencerId{1'000'000})->counts, b.look(InfluencerId{1'000'000})->counts);
}

TEST(Population, KnowsNobodyElse) {
  Population population(InfluencerSet({{InfluencerId{5}, InfluencerId{7}}}), 1);
  EXPECT_TRUE(population.look(InfluencerId{5}).has_value());
  EXPECT_TRUE(population.look(InfluencerId{7}).has_value());
  EXPECT_FALSE(population.look(InfluencerId{4}).has_value());
  EXPECT_FALSE(population.look(InfluencerId{8}).has_value());
}

}  // namespace
}  // namespace ia
