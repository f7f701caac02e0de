#include "base/time_text.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kAfternoon =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 30} + 15h + 2min + 52s + 652ms;
constexpr WallTime kEarly = std::chrono::sys_days{std::chrono::year{2027} / 1 / 3} + 4h + 5min + 6s;

TEST(TimeText, SpellsWholeSeconds) {
  EXPECT_EQ(date_text(kAfternoon), "2026-11-30");
  EXPECT_EQ(clock_text(kAfternoon), "15:02:52");
  EXPECT_EQ(hour_minute_text(kAfternoon), "15:02");
  EXPECT_EQ(timestamp_text(kAfternoon), "2026-11-30T15:02:52Z");
  EXPECT_EQ(http_date(kAfternoon), "Mon, 30 Nov 2026 15:02:52 GMT");
}

TEST(TimeText, PadsWithZeros) {
  EXPECT_EQ(date_text(kEarly), "2027-01-03");
  EXPECT_EQ(clock_text(kEarly), "04:05:06");
  EXPECT_EQ(hour_minute_text(kEarly), "04:05");
  EXPECT_EQ(timestamp_text(kEarly), "2027-01-03T04:05:06Z");
  EXPECT_EQ(http_date(kEarly), "Sun, 03 Jan 2027 04:05:06 GMT");
}

// Towards the past, as the minutes of points are: not towards zero.
TEST(TimeText, CutsTimesBeforeTheEpochToTheSecondTheyLieIn) {
  EXPECT_EQ(timestamp_text(WallTime{-1ms}), "1969-12-31T23:59:59Z");
  EXPECT_EQ(http_date(WallTime{-1ms}), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(TimeText, KnowsLeapDaysAndTheLastYear) {
  const WallTime leap = std::chrono::sys_days{std::chrono::year{2028} / 2 / 29};
  EXPECT_EQ(timestamp_text(leap), "2028-02-29T00:00:00Z");
  const WallTime last = std::chrono::sys_days{std::chrono::year{9999} / 12 / 31} + 24h - 1ms;
  EXPECT_EQ(timestamp_text(last), "9999-12-31T23:59:59Z");
}

}  // namespace
}  // namespace ia
