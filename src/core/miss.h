#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/point.h"

namespace ia {

// Why an influencer has no value in a minute. The numbers are stored: append only.
enum class MissReason : std::uint8_t {
  kTimeout = 0,      // No whole reply in time, also when dripping.
  kConnection = 1,   // Refused, reset, closed early, TLS or DNS failure.
  kRateLimited = 2,  // 429, or 503 with Retry-After.
  kServerError = 3,  // Any other reply than 200 that does not deny the influencer.
  kNotFound = 4,     // The network says that there is no such influencer.
  kMalformed = 5,    // 200 with a body that is not what was asked for.
  kOverrun = 6,      // Its turn did not come within the minute.
  kClock = 7,        // The wall clock jumped over the minute.
  kDown = 8,         // The program was not running, or stood still.
  kOutage = 9,       // Not requested: nearly every request failed, so requests paused.
  kDiskFull = 10,    // Not requested: the disk was full, so fetching paused.
};
inline constexpr std::size_t kMissReasonCount = 11;

std::string_view name_of(MissReason reason);
std::optional<MissReason> miss_reason_named(std::string_view name);

struct Miss {
  InfluencerId influencer;
  MissReason reason;
  friend bool operator==(const Miss&, const Miss&) = default;
};

// One counter a reason, indexed by the reason's number.
using MissCounts = std::array<std::uint64_t, kMissReasonCount>;

}  // namespace ia
