#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/log.h"
#include "ports/store.h"

namespace ia {

// One slice of the store's housekeeping; returns how long to rest before the next one. Rests while
// the time is in doubt, as it settles and deletes by it. `state` says when it fails.
std::chrono::milliseconds keep_house(Store& store, const Clock& clock, StateLog& state);

}  // namespace ia
