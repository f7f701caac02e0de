#include "base/times.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;

WallTime at(std::int64_t epoch_ms) { return WallTime{milliseconds{epoch_ms}}; }

TEST(Times, ReadEpochSecondsWithDecimals) {
  EXPECT_EQ(parse_instant("0").value(), at(0));
  EXPECT_EQ(parse_instant("1767225600").value(), at(1'767'225'600'000));
  EXPECT_EQ(parse_instant("1767225600.5").value(), at(1'767'225'600'500));
  EXPECT_EQ(parse_instant("1767225600.1239999").value(), at(1'767'225'600'123));
}

TEST(Times, ReadRfc3339InAnyOffset) {
  EXPECT_EQ(parse_instant("2026-01-01T00:00:00Z").value(), at(1'767'225'600'000));
  EXPECT_EQ(parse_instant("2026-01-01T02:00:00+02:00").value(), at(1'767'225'600'000));
  EXPECT_EQ(parse_instant("2025-12-31t18:30:00.25-05:30").value(), at(1'767'225'600'250));
  EXPECT_EQ(parse_instant("2024-02-29T12:00:00Z").value(), at(1'709'208'000'000));
}

TEST(Times, AreRefusedWhenTheyAreNeither) {
  for (const auto* text : {"",
                           ".",
                           "1.",
                           ".5",
                           "-1",
                           "+1",
                           "1e9",
                           " 1",
                           "1 ",
                           "0x10",
                           "now",
                           "1.2.3",
                           "2026-01-01",
                           "2026-01-01T00:00:00",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:60Z",
                           "2026-01-01T00:00:61Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00+2:00",
                           "2026-01-01T00:00:00Zx",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+01:00"}) {
    EXPECT_FALSE(parse_instant(text).has_value()) << text;
  }
}

TEST(Times, OfALeapSecondAreRefusedAndSaySo) {
  for (const auto* text : {"2016-12-31T23:59:60Z", "2026-01-01T00:00:60.5+02:00"}) {
    ASSERT_FALSE(parse_instant(text).has_value()) << text;
    EXPECT_NE(parse_instant(text).error().find("leap second"), std::string_view::npos) << text;
  }
  EXPECT_EQ(parse_instant("2026-01-01T00:00:99Z").error().find("leap"), std::string_view::npos);
}

TEST(Times, TakeAPlusSignThatAQueryMadeABlank) {
  EXPECT_EQ(parse_instant("2026-01-01T02:00:00 02:00").value(), at(1'767'225'600'000));
}

TEST(Times, ThatLookLikeMillisecondsSaySo) {
  EXPECT_NE(parse_instant("1767225600000").error().find("milliseconds"), std::string_view::npos);
  EXPECT_NE(parse_instant("99999999999999999999").error().find("too large"),
            std::string_view::npos);
}

TEST(Times, AreWrittenInRfc3339) {
  std::string text;
  append_time(text, at(1'709'208'000'007));
  append_time(text, at(1'709'208'000'000), false);
  EXPECT_EQ(text, "2024-02-29T12:00:00.007Z2024-02-29T12:00:00Z");
}

TEST(Steps, HaveUnits) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_step("60"), seconds{60});
  EXPECT_EQ(parse_step("90s"), seconds{90});
  EXPECT_EQ(parse_step("5m"), seconds{300});
  EXPECT_EQ(parse_step("1h"), seconds{3'600});
  EXPECT_EQ(parse_step("2d"), seconds{172'800});
  for (const auto* text : {"", "m", "-5m", "5 m", "5mm", "1.5h", "5w", "1234567890"}) {
    EXPECT_EQ(parse_step(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ia
