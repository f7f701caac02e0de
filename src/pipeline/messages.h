#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "core/schedule.h"

namespace ia {

// The message of the id queue: docs/formats.md, Shard message. JSON, so that people can read a
// queue with any tool.
std::string encode(const Shard& shard);

// Also takes the seed's message {"influencer_id": N}: a shard of one, of kForeignEpoch, with the
// default schedule. kInvalid says what is wrong with anything else.
Result<Shard> decode_shard(std::string_view body);

// Foreign messages belong to no seeding, so no seeding makes them stale.
inline constexpr std::uint64_t kForeignEpoch = 0;

}  // namespace ia
