#include "storage/presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "storage/directory.h"

namespace ia::sqlite_store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

std::vector<std::uint32_t> numbers_of(IdNumbers& numbers, const std::vector<InfluencerId>& ids) {
  std::vector<std::uint32_t> out;
  numbers.find_or_add(ids, out);
  return out;
}

std::vector<InfluencerId> every(std::uint64_t step, std::uint64_t first, std::size_t count) {
  std::vector<InfluencerId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(id(first + i * step));
  return ids;
}

TEST(ForEachGroup, PutsNeighboursIntoOneWord) {
  const std::vector<std::uint32_t> numbers{62, 63, 64, 200};
  std::vector<NumberGroup> groups;
  for_each_group(numbers, [&](const NumberGroup& group) { groups.push_back(group); });
  ASSERT_THAT(groups, SizeIs(3));
  EXPECT_EQ(groups[0].index, 0u);
  EXPECT_EQ(groups[0].mask, std::uint64_t{3} << 62);
  EXPECT_EQ(groups[1].mask, 1u);
  EXPECT_EQ(groups[2].begin, 3u);
  EXPECT_EQ(groups[2].end, 4u);
}

TEST(IdNumbers, NumbersIdsInTheOrderOfTheirComing) {
  for (const auto step : {std::uint64_t{1}, std::uint64_t{1} << 33}) {
    IdNumbers numbers;
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(numbers_of(numbers, every(step, 100'000 * step, 1'000)).front(), 0u);
      EXPECT_EQ(numbers_of(numbers, every(step, 0, 1'000)).back(), 1'999u);
      EXPECT_EQ(numbers.find_or_add(id(100'999 * step)), 999u);
    }
    EXPECT_EQ(numbers.size(), 2'000u);
  }
}

// Whatever comes with what, an id keeps its number, and no two have the same one.
TEST(IdNumbers, AgreesWithAMap) {
  std::mt19937_64 random(11);
  for (const auto bits : {9, 11, 40}) {
    IdNumbers numbers;
    std::map<InfluencerId, std::uint32_t> model;
    for (int round = 0; round < 400; ++round) {
      std::set<InfluencerId> some;
      const auto from = random() >> (64 - bits);
      for (auto i = random() % 100; i > 0; --i) some.insert(id(from + random() % (i * i)));
      const std::vector<InfluencerId> ids(some.begin(), some.end());
      const auto got = numbers_of(numbers, ids);
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto known = model.try_emplace(ids[i], got[i]).first->second;
        ASSERT_EQ(got[i], known);
        ASSERT_EQ(numbers.find_or_add(ids[i]), known);
      }
    }
    std::set<std::uint32_t> distinct;
    for (const auto& [each, number] : model) distinct.insert(number);
    EXPECT_EQ(distinct.size(), model.size());
    EXPECT_EQ(numbers.size(), model.size());
    EXPECT_EQ(*distinct.rbegin() + 1, model.size());
  }
}

TEST(IdNumbers, SaysWhetherAllOfARangeAreIn) {
  IdNumbers numbers;
  IdBits bits;
  for (const auto number : numbers_of(numbers, every(1, 1'000, 100))) {
    bits.add(number / 64, bit_of(number));
  }
  numbers_of(numbers, every(1, 1'100, 100));
  const auto has_all = [&](std::uint64_t first, std::uint64_t last) {
    return numbers.all_of({id(first), id(last)}, [&](std::uint32_t from, std::uint64_t count) {
      return bits.has_all(from, count);
    });
  };
  EXPECT_TRUE(has_all(1'000, 1'099));
  EXPECT_TRUE(has_all(1'063, 1'064));
  EXPECT_FALSE(has_all(1'000, 1'100));
  EXPECT_FALSE(has_all(999, 1'000));
  EXPECT_FALSE(has_all(1'150, 1'300));
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

TEST(Presence, TakesABitAnInfluencerHoweverTheirIdsAreSpread) {
  for (const auto step : {std::uint64_t{1}, std::uint64_t{9'007'199'254}}) {
    IdNumbers ids;
    Presence presence;
    for (std::uint64_t shard = 0; shard < 1'000; ++shard) {
      for_each_group(numbers_of(ids, every(step, shard * 1'000 * step, 1'000)),
                     [&](const NumberGroup& group) {
                       presence.set_present(group.index, group.mask);
                     });
    }
    EXPECT_EQ(presence.bytes(), 125'000u) << step;
  }
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
