#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace ia {

// Random numbers by position instead of by state: number `position` of `stream` of `seed` is the
// same whatever was drawn elsewhere, so each influencer has a sequence of its own. SplitMix64 with
// a hashed start; about 2 ns.
struct RandomPlace {
  std::uint64_t seed;
  std::uint64_t stream;
  std::uint64_t position;
};

constexpr std::uint64_t scramble(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

constexpr std::uint64_t random_at(const RandomPlace& place) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  const auto start = scramble(place.seed + place.stream * kGolden);
  return scramble(start + (place.position + 1) * kGolden);
}

// In [0, 1), from the upper 53 bits.
constexpr double unit_of(std::uint64_t random) {
  return static_cast<double>(random >> 11) * 0x1p-53;
}

struct Gaussians {
  double first;
  double second;
};

// Two independent numbers of the standard normal distribution (Box and Muller), from 32 bits each:
// none is beyond 6.8. About 35 ns.
inline Gaussians gaussians_of(std::uint64_t random) {
  const double u = (static_cast<double>(random >> 32) + 0.5) * 0x1p-32;
  const double v = static_cast<double>(random & 0xffffffffU) * 0x1p-32;
  const double radius = std::sqrt(-2.0 * std::log(u));
  const double angle = 2.0 * std::numbers::pi * v;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace ia
