#include "storage/codec/chunk_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/point.h"
#include "storage/codec/chunk_samples.h"

namespace ia {
namespace {

std::string encoded(const Chunk& chunk, std::uint32_t span) {
  std::string bytes;
  encode_chunk(view_of(chunk), span, bytes);
  return bytes;
}

void expect_round_trip(const Chunk& chunk, std::uint32_t span) {
  Chunk decoded;
  ASSERT_TRUE(decode_chunk(encoded(chunk, span), span, decoded));
  EXPECT_EQ(decoded, chunk);
}

// Anything that the encoder accepts: coverage, misses and values of every shape.
Chunk any_chunk(std::uint32_t span, std::mt19937_64& random) {
  const auto below = [&](std::uint64_t end) { return random() % end; };
  const auto present_percent = below(4) == 0 ? 100 : below(101);
  const auto miss_percent = below(101);
  const auto period = below(3) == 0 ? 1 + below(7) : 1;
  const auto bits = below(54);
  const auto value = [&](std::int64_t previous) {
    if (below(8) < 2) return previous;
    return static_cast<std::int64_t>(random() & ((std::uint64_t{1} << bits) - 1));
  };
  Chunk chunk;
  for (std::uint32_t i = 0; i < span; ++i) {
    const auto offset = static_cast<std::uint16_t>(i);
    if (i % period == 0 && below(100) < present_percent) {
      chunk.offsets.push_back(offset);
      chunk.followers.push_back(value(chunk.followers.empty() ? 0 : chunk.followers.back()));
      chunk.following.push_back(value(chunk.following.empty() ? 0 : chunk.following.back()));
    } else if (below(100) < miss_percent) {
      chunk.misses.push_back({offset, static_cast<MissReason>(below(kMissReasonCount))});
    }
  }
  return chunk;
}

TEST(ChunkCodec, GivesBackAnyChunk) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2'000 && !::testing::Test::HasFailure(); ++i) {
    const auto odd = static_cast<std::uint32_t>(1 + random() % kChunkSpanMax);
    const auto span = i % 3 == 0 ? 60 : i % 3 == 1 ? 1440 : odd;
    expect_round_trip(any_chunk(span, random), span);
  }
}

TEST(ChunkCodec, GivesBackTheLargestCounts) {
  auto chunk = full(1440, 0, kCountMax);
  for (std::size_t i = 0; i < 1440; i += 2) {
    chunk.followers[i] = kCountMax;
    chunk.following[i] = 0;
  }
  expect_round_trip(chunk, 1440);
}

TEST(ChunkCodec, KeepsAnInfluencerThatWasOnlyMissed) {
  Chunk chunk;
  chunk.misses = {{3, MissReason::kTimeout}, {4, MissReason::kDown}};
  expect_round_trip(chunk, 60);
  expect_round_trip(Chunk{}, 60);
}

TEST(ChunkCodec, TakesAlmostNothingForADayWithoutChange) {
  EXPECT_LE(encoded(full(1440, kCountMax, 7), 1440).size(), 15u);
}

TEST(ChunkCodec, TakesAlmostNothingForAMissInADay) {
  auto chunk = full(1440, 9, 9);
  const auto whole = encoded(chunk, 1440).size();
  chunk.offsets.erase(chunk.offsets.begin() + 700);
  chunk.followers.pop_back();
  chunk.following.pop_back();
  chunk.misses = {{700, MissReason::kMalformed}};
  EXPECT_LE(encoded(chunk, 1440).size(), whole + 5);
  expect_round_trip(chunk, 1440);
}

// The entropy of these walks' changes is 2.97 bytes a point.
TEST(ChunkCodec, ComesNearTheEntropyOfTheMockNetworksWalks) {
  std::mt19937_64 random(1);
  std::size_t hours = 0;
  std::size_t days = 0;
  for (int i = 0; i < 200; ++i) {
    hours += encoded(walk(60, random), 60).size();
    days += encoded(walk(1440, random), 1440).size();
  }
  EXPECT_LE(static_cast<double>(hours) / (200 * 60), 3.30);
  EXPECT_LE(static_cast<double>(days) / (200 * 1440), 3.06);
}

TEST(ChunkCodec, ReadsTheCoverageAlone) {
  std::mt19937_64 random(2);
  const auto chunk = any_chunk(1440, random);
  Chunk coverage;
  ASSERT_TRUE(decode_chunk_coverage(encoded(chunk, 1440), 1440, coverage));
  EXPECT_EQ(coverage.offsets, chunk.offsets);
  EXPECT_EQ(coverage.misses, chunk.misses);
}

TEST(ChunkCodec, ReadsTheValueOfAnyMinuteAlone) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Chunk scratch;
  for (int i = 0; i < 300; ++i) {
    const auto span = static_cast<std::uint32_t>(i % 2 == 0 ? 60 : 1 + random() % kChunkSpanMax);
    const auto chunk = any_chunk(span, random);
    const auto bytes = encoded(chunk, span);
    std::size_t next = 0;
    for (std::uint32_t offset = 0; offset < span; ++offset) {
      const auto value = decode_chunk_value(bytes, span, offset, scratch);
      ASSERT_TRUE(value);
      const bool is_there = next < chunk.offsets.size() && chunk.offsets[next] == offset;
      ASSERT_EQ(value->has_value(), is_there) << offset;
      if (!is_there) continue;
      ASSERT_EQ(**value, (Counts{chunk.followers[next], chunk.following[next]}));
      ++next;
    }
    ASSERT_EQ(decode_chunk_value(bytes, span, span, scratch).value(), std::nullopt);
  }
}

TEST(ChunkCodec, NoticesEveryFlippedBit) {
  std::mt19937_64 random(3);
  auto bytes = encoded(walk(60, random), 60);
  Chunk decoded;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto flip = static_cast<char>(1u << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
    const auto status = decode_chunk(bytes, 60, decoded);
    ASSERT_FALSE(status) << "bit " << bit;
    ASSERT_EQ(status.error().code, Errc::kCorrupt);
    ASSERT_FALSE(decode_chunk_value(bytes, 60, 0, decoded)) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
  }
}

TEST(ChunkCodec, NoticesThatItWasCutShort) {
  std::mt19937_64 random(4);
  const auto bytes = encoded(walk(60, random), 60);
  Chunk decoded;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(decode_chunk(std::string_view(bytes).substr(0, size), 60, decoded)) << size;
  }
}

}  // namespace
}  // namespace ia
