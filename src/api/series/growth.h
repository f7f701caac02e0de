#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/point.h"
#include "ports/store.h"

namespace ia {

// How one influencer grew over a window that ends now.
struct Growth {
  Minute since;           // of the value that it is measured from
  bool is_whole = false;  // since the window's begin, not later
  // Values may be missing from the window, its begin included, as stored bytes are damaged.
  bool is_damaged = false;
  std::int64_t before = 0;
  std::int64_t now = 0;    // of the newest value
  std::int64_t ups = 0;    // sum of all rises from one value to the next
  std::int64_t downs = 0;  // of all falls: not above 0; ups + downs = now - before
  std::size_t values = 0;  // it is made of, both ends included
};

// Measured from the newest value at or before now - length that is at most `slack` older than that,
// else from the oldest value inside the window. A gap is one step from the value before it to the
// one behind it. Nothing when the window has no value. O(values).
std::optional<Growth> growth_of(const Series& series, Minute now, std::chrono::minutes length,
                                std::chrono::minutes slack);

}  // namespace ia
