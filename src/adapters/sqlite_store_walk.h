#pragma once

#include "adapters/sqlite_store_segment.h"
#include "ports/store.h"

// One minute of everyone, out of what is kept minute by minute (frames) or influencer by
// influencer (segments).
namespace ia::sqlite_store {

// How often GoOn is asked: after so many influencers of a segment, after so many frames. Some 2 ms.
inline constexpr std::size_t kAskEvery = 512;
inline constexpr std::size_t kAskEveryFrames = 64;

// kCancelled once `go_on` says so.
Status check_go_on(const GoOn& go_on);

// The values of a minute that the segment has. Reads the whole file from front to back and decodes
// every chunk up to that minute. Needs no snapshot: an open file stays readable when it is
// unlinked.
Result<MinuteColumns> walk_segment(SegmentReader& segment, Minute minute, const GoOn& go_on);

void append_columns(const MinuteColumns& from, MinuteColumns& to);

}  // namespace ia::sqlite_store
