#include "api/series/growth.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::minutes;

const Minute kNow{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};

// Values as (minutes ago, followers).
Series series_of(const std::vector<std::pair<int, std::int64_t>>& values) {
  Series series;
  for (const auto& [ago, followers] : values) {
    series.minutes.push_back(kNow - minutes{ago});
    series.followers.push_back(followers);
    series.following.push_back(0);
  }
  return series;
}

std::optional<Growth> hour_of(const std::vector<std::pair<int, std::int64_t>>& values) {
  return growth_of(series_of(values), kNow, minutes{60}, minutes{10});
}

TEST(Growth, IsMeasuredFromTheValueAtTheWindowsBegin) {
  const auto growth = hour_of({{70, 1}, {60, 100}, {30, 130}, {20, 90}, {0, 110}});
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->since, kNow - minutes{60});
  EXPECT_TRUE(growth->is_whole);
  EXPECT_EQ(growth->before, 100);
  EXPECT_EQ(growth->now, 110);
  EXPECT_EQ(growth->ups, 30 + 20);
  EXPECT_EQ(growth->downs, -40);
  EXPECT_EQ(growth->values, 4u);
}

TEST(Growth, TakesAValueUpToTenMinutesOlderWhereTheBeginIsAGap) {
  EXPECT_EQ(hour_of({{75, 1}, {70, 2}, {30, 9}})->since, kNow - minutes{70});
  EXPECT_TRUE(hour_of({{70, 2}, {30, 9}})->is_whole);
}

TEST(Growth, SaysThatItBeginsLaterWhereThereIsNothingOlder) {
  const auto growth = hour_of({{71, 1}, {40, 50}, {5, 60}});
  EXPECT_EQ(growth->since, kNow - minutes{40});
  EXPECT_FALSE(growth->is_whole);
  EXPECT_EQ(growth->before, 50);
  EXPECT_EQ(growth->ups, 10);
}

TEST(Growth, OfOneValueIsNone) {
  const auto growth = hour_of({{5, 60}});
  EXPECT_EQ(growth->before, growth->now);
  EXPECT_EQ(growth->ups, 0);
  EXPECT_EQ(growth->downs, 0);
}

TEST(Growth, IsUnknownWithoutAValueInTheWindow) {
  EXPECT_FALSE(hour_of({}));
  EXPECT_FALSE(hour_of({{60, 5}}));
  EXPECT_FALSE(hour_of({{2000, 5}, {65, 6}}));
}

}  // namespace
}  // namespace ia
