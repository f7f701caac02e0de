#include "api/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::HasSubstr;

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

TEST(Parameters, GiveTheirDefaultsWhenMissing) {
  Parameters parameters("", {"limit", "start", "step"});
  EXPECT_EQ(parameters.text("limit"), std::nullopt);
  EXPECT_EQ(parameters.whole_number("limit", 20, 1, 100), 20U);
  EXPECT_EQ(parameters.time("start", kNow, kNow), kNow);
  EXPECT_EQ(parameters.step("step", minutes{1}), minutes{1});
  EXPECT_TRUE(parameters.is_valid());
}

TEST(Parameters, AreUnescaped) {
  Parameters parameters("start=2026-01-01T00%3A00%3A00%2B00:00&prefix=a%26b", {"start", "prefix"});
  EXPECT_EQ(parameters.time("start", {}, kNow), kNow);
  EXPECT_EQ(parameters.text("prefix"), "a&b");
  EXPECT_TRUE(parameters.is_valid());
}

TEST(Parameters, CollectEveryMistakeWithWhatIsAllowed) {
  static constexpr std::array<std::string_view, 2> kWords = {"max", "min"};
  Parameters parameters("limit=0&strat=1&step=90&how=mid&limit=5&x=%zz", {"limit", "step", "how"});
  EXPECT_EQ(parameters.whole_number("limit", 20, 1, 100), 20U);
  EXPECT_EQ(parameters.step("step", minutes{1}), minutes{1});
  EXPECT_EQ(parameters.choice("how", kWords), 0U);
  const auto problem = parameters.problem();
  EXPECT_EQ(problem.status, 400);
  EXPECT_EQ(problem.errors.size(), 6U);
  EXPECT_THAT(problem.detail,
              AllOf(HasSubstr("limit must be a whole number from 1 to 100, got '0'"),
                    HasSubstr("strat is not known here; known: limit, step, how"),
                    HasSubstr("limit is given more than once"),
                    HasSubstr("step must be a multiple of 60 s"),
                    HasSubstr("how must be one of max, min, got 'mid'"),
                    HasSubstr("two hexadecimal digits")));
}

TEST(Parameters, RefuseNumbersThatAreNotWhole) {
  for (const auto* value :
       {"", "-1", "+1", "1.0", "1e3", " 1", "0x1", "101", "18446744073709551616"}) {
    const auto query = "limit=" + std::string(value);
    Parameters parameters(query, {"limit"});
    parameters.whole_number("limit", 20, 1, 100);
    EXPECT_FALSE(parameters.is_valid()) << value;
  }
}

TEST(Parameters, RefuseTheFuture) {
  Parameters parameters("start=1767225601", {"start"});
  parameters.time("start", {}, kNow);
  EXPECT_THAT(parameters.problem().detail,
              HasSubstr("in the future: the latest allowed is 2026-01-01T00:00:00Z"));
}

TEST(Parameters, ShowOnlyAShortPlainPieceOfTheInput) {
  const auto query = "limit=" + std::string(1'500, '%').replace(0, 1'500, std::string(1'500, '<'));
  Parameters parameters(query, {"limit"});
  parameters.whole_number("limit", 20, 1, 100);
  EXPECT_LT(parameters.problem().detail.size(), 200U);
}

TEST(Parameters, ReadIdsUpToTheLargest) {
  Parameters parameters("", {});
  EXPECT_EQ(parameters.influencer("9223372036854775807"), InfluencerId{kInfluencerIdMax});
  EXPECT_TRUE(parameters.is_valid());
  parameters.influencer("9223372036854775808");
  EXPECT_THAT(parameters.problem().detail, HasSubstr("id must be a whole number from 0 to"));
}

TEST(MinutesBetween, IsHalfOpen) {
  const auto minute = minute_of(kNow);
  using std::chrono::seconds;
  EXPECT_EQ(minutes_between(kNow, kNow + seconds{60}), (MinuteRange{minute, minute + minutes{1}}));
  EXPECT_EQ(minutes_between(kNow + seconds{30}, kNow + seconds{61}),
            (MinuteRange{minute, minute + minutes{2}}));
}

}  // namespace
}  // namespace ia
