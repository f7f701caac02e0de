#include "net/http_date.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;
using ::testing::Optional;

const WallTime kNow = sys_days{year{2026} / 11 / 23};
const WallTime kThen = sys_days{year{1994} / 11 / 6} + seconds{8 * 3600 + 49 * 60 + 37};

TEST(HttpDate, HasThreeForms) {
  for (const auto* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "sun, 6 nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 +0000"}) {
    EXPECT_THAT(parse_http_date(text, kNow), Optional(kThen)) << text;
  }
}

TEST(HttpDate, TakesTwoDigitsForAYearAtMostFiftyYearsAhead) {
  const auto year_of = [](const char* text) {
    const auto date = parse_http_date(text, kNow);
    if (!date) return 0;
    return static_cast<int>(
        std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(*date)}.year());
  };
  EXPECT_EQ(year_of("Monday, 23-Nov-26 00:00:07 GMT"), 2026);
  EXPECT_EQ(year_of("Monday, 23-Nov-76 00:00:07 GMT"), 2076);
  EXPECT_EQ(year_of("Tuesday, 23-Nov-77 00:00:07 GMT"), 1977);
}

TEST(HttpDate, IsRefusedWhenItIsNone) {
  for (const auto* text :
       {"", "Sun", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37", "06 Nov 1994 08:49:37 GMT",
        "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 194 08:49:37 GMT", "Sun, 06 Nov 19949 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT GMT",
        "Sun Nov  6 08:49:37 1994 GMT x", "Sun, 06 Nov 1994 -8:49:37 GMT"}) {
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ia
