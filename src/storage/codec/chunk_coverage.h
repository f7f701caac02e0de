#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/codec/chunk_codec.h"

// Which minutes of a span have a value, which were missed and why, as bytes: docs/formats.md,
// Chunk. Shared by chunks and by the blocks of packed segments. Pure functions.
namespace ia {

// Reads from front to back; after anything unsound it yields zeros and stays failed.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  bool failed() const { return failed_; }
  std::string_view rest() const { return rest_; }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }

  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

// Minutes as offsets; those of the span are `base` to `base` + span, excluded.
struct CoverageView {
  std::span<const std::uint16_t> offsets;
  std::span<const ChunkMiss> misses;
  std::uint16_t base = 0;
};

// Appends to `out`.
void put_coverage(const CoverageView& coverage, std::uint32_t span, std::string& out);

// Appends to the offsets and misses of `out`, with `base` added to each. False when the bytes are
// not what put_coverage wrote; `out` means nothing then.
bool read_coverage(ByteReader& in, std::uint32_t span, std::uint16_t base, Chunk& out);

// Where a minute's value is among all of them.
struct ValueIndex {
  std::size_t before = 0;  // how many values come before the minute
  std::size_t count = 0;
  bool is_there = false;
};

// As read_coverage, for one minute. `offset` < span.
bool read_index(ByteReader& in, std::uint32_t span, std::uint32_t offset, ValueIndex& out);

}  // namespace ia
