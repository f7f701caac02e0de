#include "core/influencer_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

InfluencerSet parsed(std::string_view text) {
  const auto set = InfluencerSet::parse(text);
  EXPECT_TRUE(set) << set.error().message;
  return set.value_or(InfluencerSet{});
}

std::string parse_error(std::string_view text) {
  const auto set = InfluencerSet::parse(text);
  return set ? "" : set.error().message;
}

TEST(InfluencerSet, ReadsRangesListsLinesAndComments) {
  EXPECT_EQ(parsed("1000000-1999999,5,7").to_string(), "5,7,1000000-1999999");
  EXPECT_EQ(parsed("  3\n4 # the rest is ignored, 9\n\n8").to_string(), "3-4,8");
  EXPECT_EQ(parsed("").size(), 0u);
  EXPECT_EQ(parsed("0-9223372036854775807").size(), std::size_t{1} << 63);
}

// The ranges of a hand-written list overlap easily; nobody must be counted twice for it.
TEST(InfluencerSet, MergesOverlaps) {
  EXPECT_EQ(parsed("10-20,15-30,31,20").to_string(), "10-31");
  EXPECT_EQ(parsed("10-20,15-30").size(), 21u);
}

TEST(InfluencerSet, CopiesShareWhatTheyHold) {
  const auto set = parsed("1,3,5");
  const auto copy = set;
  EXPECT_EQ(copy.ranges().data(), set.ranges().data());
  auto source = set;
  const auto target = std::move(source);
  EXPECT_EQ(target, set);
  EXPECT_EQ(source.size(), 3u);  // NOLINT: one that was moved from is still a set
}

TEST(InfluencerSet, NamesThePieceThatIsWrong) {
  for (const auto* wrong : {"1,x2,3", "5-", "-5", "1--2", "1.5", "9223372036854775808", "5-x"}) {
    EXPECT_NE(parse_error(wrong), "") << wrong;
  }
  EXPECT_THAT(parse_error("1,x2,3"), HasSubstr("'x2'"));
  EXPECT_THAT(parse_error("1999999-1000000"), HasSubstr("ends before it begins"));
}

TEST(InfluencerSet, NumbersItsIdsInAscendingOrder) {
  const auto set = parsed("10-12,20,30-31");

  EXPECT_THAT(set.index_of(id(12)), Optional(2u));
  EXPECT_THAT(set.index_of(id(20)), Optional(3u));
  EXPECT_EQ(set.index_of(id(13)), std::nullopt);
  EXPECT_EQ(set.index_of(id(9)), std::nullopt);
  EXPECT_EQ(set.at(4), id(30));
  EXPECT_THAT(set.ids(), ElementsAre(id(10), id(11), id(12), id(20), id(30), id(31)));
}

TEST(InfluencerSet, CutsIntoSlicesThatMakeTheWhole) {
  const auto set = parsed("1-10,15,20-29");
  std::size_t total = 0;
  for (std::size_t begin = 0; begin < set.size(); begin += 4) total += set.slice(begin, 4).size();

  EXPECT_EQ(total, 21u);
  EXPECT_EQ(set.slice(8, 4).to_string(), "9-10,15,20");
  EXPECT_EQ(set.slice(20, 4).to_string(), "29");
  EXPECT_TRUE(set.slice(21, 4).empty());
}

TEST(InfluencerSet, IsCutAndJoinedAsSetsAre) {
  const auto set = parsed("1-10,15,20-29,9223372036854775807");
  const auto other = parsed("0-2,5,10-16,25-40,9223372036854775806-9223372036854775807");

  EXPECT_EQ(set.common_with(other).to_string(), "1-2,5,10,15,25-29,9223372036854775807");
  EXPECT_EQ(set.without(other).to_string(), "3-4,6-9,20-24");
  EXPECT_EQ(other.without(set).to_string(), "0,11-14,16,30-40,9223372036854775806");
  auto ranges = std::vector(set.ranges().begin(), set.ranges().end());
  ranges.insert(ranges.end(), other.ranges().begin(), other.ranges().end());
  EXPECT_EQ(InfluencerSet(std::move(ranges)).to_string(),
            "0-16,20-40,9223372036854775806-9223372036854775807");
  EXPECT_TRUE(set.without(set).empty());
  EXPECT_EQ(set.without({}), set);
  EXPECT_TRUE(set.common_with({}).empty());
}

}  // namespace
}  // namespace ia
