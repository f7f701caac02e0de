#include "adapters/sqlite_store_presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqlite_store_directory.h"

namespace ia::sqlite_store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

TEST(ForEachGroup, PutsNeighboursIntoOneWord) {
  const std::vector ids{id(62), id(63), id(64), id(200), id(kInfluencerIdMax)};
  std::vector<IdGroup> groups;
  for_each_group(
      ids, [](InfluencerId each) { return each; },
      [&](const IdGroup& group) { groups.push_back(group); });
  ASSERT_THAT(groups, SizeIs(4));
  EXPECT_EQ(groups[0].key, 0u);
  EXPECT_EQ(groups[0].mask, std::uint64_t{3} << 62);
  EXPECT_EQ(groups[1].mask, 1u);
  EXPECT_EQ(groups[2].begin, 3u);
  EXPECT_EQ(groups[2].end, 4u);
  EXPECT_EQ(groups[3].key, kInfluencerIdMax / 64);
}

TEST(GroupIndex, NumbersKeysInTheOrderOfTheirComing) {
  GroupIndex groups;
  for (std::uint32_t round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < 100'000; ++i) {
      ASSERT_EQ(groups.find_or_add(std::uint64_t{i} * 0x1'0000'0001), i);
    }
  }
  EXPECT_EQ(groups.size(), 100'000u);
}

TEST(Presence, RemembersEveryReason) {
  Presence presence;
  for (std::uint32_t reason = 0; reason < kMissReasonCount; ++reason) {
    presence.set_missed(3, std::uint64_t{1} << reason, static_cast<MissReason>(reason));
  }
  for (std::uint32_t reason = 0; reason < kMissReasonCount; ++reason) {
    EXPECT_EQ(presence.reason(3, std::uint64_t{1} << reason), static_cast<MissReason>(reason));
  }
  presence.set_present(3, 0b100);
  EXPECT_EQ(presence.missed(3), (std::uint64_t{1} << kMissReasonCount) - 1 - 0b100);
  presence.set_missed(4, 0b100, MissReason::kTimeout);
  EXPECT_EQ(presence.reason(4, 0b100), MissReason::kTimeout);
}

// A million neighbours: 125,000 bytes.
TEST(Presence, TakesABitAnInfluencerWhenNobodyIsMissed) {
  GroupIndex groups;
  Presence presence;
  for (std::uint64_t key = 0; key < 1'000'000 / 64; ++key) {
    presence.set_present(groups.find_or_add(key), ~std::uint64_t{0});
  }
  EXPECT_EQ(presence.bytes(), 125'000u);
}

std::vector<std::uint64_t> positions_of(const MinuteFrames& frames, std::uint64_t influencer) {
  std::vector<std::uint64_t> positions;
  frames.for_each(id(influencer), [&](std::uint64_t position) { positions.push_back(position); });
  return positions;
}

TEST(MinuteFrames, FindsEveryFrameThatMayHaveAnInfluencer) {
  MinuteFrames frames;
  frames.add({1, id(10), id(19)});
  frames.add({2, id(0), id(9)});
  frames.add({3, id(5), id(1000)});
  frames.add({4, id(20), id(29)});
  EXPECT_THAT(positions_of(frames, 0), ElementsAre(2));
  EXPECT_THAT(positions_of(frames, 9), UnorderedElementsAre(2, 3));
  EXPECT_THAT(positions_of(frames, 25), UnorderedElementsAre(3, 4));
  EXPECT_THAT(positions_of(frames, 1000), ElementsAre(3));
  EXPECT_THAT(positions_of(frames, 1001), IsEmpty());

  frames.drop_through(3);
  EXPECT_THAT(positions_of(frames, 9), IsEmpty());
  EXPECT_THAT(positions_of(frames, 25), ElementsAre(4));
}

}  // namespace
}  // namespace ia::sqlite_store
