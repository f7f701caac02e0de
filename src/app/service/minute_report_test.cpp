#include "app/service/minute_report.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kMorning = std::chrono::sys_days{std::chrono::year{2026} / 11 / 30} + 9h + 5min;

// To the letter, whichever library formats the numbers and the time.
TEST(MinuteReport, SaysAMinuteInOneLine) {
  MinuteStats minute{.minute = minute_of(kMorning),
                     .due = 1'000'000,
                     .stored = 999'300,
                     .repeats = 1'200,
                     .followers_sum = 999'300 * std::int64_t{4'321},
                     .first_retrieved_at = kMorning + 1'250ms,
                     .last_retrieved_at = kMorning + 54s};
  minute.missed[static_cast<std::size_t>(MissReason::kTimeout)] = 700;
  EXPECT_EQ(report_line(minute, kMorning + 65'500ms),
            "09:05  999,300 of 1,000,000 stored   99.9 %  missed: timeout 700  fetched in 52.8 s  "
            "data 11.5 s old  average followers 4,321  repeats 1,200");
}

TEST(MinuteReport, SaysThatNothingCame) {
  MinuteStats minute{};
  minute.minute = minute_of(kMorning + 14h + 59s);
  minute.due = 7;
  EXPECT_EQ(report_line(minute, kMorning), "23:05  0 of 7 stored    0.0 %  no misses");
}

}  // namespace
}  // namespace ia
