#include "app/config/setting_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::Optional;

TEST(Duration, IsAWholeNumberWithAUnit) {
  EXPECT_THAT(parse_duration("250ms"), Optional(Eq(250ms)));
  EXPECT_THAT(parse_duration("60s"), Optional(Eq(60'000ms)));
  EXPECT_THAT(parse_duration("5m"), Optional(Eq(300'000ms)));
  EXPECT_THAT(parse_duration("1h"), Optional(Eq(3'600'000ms)));
  EXPECT_THAT(parse_duration("30d"), Optional(Eq(2'592'000'000ms)));
  EXPECT_THAT(parse_duration("0"), Optional(Eq(0ms)));
}

TEST(Duration, IsNothingElse) {
  for (const auto* text : {"", "60", "s", "-1s", "1.5h", "60 s", "60S", "1h30m", "+5s", "0x10s",
                           "99999999999999999999s", "999999999999999d"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, IsShownInItsLargestWholeUnit) {
  EXPECT_EQ(format_duration(86'400'000ms), "1d");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(0ms), "0s");
}

TEST(Size, CountsInPowersOf1024) {
  EXPECT_THAT(parse_size("512MiB"), Optional(Eq(536'870'912u)));
  EXPECT_THAT(parse_size("2GiB"), Optional(Eq(2'147'483'648u)));
  EXPECT_THAT(parse_size("1000"), Optional(Eq(1000u)));
  EXPECT_THAT(parse_size("1000B"), Optional(Eq(1000u)));
  EXPECT_EQ(parse_size("1MB"), std::nullopt);
  EXPECT_EQ(parse_size("MiB"), std::nullopt);
  EXPECT_EQ(parse_size("99999999999GiB"), std::nullopt);
}

TEST(Size, IsShownRoundedInItsLargestUnit) {
  EXPECT_EQ(format_size(536'870'912), "512MiB");
  EXPECT_EQ(format_size(1'610'612'736), "1.5GiB");
  EXPECT_EQ(format_size(1'610'612'737), "1.5GiB");
  EXPECT_EQ(format_size(1000), "1000B");
  EXPECT_EQ(format_size(0), "0B");
}

TEST(Number, IsFiniteAndNotNegative) {
  EXPECT_THAT(parse_number("0.5"), Optional(Eq(0.5)));
  for (const auto* text : {"", "-1", "-0", "nan", "inf", "1e999", "1,5", " 1", "1 "}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

TEST(AddressText, IsAnIpAddressAndAPort) {
  EXPECT_THAT(parse_address("127.0.0.1:8080"), Optional(Eq(Address{"127.0.0.1", 8080})));
  EXPECT_THAT(parse_address("[::1]:0"), Optional(Eq(Address{"::1", 0})));
  EXPECT_THAT(parse_address("localhost:80"), Optional(Eq(Address{"127.0.0.1", 80})));
  for (const auto* text : {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "::1:80", "[127.0.0.1]:80", "example.com:80"}) {
    EXPECT_EQ(parse_address(text), std::nullopt) << text;
  }
}

TEST(AddressText, IsShownAsItIsWritten) {
  EXPECT_EQ(format_address({"127.0.0.1", 80}), "127.0.0.1:80");
  EXPECT_EQ(format_address({"::1", 80}), "[::1]:80");
}

TEST(AddressText, ClashesWhenBothWouldTakeOnePort) {
  const Address one{"127.0.0.1", 80};
  EXPECT_TRUE(clash(one, one));
  EXPECT_TRUE(clash(one, {"0.0.0.0", 80}));
  EXPECT_FALSE(clash(one, {"127.0.0.2", 80}));
  EXPECT_FALSE(clash(one, {"127.0.0.1", 81}));
  EXPECT_FALSE(clash({"127.0.0.1", 0}, {"127.0.0.1", 0}));
}

WallTime at(std::int64_t epoch_ms) { return WallTime{std::chrono::milliseconds{epoch_ms}}; }

TEST(TimeBoundText, IsEpochSecondsOrRfc3339) {
  const std::vector<std::pair<std::string, std::int64_t>> cases{
      {"1700000000", 1'700'000'000'000},
      {"1700000000.25", 1'700'000'000'250},
      {"2023-11-14T22:13:20Z", 1'700'000'000'000},
      {"2023-11-14T22:13:20.5Z", 1'700'000'000'500},
      {"2023-11-15T00:13:20+02:00", 1'700'000'000'000},
      {"2023-11-14T16:43:20-05:30", 1'700'000'000'000},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000}};
  for (const auto& [text, epoch_ms] : cases) {
    const auto parsed = parse_time_bound(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(resolve(*parsed, at(0)), at(epoch_ms)) << text;
  }
}

TEST(TimeBoundText, CanBeRelativeToNow) {
  EXPECT_EQ(resolve(*parse_time_bound("-1h"), at(10'000'000)), at(6'400'000));
  EXPECT_EQ(resolve(*parse_time_bound("now"), at(10'000'000)), at(10'000'000));
}

TEST(TimeBoundText, IsNothingElse) {
  for (const auto* text :
       {"", "yesterday", "-", "-5", "2023-02-29T00:00:00Z", "2023-11-14", "2023-11-14T22:13:20",
        "2023-11-14T24:00:00Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+2", "1e300",
        "20231114T221320Z000000", "2023-11-14T22:13:20+02:000"}) {
    EXPECT_EQ(parse_time_bound(text), std::nullopt) << text;
  }
}

TEST(MaskCredentials, HidesWhatIsBeforeTheAt) {
  EXPECT_EQ(mask_credentials("http://me:secret@host:80/"), "http://***@host:80/");
  EXPECT_EQ(mask_credentials("http://token@host"), "http://***@host");
  EXPECT_EQ(mask_credentials("http://a:b@c@host"), "http://***@host");
  EXPECT_EQ(mask_credentials("me:secret@host"), "***@host");
  EXPECT_EQ(mask_credentials("http://host/?q=a@b"), "http://host/?q=a@b");
}

TEST(MaskPasswords, HidesThemInEitherForm) {
  EXPECT_EQ(mask_passwords("postgresql://ia:secret@db/analytics?sslmode=verify-full"),
            "postgresql://ia:***@db/analytics?sslmode=verify-full");
  EXPECT_EQ(mask_passwords("postgresql://ia:a/b@c:d@db:5432/x"), "postgresql://ia:***@db:5432/x");
  EXPECT_EQ(mask_passwords("postgresql://ia@db/x?password=secret&sslmode=require"),
            "postgresql://ia@db/x?password=***&sslmode=require");
  EXPECT_EQ(mask_passwords("postgresql://db:5432/x"), "postgresql://db:5432/x");
  EXPECT_EQ(mask_passwords("host=db password=secret dbname=x"), "host=db password=*** dbname=x");
  EXPECT_EQ(mask_passwords("host=db password = 'a \\' b' sslpassword=c"),
            "host=db password = *** sslpassword=***");
  EXPECT_EQ(mask_passwords("password='unfinished secret"), "password=***");
}

TEST(Nearest, FindsTypingMistakes) {
  const std::vector<std::string> names{"interval", "influencers", "listen"};
  EXPECT_THAT(nearest("intervall", names), Optional(Eq("interval")));
  EXPECT_THAT(nearest("influencer", names), Optional(Eq("influencers")));
  EXPECT_THAT(nearest("lisetn", names), Optional(Eq("listen")));
  EXPECT_EQ(nearest("retention", names), std::nullopt);
  EXPECT_EQ(nearest("x", names), std::nullopt);
}

}  // namespace
}  // namespace ia
