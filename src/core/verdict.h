#pragma once

#include "core/point.h"

namespace ia {

// The network's word on one influencer: whether its followers look bought. Kept apart from the
// signals that we find ourselves.
struct Verdict {
  InfluencerId influencer;
  bool suspicious = false;
  Counts judged;        // what was judged
  WallTime checked_at;  // when the network answered
  // The check at which `suspicious` last became what it is. Stores set it.
  WallTime changed_at;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

}  // namespace ia
