#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace ia {

// The watched account, by the number that the network gave it: 0 to 2^63 - 1.
enum class InfluencerId : std::uint64_t {};
inline constexpr std::uint64_t kInfluencerIdMax = (std::uint64_t{1} << 63) - 1;

constexpr std::uint64_t number_of(InfluencerId id) { return std::to_underlying(id); }

// An instant on the one-minute grid, UTC.
using Minute = std::chrono::sys_time<std::chrono::minutes>;

inline Minute minute_of(WallTime time) { return std::chrono::floor<std::chrono::minutes>(time); }

// The minutes [begin, end). Half open, so that adjacent ranges never share a point.
struct MinuteRange {
  Minute begin;
  Minute end;
  bool contains(Minute minute) const { return begin <= minute && minute < end; }
  friend bool operator==(const MinuteRange&, const MinuteRange&) = default;
};

// Counts are 0 to 2^53 - 1: exact in every JSON reader.
inline constexpr std::int64_t kCountMax = (std::int64_t{1} << 53) - 1;

struct Counts {
  std::int64_t followers = 0;
  std::int64_t following = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

// What the network said of one influencer in one minute.
struct Point {
  InfluencerId influencer;
  Minute minute;
  Counts counts;
  friend bool operator==(const Point&, const Point&) = default;
};

// followers / following, or nothing when following is 0. Never stored: it is derived.
inline std::optional<double> follower_ratio(Counts counts) {
  if (counts.following == 0) return std::nullopt;
  return static_cast<double>(counts.followers) / static_cast<double>(counts.following);
}

}  // namespace ia
