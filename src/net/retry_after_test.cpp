#include "net/retry_after.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Optional;

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};

struct Asked {
  const char* text;
  int seconds;
};

TEST(RetryAfter, ReadsSecondsAndDates) {
  for (const auto& [text, wait] : {Asked{"7", 7},
                                   {" 7 ", 7},
                                   {"0", 1},
                                   {"-5", 1},
                                   {"1.5", 2},
                                   {"7.0", 7},
                                   {"0.5", 1},
                                   {"-0.5", 1},
                                   {"0000000000000000000000007", 7},
                                   {"299.5", 300},
                                   {"86400", 300},
                                   {"99999999999999999999", 300},
                                   {"-99999999999999999999", 1},
                                   {"99999999999999999999.9", 300},
                                   {"Mon, 23 Nov 2026 00:01:30 GMT", 90},
                                   {"Monday, 23-Nov-26 00:01:30 GMT", 90},
                                   {"Mon Nov 23 00:01:30 2026", 90},
                                   {"Fri, 31 Dec 9999 23:59:59 GMT", 300},
                                   {"Thu, 01 Jan 1970 00:00:00 GMT", 1},
                                   {"Sun, 22 Nov 2026 00:00:00 GMT", 1}}) {
    EXPECT_THAT(parse_retry_after(text, kNow), Optional(seconds{wait})) << text;
  }
  EXPECT_THAT(parse_retry_after("86400", kNow, seconds{86'400}), Optional(seconds{86'400}));
}

TEST(RetryAfter, TakesNothingElse) {
  for (const auto* junk : {"", " ", "soon", "7s", "+7", "1e3", "0x7", ".", ".5", "-", "1.2.3",
                           "7, 8", "1 2", "NaN", "inf", "Mon, 23 Nov 2026"}) {
    EXPECT_EQ(parse_retry_after(junk, kNow), std::nullopt) << junk;
  }
}

TEST(RetryAfter, SaysWhatIsUsedInItsPlace) {
  const auto described = [](const char* text) {
    return describe_retry_after(text, parse_retry_after(text, kNow), milliseconds{1'500});
  };
  EXPECT_EQ(described("7"), "Retry-After \"7\": waiting 7 s");
  EXPECT_EQ(described("86400"), "Retry-After \"86400\": waiting 300 s, the longest");
  EXPECT_EQ(described("soon\x1b"), "Retry-After \"soon\\x1b\" is not understood: waiting 1.5 s");
  EXPECT_EQ(described(""), "no Retry-After: waiting 1.5 s");
}

}  // namespace
}  // namespace ia
