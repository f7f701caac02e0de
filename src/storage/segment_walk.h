#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "ports/store.h"
#include "storage/segment.h"

// One minute of everyone, out of what is kept minute by minute (frames) or influencer by
// influencer (segments).
namespace ia::sqlite_store {

// How often GoOn is asked: after so many influencers of a segment, after so many frames. Some 2 ms.
inline constexpr std::size_t kAskEvery = 512;
inline constexpr std::size_t kAskEveryFrames = 64;

// An open segment, and a second one of the same file when two threads may walk over it at a time.
struct Walked {
  SegmentReader segment;
  std::optional<SegmentReader> second;

  static Result<Walked> open(const Files& files, const SegmentInfo& info, const GoOn& go_on);
};

// The values of a minute that the segment has. Reads the part of that minute from front to back,
// in two halves side by side when there is a second reader, and decodes every chunk of it up to the
// minute. Needs no snapshot: an open file stays readable when it is unlinked.
Result<MinuteColumns> walk_segment(Walked& walked, Minute minute, const GoOn& go_on);

// Counts the batch in, or everyone in the segment. The minutes must be the batch's, or within the
// part: all of them together cost one walk over it, which decodes every chunk as a whole.
void count_ranks(const PointBatch& batch, RankAt& rank);
Status count_ranks(Walked& walked, const SegmentPart& part, std::span<RankAt> ranks,
                   const GoOn& go_on);

void append_columns(const MinuteColumns& from, MinuteColumns& to);

}  // namespace ia::sqlite_store
