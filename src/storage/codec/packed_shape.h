#pragma once

#include <cstdint>

// How a column of a packed block is written: what packed_block.cpp and packed_block_encode.cpp
// agree on.
namespace ia::packed {

enum Shape : std::uint8_t { kConstant = 0, kDense = 1, kSparse = 2, kBell = 3 };
enum Flag : std::uint8_t { kOwnCoverage = 1, kFlagEnd = 2 };

inline constexpr unsigned kShapeBits = 2;
inline constexpr int kRunMax = 12;                   // parameter of runs
inline constexpr unsigned kLengthParameterMax = 16;  // of the lengths of influencers' bytes

// Of the changes' zigzag form; they are not 0.
inline std::uint64_t change_code(std::uint64_t zigzag, bool rises_are_even) {
  if (!rises_are_even) return zigzag - 1;
  return zigzag % 2 == 0 ? zigzag - 2 : zigzag;
}

inline std::uint64_t unchange_code(std::uint64_t code, bool rises_are_even) {
  if (!rises_are_even) return code + 1;
  return code % 2 == 0 ? code + 2 : code;
}

}  // namespace ia::packed
