#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/own_signals.h"
#include "core/point.h"

namespace ia {

// Where a follower ratio stands among many: a histogram of classes 0.1 % wide, so ratios that are
// nearer to each other than that count as equal. Immutable; 1 MiB. Making one of a million counts
// takes some milliseconds (bench/leaderboard_bench), a look-up nothing.
class RatioScale {
 public:
  // Counts without a ratio, whose following is 0, are left out.
  explicit RatioScale(std::span<const Counts> counts);

  std::size_t size() const { return size_; }
  // How many percent of them are not above `ratio`, 0 when there are none. `ratio` is not negative.
  RatioStanding standing_of(double ratio) const;

 private:
  std::size_t size_ = 0;
  std::vector<std::uint32_t> not_above_;  // by class
};

}  // namespace ia
