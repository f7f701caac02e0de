#pragma once

#include <vector>

#include "http/message.h"
#include "ports/store.h"

namespace ia {

// What answers say of stored bytes that are damaged.

// Nothing is known of the minute but that there was something.
inline bool is_lost(const MinuteStats& row) { return row.damaged && row.due == 0; }

// The header X-Damaged: "start/end" of each range in which values may be missing because stored
// bytes are damaged, disjoint and oldest first. Of more than kDamagedRangesMax the last one covers
// all the others. No header when there is none.
inline constexpr std::size_t kDamagedRangesMax = 50;
void tell_damage(std::vector<MinuteRange> ranges, HttpResponse& response);

}  // namespace ia
