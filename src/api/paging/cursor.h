#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/point.h"

namespace ia {

// Where a page of the leaderboard goes on, and in which snapshot.
struct Cursor {
  std::uint64_t version = 0;  // of the snapshot
  WallTime published_at;      // with it: versions begin anew with the process
  std::int64_t followers = 0;
  InfluencerId influencer{};
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

// 54 characters of base64url with a checksum. It carries no rights: who forges one gets a page of
// public data, or a 410.
std::string encode(const Cursor& cursor);
// Nothing when it is not one that encode made.
std::optional<Cursor> decode_cursor(std::string_view text);

}  // namespace ia
