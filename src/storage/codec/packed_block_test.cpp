#include "storage/codec/packed_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "storage/codec/chunk_samples.h"

namespace ia {
namespace {

std::string encoded(std::span<const Chunk> chunks, std::uint16_t base, std::uint32_t span) {
  std::vector<ChunkView> views;
  for (const auto& chunk : chunks) views.push_back(view_of(chunk));
  std::string bytes;
  encode_block(views, base, span, bytes);
  return bytes;
}

void expect_round_trip(std::span<const Chunk> chunks, std::uint16_t base, std::uint32_t span) {
  const auto bytes = encoded(chunks, base, span);
  const auto block = PackedBlock::parse(bytes, span);
  ASSERT_TRUE(block);
  ASSERT_EQ(block->size(), chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    Chunk decoded;
    ASSERT_TRUE(block->decode(i, base, decoded)) << i;
    ASSERT_EQ(decoded, chunks[i]) << i;
  }
}

// As accounts really are: five minutes in a hundred bring a change.
Chunk slow(std::uint32_t span, std::mt19937_64& random) {
  std::lognormal_distribution<double> sizes(std::log(2'000), 2.0);
  auto chunk = full(span, 50 + std::llround(sizes(random)), 50 + std::llround(sizes(random) / 5));
  for (std::uint32_t i = 1; i < span; ++i) {
    const auto turn = random() % 1000;
    const auto by = turn < 33 ? 1 : turn < 34 ? 2 : turn < 45 ? -1 : 0;
    chunk.followers[i] = chunk.followers[i - 1] + by;
    chunk.following[i] = chunk.following[i - 1] + (turn < 994 ? 0 : 1);
  }
  return chunk;
}

// Anything that the encoder accepts: coverage, misses and values of every shape.
Chunk any_chunk(std::uint16_t base, std::uint32_t span, std::mt19937_64& random) {
  const auto below = [&](std::uint64_t end) { return random() % end; };
  const auto present_percent = below(4) == 0 ? 100 : below(101);
  const auto miss_percent = below(101);
  const auto period = below(3) == 0 ? 1 + below(7) : 1;
  const auto bits = below(54);
  const auto quiet = below(100);
  const auto value = [&](std::int64_t previous) {
    if (below(100) < quiet) return previous;
    if (below(3) > 0) return std::max<std::int64_t>(previous - 2 + std::int64_t(below(5)), 0);
    return static_cast<std::int64_t>(random() & ((std::uint64_t{1} << bits) - 1));
  };
  Chunk chunk;
  for (std::uint32_t i = 0; i < span; ++i) {
    const auto offset = static_cast<std::uint16_t>(base + i);
    if (i % period == 0 && below(100) < present_percent) {
      chunk.offsets.push_back(offset);
      const auto value_after = [&](const auto& column) {
        return std::min(value(column.empty() ? 0 : column.back()), kCountMax);
      };
      chunk.followers.push_back(value_after(chunk.followers));
      chunk.following.push_back(value_after(chunk.following));
    } else if (below(100) < miss_percent) {
      chunk.misses.push_back({offset, static_cast<MissReason>(below(kMissReasonCount))});
    }
  }
  return chunk;
}

TEST(PackedBlock, GivesBackAnyChunks) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 300 && !::testing::Test::HasFailure(); ++i) {
    const auto span = static_cast<std::uint32_t>(i % 3 == 0 ? 60 : 1 + random() % kChunkSpanMax);
    const auto base = static_cast<std::uint16_t>(random() % (kChunkSpanMax + 1 - span));
    std::vector<Chunk> chunks;
    const auto count = 1 + random() % (i % 2 == 0 ? 4 : kBlockInfluencersMax);
    while (chunks.size() < count) {
      const bool is_alike = !chunks.empty() && random() % 3 == 0;
      chunks.push_back(is_alike ? chunks.back() : any_chunk(base, span, random));
    }
    expect_round_trip(chunks, base, span);
  }
}

TEST(PackedBlock, GivesBackTheLargestCountsAndNoneAtAll) {
  auto most = full(1440, 0, kCountMax);
  for (std::size_t i = 0; i < 1440; i += 2) {
    most.followers[i] = kCountMax;
    most.following[i] = 0;
  }
  Chunk missed;
  missed.misses = {{3, MissReason::kTimeout}, {4, MissReason::kDown}};
  auto rare = full(1440, 7, 7);
  rare.followers[1439] = kCountMax;
  const std::vector<Chunk> chunks = {most, missed, Chunk{}, rare, full(1440, 0, 0)};
  expect_round_trip(chunks, 0, 1440);
}

TEST(PackedBlock, ReadsTheValueOfAnyMinuteAndTheCoverageAlone) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    const auto span = static_cast<std::uint32_t>(round % 2 == 0 ? 60 : 1 + random() % 1440);
    const std::vector chunks = {any_chunk(0, span, random), any_chunk(0, span, random)};
    const auto bytes = encoded(chunks, 0, span);
    const auto block = PackedBlock::parse(bytes, span);
    ASSERT_TRUE(block);
    const auto& chunk = chunks[1];
    std::size_t next = 0;
    for (std::uint32_t offset = 0; offset < span; ++offset) {
      std::optional<Counts> value;
      ASSERT_TRUE(block->decode_value(1, offset, value));
      const bool is_there = next < chunk.offsets.size() && chunk.offsets[next] == offset;
      ASSERT_EQ(value.has_value(), is_there) << offset;
      if (!is_there) continue;
      ASSERT_EQ(*value, (Counts{chunk.followers[next], chunk.following[next]}));
      ++next;
    }
    Chunk coverage;
    ASSERT_TRUE(block->decode_coverage(1, 0, coverage));
    EXPECT_EQ(coverage.offsets, chunk.offsets);
    EXPECT_EQ(coverage.misses, chunk.misses);
  }
}

