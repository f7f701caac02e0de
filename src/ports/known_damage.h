#pragma once

#include <string>
#include <vector>

#include "core/schedule.h"

namespace ia {

// Damage that a cheap look at what is stored finds, or that reads have met before.
struct KnownDamage {
  std::vector<MinuteRange> ranges;  // minutes with values that cannot be read; disjoint, ascending
  std::vector<std::string> places;  // what is damaged, one sentence each
};

}  // namespace ia
