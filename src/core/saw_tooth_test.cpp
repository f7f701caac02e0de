#include "core/saw_tooth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ia {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Curve = std::vector<std::int64_t>;

TEST(SawTooth, TurnsWhereTheCurveGoesBackByTheReversal) {
  const Curve curve = {5, 0, 4, 3, 10, 8, 2, 3, 1, 9};

  EXPECT_THAT(find_swings(curve, 5),
              ElementsAre(Swing{0, 1}, Swing{1, 4}, Swing{4, 8}, Swing{8, 9}));
}

TEST(SawTooth, TakesWhatIsSmallerForNoise) {
  EXPECT_THAT(find_swings(Curve{0, 4, 0, 4, 0, 4}, 5), IsEmpty());
  EXPECT_THAT(find_swings(Curve{0, 4, 1, 6, 3, 9}, 5), ElementsAre(Swing{0, 5}));
  EXPECT_THAT(find_swings(Curve{}, 5), IsEmpty());
  EXPECT_THAT(find_swings(Curve{7}, 5), IsEmpty());
}

TEST(SawTooth, BeginsAtTheEndOfTheFlatPartBeforeTheFirstRun) {
  EXPECT_THAT(find_swings(Curve{3, 3, 3, 3, 9, 9}, 5), ElementsAre(Swing{3, 4}));
}

TEST(SawTooth, SaysHowStraightARunIs) {
  const Curve curve = {0, 5, 10, 6, 12, 12};
  const std::vector<Swing> swings = {{0, 2}, {0, 4}, {4, 5}};

  // 12 up by a way of 10 up, 4 down, 6 up.
  EXPECT_THAT(straightness(curve, swings), ElementsAre(DoubleEq(1), DoubleEq(0.6), DoubleEq(0)));
}

TEST(SawTooth, SwingsFollowEachOtherInTurnAndNoneIsSmall) {
  std::mt19937_64 random{4};
  for (int round = 0; round < 50; ++round) {
    Curve curve(1 + random() % 2'000);
    for (auto& value : curve) value = static_cast<std::int64_t>(random() % 1'000);
    const auto swings = find_swings(curve, 700);

    for (std::size_t i = 0; i < swings.size(); ++i) {
      const auto height = curve[swings[i].to] - curve[swings[i].from];
      EXPECT_GE(std::abs(height), 700);
      if (i == 0) continue;
      EXPECT_EQ(swings[i].from, swings[i - 1].to);
      const auto before = curve[swings[i - 1].to] - curve[swings[i - 1].from];
      EXPECT_LT(height < 0 ? -before : before, 0);
    }
  }
}

}  // namespace
}  // namespace ia
