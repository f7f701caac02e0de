#pragma once

#include "adapters/sqlite_store_segment.h"
#include "ports/store.h"

// One minute of everyone, out of what is kept minute by minute (frames) or influencer by
// influencer (segments).
namespace ia::sqlite_store {

// How often GoOn is asked: after so many influencers of a segment, after so many frames. Some 2 ms.
inline constexpr std::size_t kAskEvery = 512;
inline constexpr std::size_t kAskEveryFrames = 64;

// The values of a minute that the segment has. Reads the part of that minute from front to back and
// decodes every chunk of it up to the minute. Needs no snapshot: an open file stays readable when
// it is unlinked.
Result<MinuteColumns> walk_segment(SegmentReader& segment, Minute minute, const GoOn& go_on);

// Counts the batch in, or everyone in the segment. The minutes must be the batch's, or within the
// part: all of them together cost one walk over it, which decodes every chunk as a whole.
void count_ranks(const PointBatch& batch, RankAt& rank);
Status count_ranks(SegmentReader& segment, const SegmentPart& part, std::span<RankAt> ranks,
                   const GoOn& go_on);

void append_columns(const MinuteColumns& from, MinuteColumns& to);

}  // namespace ia::sqlite_store
