#include "storage/packed_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>

#include "testing/temp_dir.h"

namespace ia::sqlite_store {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

const Minute kMidnight{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};

// Three kinds of influencers: counts that move every minute, counts that rest, and a few values
// with misses between them.
Chunk any_series(std::uint32_t span, std::mt19937_64& random) {
  Chunk chunk;
  const auto kind = random() % 3;
  std::int64_t followers = 1000 + static_cast<std::int64_t>(random() % 1'000'000);
  std::int64_t following = static_cast<std::int64_t>(random() % 5'000);
  for (std::uint32_t i = 0; i < span; ++i) {
    const auto offset = static_cast<std::uint16_t>(i);
    if (kind == 2 && random() % 3 > 0) {
      if (random() % 2 == 0) chunk.misses.push_back({offset, MissReason::kTimeout});
      continue;
    }
    if (kind == 0) followers += static_cast<std::int64_t>(random() % 20'000);
    if (kind == 0 || random() % 40 == 0) following += static_cast<std::int64_t>(random() % 3);
    chunk.offsets.push_back(offset);
    chunk.followers.push_back(followers);
    chunk.following.push_back(following);
  }
  return chunk;
}

// The part of a chunk in [begin, end).
Chunk cut(const Chunk& chunk, std::uint32_t begin, std::uint32_t end) {
  Chunk part;
  for (std::size_t i = 0; i < chunk.offsets.size(); ++i) {
    if (chunk.offsets[i] < begin || chunk.offsets[i] >= end) continue;
    part.offsets.push_back(chunk.offsets[i]);
    part.followers.push_back(chunk.followers[i]);
    part.following.push_back(chunk.following[i]);
  }
  for (const auto& miss : chunk.misses) {
    if (miss.offset >= begin && miss.offset < end) part.misses.push_back(miss);
  }
  return part;
}

class PackedSegmentTest : public ::testing::Test {
 protected:
  PackedSegmentTest() : files_(directory_.path()) {
    std::filesystem::create_directory(files_.segments());
  }

  void write(minutes span, std::size_t count, bool is_scattered) {
    info_ = {.name = "day-1-1.seg", .range = {kMidnight, kMidnight + span}, .frames_through = 7};
    std::uint64_t id = is_scattered ? 0 : 1'000'000;
    while (written_.size() < count) {
      id += is_scattered ? 1 + random_() % (std::uint64_t{1} << 53) / count : 1;
      written_[id] = any_series(static_cast<std::uint32_t>(span.count()), random_);
    }
    auto writer = PackedSegmentWriter::create(files_, info_).value();
    for (const auto& [number, chunk] : written_) {
      ASSERT_TRUE(writer.add(InfluencerId{number},
                             {chunk.offsets, chunk.followers, chunk.following, chunk.misses}));
    }
    ASSERT_TRUE(writer.finish());
  }
  std::filesystem::path file() const { return files_.segment(info_.name); }

  void expect_read(minutes begin, minutes end) {
    auto segment = SegmentReader::open(files_, info_).value();
    const auto part = segment.part_of(kMidnight);
    const MinuteRange wanted{kMidnight + begin, kMidnight + end};
    const auto first = static_cast<std::uint32_t>(begin.count());
    const auto behind = static_cast<std::uint32_t>(end.count());
    Chunk chunk;
    for (const auto& [number, all] : written_) {
      ASSERT_TRUE(segment.read(InfluencerId{number}, part, wanted, chunk).value());
      ASSERT_EQ(cut(chunk, first, behind), cut(all, first, behind)) << number;
      ASSERT_TRUE(segment.read_coverage(InfluencerId{number}, part, wanted, chunk).value());
      chunk.followers = chunk.following = std::vector<std::int64_t>(chunk.offsets.size());
      ASSERT_EQ(cut(chunk, first, behind).misses, cut(all, first, behind).misses) << number;
      ASSERT_EQ(cut(chunk, first, behind).offsets, cut(all, first, behind).offsets) << number;
    }
    auto moved = segment.begin_walk(part, kEverybody, wanted);
    for (const auto& [number, all] : written_) {
      ASSERT_TRUE(moved);
      ASSERT_EQ(segment.current(), InfluencerId{number});
      ASSERT_TRUE(segment.decode_current(chunk));
      ASSERT_EQ(cut(chunk, first, behind), cut(all, first, behind)) << number;
      const auto value = segment.decode_current_value(first, chunk).value();
      const auto own = cut(all, first, first + 1);
      ASSERT_EQ(value.has_value(), !own.offsets.empty());
      if (value) {
        ASSERT_EQ(*value, (Counts{own.followers[0], own.following[0]}));
      }
      moved = segment.next();
    }
    ASSERT_EQ(segment.current(), std::nullopt);
  }

  TempDir directory_;
  Files files_;
  SegmentInfo info_;
  std::map<std::uint64_t, Chunk> written_;
  std::mt19937_64 random_{11};
};

TEST_F(PackedSegmentTest, GivesBackAnHourOfNeighbours) {
  write(minutes{60}, 1'200, false);
  expect_read(minutes{0}, minutes{60});
  expect_read(minutes{17}, minutes{18});
}

TEST_F(PackedSegmentTest, GivesBackADayOfScatteredIdsAndAnyPartOfIt) {
  write(days{1}, 700, true);
  expect_read(minutes{0}, days{1});
  expect_read(hours{5} + minutes{7}, hours{5} + minutes{8});
  expect_read(hours{3} + minutes{59}, hours{11});
}

TEST_F(PackedSegmentTest, HasNothingOfInfluencersBetweenItsIds) {
  write(minutes{60}, 300, true);
  auto segment = SegmentReader::open(files_, info_).value();
  const auto part = segment.part_of(kMidnight);
  Chunk chunk;
  for (const auto& [number, all] : written_) {
    for (const auto other : {number - 1, number + 1}) {
      if (written_.contains(other)) continue;
      EXPECT_FALSE(segment.read(InfluencerId{other}, part, part.range, chunk).value());
      EXPECT_TRUE(chunk.offsets.empty());
    }
  }
}

TEST_F(PackedSegmentTest, IsSoundWithoutAnybody) {
  write(minutes{60}, 0, false);
  auto segment = SegmentReader::open(files_, info_).value();
  const auto part = segment.part_of(kMidnight);
  Chunk chunk;
  EXPECT_FALSE(segment.read(InfluencerId{5}, part, part.range, chunk).value());
  EXPECT_TRUE(segment.begin_walk(part));
  EXPECT_EQ(segment.current(), std::nullopt);
  EXPECT_EQ(read_packed_info(file())->range, info_.range);
}

TEST_F(PackedSegmentTest, NoticesAFlippedBitInAnyByte) {
  write(minutes{60}, 40, true);
  std::ifstream in(file(), std::ios::binary);
  const std::string intact((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t at = 0; at < intact.size(); ++at) {
    auto bytes = intact;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    std::ofstream(file(), std::ios::binary) << bytes;
    auto segment = SegmentReader::open(files_, info_);
    if (!segment) {
      ASSERT_EQ(segment.error().code, Errc::kCorrupt);
      continue;
    }
    int refused = 0;
    Chunk chunk;
    for (const auto& [number, all] : written_) {
      const auto part = segment->part_of(kMidnight);
      const auto read = segment->read(InfluencerId{number}, part, part.range, chunk);
      if (read) {
        ASSERT_EQ(chunk, all) << at;
      }
      refused += read ? 0 : 1;
    }
    ASSERT_GT(refused, 0) << "byte " << at;
  }
}

TEST_F(PackedSegmentTest, RefusesAPieceOfAnotherSegmentAndAFileThatWasCut) {
  write(minutes{60}, 40, false);
  std::ifstream in(file(), std::ios::binary);
  const std::string intact((std::istreambuf_iterator<char>(in)), {});
  auto other = info_;
  other.frames_through = 8;
  EXPECT_EQ(SegmentReader::open(files_, other).error().code, Errc::kCorrupt);
  for (std::size_t size = 0; size < intact.size(); size += 101) {
    std::ofstream(file(), std::ios::binary) << intact.substr(0, size);
    const auto segment = SegmentReader::open(files_, info_);
    ASSERT_FALSE(segment);
    ASSERT_EQ(segment.error().code, Errc::kCorrupt);
  }
  std::filesystem::remove(file());
  EXPECT_EQ(SegmentReader::open(files_, info_).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace ia::sqlite_store
