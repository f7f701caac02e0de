#include "core/saw_tooth.h"

#include <cstdlib>

namespace ia {

std::vector<Swing> find_swings(std::span<const std::int64_t> values, std::int64_t reversal) {
  std::vector<Swing> swings;
  std::size_t low = 0;
  std::size_t high = 0;
  Swing open;
  int direction = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (direction == 0) {
      if (values[i] <= values[low]) low = i;
      if (values[i] >= values[high]) high = i;
      if (values[i] - values[low] >= reversal) direction = 1, open = {low, i};
      if (values[high] - values[i] >= reversal) direction = -1, open = {high, i};
      continue;
    }
    const auto beyond = direction * (values[i] - values[open.to]);
    if (beyond > 0) {
      open.to = i;
    } else if (-beyond >= reversal) {
      swings.push_back(open);
      open = {open.to, i};
      direction = -direction;
    }
  }
  if (direction != 0) swings.push_back(open);
  return swings;
}

std::vector<double> straightness(std::span<const std::int64_t> values,
                                 std::span<const Swing> swings) {
  std::vector<double> shares;
  shares.reserve(swings.size());
  for (const auto& swing : swings) {
    std::int64_t way = 0;
    for (auto i = swing.from; i < swing.to; ++i) way += std::abs(values[i + 1] - values[i]);
    const auto height = std::abs(values[swing.to] - values[swing.from]);
    shares.push_back(way == 0 ? 0 : static_cast<double>(height) / static_cast<double>(way));
  }
  return shares;
}

}  // namespace ia