// The entropy of these walks' changes is 2.97 bytes per point.
TEST(PackedBlock, ComesNearTheEntropyOfTheMockNetworksWalks) {
  std::mt19937_64 random(1);
  std::size_t bytes = 0;
  for (int i = 0; i < 100; ++i) {
    std::vector<Chunk> chunks;
    while (chunks.size() < 16) chunks.push_back(walk(60, random));
    bytes += encoded(chunks, 0, 60).size();
  }
  EXPECT_LE(static_cast<double>(bytes) / (100 * 16 * 60), 3.06);
}

// Their entropy is 0.043 bytes per point.
TEST(PackedBlock, ComesNearTheEntropyOfSlowAccounts) {
  std::mt19937_64 random(1);
  std::size_t days = 0;
  std::size_t hours = 0;
  for (int i = 0; i < 20; ++i) {
    std::vector<Chunk> day;
    std::vector<Chunk> hour;
    while (day.size() < kBlockInfluencersMax) {
      day.push_back(slow(1440, random));
      hour.push_back(slow(60, random));
    }
    days += encoded(day, 0, 1440).size();
    hours += encoded(hour, 0, 60).size();
  }
  EXPECT_LE(static_cast<double>(days) / (20 * kBlockInfluencersMax * 1440), 0.055);
  EXPECT_LE(static_cast<double>(hours) / (20 * kBlockInfluencersMax * 60), 0.15);
}

TEST(PackedBlock, RefusesOrReadsWithinItsBoundsWhateverTheBytesAre) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2'000; ++round) {
    const std::vector chunks = {any_chunk(0, 60, random), slow(60, random), walk(60, random)};
    auto bytes = encoded(chunks, 0, 60);
    for (int flips = 0; flips < 3; ++flips) {
      auto& byte = bytes[random() % (round % 2 == 0 ? 12 : bytes.size())];
      byte = static_cast<char>(random());
    }
    bytes.resize(bytes.size() - random() % 3);
    const auto block = PackedBlock::parse(bytes, 60);
    for (std::size_t i = 0; block && i < block->size(); ++i) {
      Chunk chunk;
      if (!block->decode(i, 0, chunk)) continue;
      ASSERT_LE(chunk.offsets.size(), 60u);
      ASSERT_EQ(chunk.offsets.size(), chunk.followers.size());
      for (const auto value : chunk.followers) ASSERT_TRUE(value >= 0 && value <= kCountMax);
    }
  }
}

TEST(PackedBlock, NoticesThatItWasCutShort) {
  std::mt19937_64 random(4);
  const std::vector chunks = {walk(60, random), slow(60, random)};
  const auto bytes = encoded(chunks, 0, 60);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(PackedBlock::parse(std::string_view(bytes).substr(0, size), 60)) << size;
  }
}

}  // namespace
}  // namespace ia
