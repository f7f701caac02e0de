#pragma once

#include <cstdint>
#include <vector>

#include "core/point_batch.h"
#include "storage/codec/chunk_codec.h"

namespace ia::sqlite_store {

// The part of a batch whose influencers are in [begin, end), without usernames.
PointBatch part_of(PointBatch batch, InfluencerId begin, InfluencerId end);

// Turns batches, which are minute by minute, into series, which are influencer by influencer.
// Memory: some 45 bytes a point, used again. Nothing here knows of files.
class Block {
 public:
  // `expected`: ascending; whoever else is in the batches costs a little more.
  void begin(std::vector<InfluencerId> expected, Minute first_minute);
  // Oldest minute first. All minutes are less than kChunkSpanMax after the first one.
  void add(PointBatch batch);
  void transpose();

  // After transpose. Influencers are in ascending order; those without any point or miss stay
  // empty.
  std::size_t size() const { return ids_.size(); }
  InfluencerId influencer(std::size_t index) const { return ids_[index]; }
  ChunkView series(std::size_t index) const;

 private:
  // Where the points of a batch belong: their influencers' places in ids_, ascending.
  struct Placement {
    PointBatch batch;
    std::uint32_t first = 0;             // the place of the first one
    std::vector<std::uint32_t> further;  // empty when they are neighbours in ids_ as well
    std::uint32_t slot(std::size_t index) const {
      return further.empty() ? first + static_cast<std::uint32_t>(index) : further[index];
    }
    std::size_t index_of_slot(std::uint32_t slot) const;
  };
  void place_in_ids(Placement& placement, std::vector<InfluencerId>& unknown) const;
  void learn_ids();
  void count();
  void fill(std::uint32_t begin_slot, std::uint32_t end_slot);
  void fill_misses();
  std::uint16_t offset_of(Minute minute) const {
    return static_cast<std::uint16_t>((minute - first_minute_).count());
  }

  std::vector<InfluencerId> ids_;
  Minute first_minute_;
  std::vector<Placement> placements_;
  // Of series i: begin_[i] to end_[i] in the columns.
  std::vector<std::uint32_t> begin_;
  std::vector<std::uint32_t> end_;
  std::vector<std::uint16_t> offsets_;
  std::vector<std::int64_t> followers_;
  std::vector<std::int64_t> following_;
  std::vector<std::uint32_t> miss_begin_;  // one more than there are ids
  std::vector<ChunkMiss> misses_;
};

// Appends a chunk of later minutes, with `base` added to its offsets.
void append_chunk(const Chunk& later, std::uint16_t base, Chunk& out);

// `late` on top of what was `settled` before: the settled value counts where both have one, and
// any value takes a miss back. Replaces `out`.
void merge_chunks(const Chunk& settled, const ChunkView& late, Chunk& out);

}  // namespace ia::sqlite_store
