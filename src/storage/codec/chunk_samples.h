#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "storage/codec/chunk_codec.h"

// Series that the tests of the codecs encode.
namespace ia {

inline ChunkView view_of(const Chunk& chunk) {
  return {chunk.offsets, chunk.followers, chunk.following, chunk.misses};
}

inline Chunk full(std::uint32_t span, std::int64_t followers, std::int64_t following) {
  Chunk chunk;
  for (std::uint32_t i = 0; i < span; ++i) {
    chunk.offsets.push_back(static_cast<std::uint16_t>(i));
    chunk.followers.push_back(followers);
    chunk.following.push_back(following);
  }
  return chunk;
}

// Of the mock network's statistics (see the simulator): a walk that the floors reflect.
inline Chunk walk(std::uint32_t span, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  const auto move = [&](std::int64_t from, double by, std::int64_t floor) {
    return std::max<std::int64_t>(from + std::llround(by * normal(random)), floor);
  };
  auto chunk = full(span, move(100'000, 100'000, 5'000), move(1'000, 1'000, 50));
  for (std::uint32_t i = 1; i < span; ++i) {
    chunk.followers[i] = move(chunk.followers[i - 1], 10'000, 5'000);
    chunk.following[i] = move(chunk.following[i - 1], 100, 50);
  }
  return chunk;
}

}  // namespace ia
