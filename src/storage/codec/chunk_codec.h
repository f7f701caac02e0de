#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/miss.h"
#include "core/point.h"

// How the embedded store keeps one influencer's part of an hour or a day. Bytes: docs/formats.md,
// Chunk. Pure functions; safe from any thread.
namespace ia {

// The longest segment: a day.
inline constexpr std::uint32_t kChunkSpanMax = 1440;

// A minute that was missed. Minutes are counted from the segment's first one.
struct ChunkMiss {
  std::uint16_t offset;
  MissReason reason;
  friend bool operator==(const ChunkMiss&, const ChunkMiss&) = default;
};

// Minutes that are neither in `offsets` nor in `misses` are open: nothing is known of them.
struct Chunk {
  std::vector<std::uint16_t> offsets;   // minutes with a value: strictly ascending, < span
  std::vector<std::int64_t> followers;  // one each, 0 to kCountMax
  std::vector<std::int64_t> following;  // one each, 0 to kCountMax
  std::vector<ChunkMiss> misses;        // strictly ascending, none of `offsets`
  void clear();
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

// The same, in memory of somebody else.
struct ChunkView {
  std::span<const std::uint16_t> offsets;
  std::span<const std::int64_t> followers;
  std::span<const std::int64_t> following;
  std::span<const ChunkMiss> misses;
};

// Replaces `out`. The chunk must be sound, and `span` 1 to kChunkSpanMax. About 9 ns a point; on
// the mock network's statistics 3.2 bytes a point for an hour and 3.05 for a day. A column that
// does not change costs nothing but its first value.
void encode_chunk(const ChunkView& chunk, std::uint32_t span, std::string& out);

// Replaces `out`, whose memory is used again. kCorrupt when the bytes are not what encode_chunk
// wrote for this span; the work is bounded by the span whatever they are. About 4 ns a point.
Status decode_chunk(std::string_view bytes, std::uint32_t span, Chunk& out);

// As decode_chunk, but gives only offsets and misses: a fraction of its cost.
Status decode_chunk_coverage(std::string_view bytes, std::uint32_t span, Chunk& out);

// The value of one minute; nothing when it has none, or `offset` is not within the span. Decodes no
// further than that minute, into `scratch`, whose memory is used again and whose content means
// nothing: 0.5 us, and 2 ns a minute before it. Junk behind the minute may pass unseen, but for the
// checksum.
Result<std::optional<Counts>> decode_chunk_value(std::string_view bytes, std::uint32_t span,
                                                 std::uint32_t offset, Chunk& scratch);

// What stands in a chunk's last four bytes, of all before them. For the fuzzer.
std::uint32_t chunk_checksum(std::string_view bytes);

}  // namespace ia
