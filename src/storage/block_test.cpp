#include "storage/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace ia::sqlite_store {
namespace {

using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Minute kFirst{minutes{1000}};

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

PointBatch batch_of(int offset, std::vector<InfluencerId> ids, std::vector<Miss> misses = {}) {
  PointBatch batch{.minute = kFirst + minutes{offset},
                   .retrieved_at = {},
                   .influencers = std::move(ids),
                   .followers = {},
                   .following = {},
                   .misses = std::move(misses),
                   .usernames = {}};
  for (const auto influencer : batch.influencers) {
    batch.followers.push_back(static_cast<std::int64_t>(number_of(influencer)) * 1000 + offset);
    batch.following.push_back(offset);
  }
  return batch;
}

// What was put in, point by point, must come out series by series.
TEST(Block, TurnsAnyBatchesIntoSeries) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Block block;
  for (int round = 0; round < 50; ++round) {
    std::vector<InfluencerId> expected;
    for (std::uint64_t i = 0; i < random() % 1500; ++i) expected.push_back(id(i * 2));
    block.begin(expected, kFirst);
    std::map<InfluencerId, std::vector<std::uint16_t>> points;
    for (std::uint16_t offset = 0; offset < 20; ++offset) {
      std::vector<InfluencerId> ids;
      const std::uint64_t step = 1 + random() % 3;
      for (std::uint64_t i = random() % 100; i < 3000; i += step) ids.push_back(id(i));
      for (const auto influencer : ids) points[influencer].push_back(offset);
      block.add(batch_of(offset, ids));
    }
    block.transpose();

    for (std::size_t i = 0; i < block.size(); ++i) {
      const auto series = block.series(i);
      const auto influencer = block.influencer(i);
      const std::vector<std::uint16_t> offsets(series.offsets.begin(), series.offsets.end());
      ASSERT_EQ(offsets, points[influencer]);
      points.erase(influencer);
      for (std::size_t at = 0; at < offsets.size(); ++at) {
        ASSERT_EQ(series.followers[at],
                  static_cast<std::int64_t>(number_of(influencer)) * 1000 + offsets[at]);
        ASSERT_EQ(series.following[at], offsets[at]);
      }
    }
    ASSERT_THAT(points, IsEmpty());
  }
}

TEST(Block, KeepsTheMissesOfEveryone) {
  Block block;
  block.begin({id(5)}, kFirst);
  block.add(batch_of(0, {id(5)}, {{id(7), MissReason::kTimeout}}));
  block.add(batch_of(1, {}, {{id(5), MissReason::kDown}, {id(7), MissReason::kClock}}));
  block.transpose();
  ASSERT_EQ(block.size(), 2u);
  EXPECT_THAT(block.series(0).misses, ElementsAre(ChunkMiss{1, MissReason::kDown}));
  EXPECT_THAT(block.series(1).misses,
              ElementsAre(ChunkMiss{0, MissReason::kTimeout}, ChunkMiss{1, MissReason::kClock}));
}

TEST(PartOf, CutsABatchToARangeOfInfluencers) {
  const auto batch = batch_of(0, {id(1), id(4), id(9)},
                              {{id(2), MissReason::kTimeout}, {id(8), MissReason::kTimeout}});
  const auto part = part_of(batch, id(2), id(9));
  EXPECT_THAT(part.influencers, ElementsAre(id(4)));
  EXPECT_THAT(part.followers, ElementsAre(4000));
  EXPECT_EQ(part.misses, batch.misses);
  EXPECT_EQ(part_of(batch, id(0), id(10)), batch);
  EXPECT_EQ(part_of(batch, id(10), id(20)).size(), 0u);
}

TEST(MergeChunks, LetsTheSettledValueStandAndTakesMissesBack) {
  const Chunk settled{.offsets = {1, 5},
                      .followers = {10, 50},
                      .following = {1, 5},
                      .misses = {{2, MissReason::kTimeout}, {3, MissReason::kTimeout}}};
  const Chunk late{
      .offsets = {0, 3, 5, 9},
      .followers = {100, 103, 105, 109},
      .following = {0, 3, 5, 9},
      .misses = {{1, MissReason::kDown}, {2, MissReason::kDown}, {4, MissReason::kDown}}};
  Chunk merged;
  merge_chunks(settled, {late.offsets, late.followers, late.following, late.misses}, merged);
  EXPECT_THAT(merged.offsets, ElementsAre(0, 1, 3, 5, 9));
  EXPECT_THAT(merged.followers, ElementsAre(100, 10, 103, 50, 109));
  EXPECT_THAT(merged.following, ElementsAre(0, 1, 3, 5, 9));
  EXPECT_THAT(merged.misses,
              ElementsAre(ChunkMiss{2, MissReason::kTimeout}, ChunkMiss{4, MissReason::kDown}));
}

}  // namespace
}  // namespace ia::sqlite_store
