#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/sqlite_pages.h"
#include "storage/codec/packed_row.h"
#include "storage/segment.h"

// What reader and writer of packed segments agree on.
namespace ia::sqlite_store::packed_layout {

inline constexpr std::string_view kMagic = "IAsegm03";
inline constexpr std::size_t kChecksumBytes = 8;
inline constexpr std::size_t kFooterBytes = 40 + kChecksumBytes;
inline constexpr std::size_t kPlaceBytes = 20;  // of a row, in the directory
inline constexpr std::uint32_t kDaySpan = 1440;

// A row in the directory.
struct RowPlace {
  std::uint64_t first_id = 0;
  std::uint64_t page = 0;  // its index page
  std::uint32_t page_size = 0;
};

// A day's blocks begin at one of its hours; all others' at the first minute.
inline std::size_t slots_of(std::uint32_t span) { return span == kDaySpan ? kSlotsMax : 1; }

// What the checksum of a piece at this place is made of besides its bytes, so that no piece stands
// for that of another place or segment.
inline std::uint64_t seed_of(const SegmentInfo& info, std::uint64_t at) {
  const auto begin = static_cast<std::uint64_t>(to_number(info.range.begin));
  return (begin << 20 ^ info.frames_through) * 0x9e3779b97f4a7c15 + at;
}

inline std::uint64_t checksum_of(std::string_view piece, std::uint64_t seed) {
  return sqlite::page_checksum(piece, seed);
}

template <class Number>
void put_number(std::string& out, Number number) {
  const auto begin = out.size();
  out.resize(begin + sizeof number);
  std::memcpy(out.data() + begin, &number, sizeof number);
}

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

}  // namespace ia::sqlite_store::packed_layout
