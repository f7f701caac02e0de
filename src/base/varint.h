#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

// Whole numbers as bytes, small ones in few: LEB128, seven bits per byte, the lowest first.
namespace ia {

inline constexpr std::size_t kVarintBytesMax = 10;

// Writes up to kVarintBytesMax bytes and returns where they end.
inline char* put_varint_at(char* at, std::uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}

inline void put_varint(std::string& out, std::uint64_t value) {
  char bytes[kVarintBytesMax];
  out.append(bytes, put_varint_at(bytes, value));
}

// Differences of either sign as numbers that are small where they are: 0, -1, 1, -2 are 0, 1, 2, 3.
inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

// Modulo 2^64, to be added to a number of either sign.
inline std::uint64_t unzigzag(std::uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

}  // namespace ia
