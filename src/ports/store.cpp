#include "ports/store.h"

#include <numeric>

namespace ia {

std::uint64_t MinuteStats::missed_total() const {
  return std::accumulate(missed.begin(), missed.end(), std::uint64_t{0});
}

std::uint64_t MinuteStats::open() const {
  const auto settled = stored + missed_total();
  return due > settled ? due - settled : 0;
}

double MinuteStats::coverage() const {
  return due == 0 ? 1.0 : static_cast<double>(stored) / static_cast<double>(due);
}

}  // namespace ia
