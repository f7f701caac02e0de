#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ia {

// A stretch between two turning points of a curve, by index.
struct Swing {
  std::size_t from = 0;
  std::size_t to = 0;
  friend bool operator==(const Swing&, const Swing&) = default;
};

// The curve's ups and downs, in turn, when those smaller than `reversal` are taken for noise: a
// turn counts once the curve has gone back by `reversal` from its last extreme ("zigzag"). The
// first one begins at the latest extreme before it. O(n).
std::vector<Swing> find_swings(std::span<const std::int64_t> values, std::int64_t reversal);

// How straight each swing is: its height over the length of the way, 1 when it never goes back
// (Kaufman's efficiency ratio, Trading Systems and Methods, 1987). A random walk's swing of height
// h and steps s has about 1.25 s / h.
std::vector<double> straightness(std::span<const std::int64_t> values,
                                 std::span<const Swing> swings);

}  // namespace ia
