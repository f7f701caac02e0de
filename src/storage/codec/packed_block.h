#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/codec/chunk_codec.h"
#include "storage/codec/chunk_coverage.h"

// A block: the same minutes of up to kBlockInfluencersMax influencers. What they have in common
// (coverage, magnitudes) stands once; each one's values can be decoded without those of the others.
// Bytes: docs/formats.md, Packed segment. A block has no checksum of its own. Pure functions.
namespace ia {

inline constexpr std::size_t kBlockInfluencersMax = 64;

// Replaces `out`. Offsets of each chunk, of values and misses, are `base` to `base` + span,
// excluded; span is 1 to kChunkSpanMax; there are 1 to kBlockInfluencersMax chunks.
void encode_block(std::span<const ChunkView> chunks, std::uint16_t base, std::uint32_t span,
                  std::string& out);

// A block's bytes, which must outlive it, and where its influencers are in them. Bytes that
// encode_block did not write are refused by parse or by what reads them; the work is bounded by the
// span whatever they are.
class PackedBlock {
 public:
  static std::optional<PackedBlock> parse(std::string_view bytes, std::uint32_t span);
  std::size_t size() const { return count_; }

  // The chunk of one influencer, index < size(), appended to `out` with `base` added to its
  // offsets. False when the bytes are unsound; `out` means nothing then. 3 ns per value that
  // differs from the one before it; values that repeat cost next to nothing.
  bool decode(std::size_t index, std::uint16_t base, Chunk& out) const;
  // As decode, of the minutes from `begin` to `end`, end excluded, of the block's. What stands
  // behind them may be unsound.
  bool decode(std::size_t index, std::uint16_t base, std::uint32_t begin, std::uint32_t end,
              Chunk& out) const;
  // As decode, only offsets and misses.
  bool decode_coverage(std::size_t index, std::uint16_t base, Chunk& out) const;
  // The value at an offset < span, which counts from the block's first minute; none when the
  // influencer has none there. False when the bytes are unsound. Decodes no further than that
  // minute.
  bool decode_value(std::size_t index, std::uint32_t offset, std::optional<Counts>& out) const;

 private:
  // The magnitudes that the influencers' own are told from.
  struct Typical {
    int shape = 0;
    int width = 0;
    int parameter = 0;
    int run = 0;
  };
  PackedBlock() = default;
  bool read_head(ByteReader& in);
  bool read_lengths(ByteReader& in);
  std::string_view bytes_of(std::size_t index) const {
    return data_.substr(begin_[index], begin_[index + 1] - begin_[index]);
  }
  bool has_own_coverage(std::size_t index) const;
  // A reader of the coverage; `rest` is what stands behind it in the influencer's bytes.
  template <class Read>
  bool with_coverage(std::size_t index, std::string_view& rest, Read read) const;
  // Appends the values from `begin` to `end` of `count`.
  bool read_values(std::string_view bytes, std::size_t begin, std::size_t end, std::size_t count,
                   Chunk& out) const;

  std::uint32_t span_ = 0;
  std::size_t count_ = 0;
  bool shares_coverage_ = false;
  Typical followers_;
  Typical following_;
  std::string_view coverage_;  // the shared one
  std::string_view own_;       // a bit per influencer
  std::string_view data_;
  std::array<std::uint32_t, kBlockInfluencersMax + 1> begin_{};
};

}  // namespace ia
