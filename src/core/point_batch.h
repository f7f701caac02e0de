#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/miss.h"
#include "core/point.h"

namespace ia {

struct Username {
  InfluencerId influencer;
  std::string name;
  friend bool operator==(const Username&, const Username&) = default;
};

// The outcome of fetching one shard in one minute, in columns: what travels as one message and
// what the embedded store keeps as one frame.
struct PointBatch {
  Minute minute;
  WallTime retrieved_at;                  // time of the batch's last reply: within `minute`
  std::vector<InfluencerId> influencers;  // strictly ascending
  std::vector<std::int64_t> followers;    // one each, 0 to kCountMax
  std::vector<std::int64_t> following;    // one each, 0 to kCountMax
  std::vector<Miss> misses;               // strictly ascending, none of `influencers`
  std::vector<Username> usernames;        // those first seen or changed; ascending

  std::size_t size() const { return influencers.size(); }
  friend bool operator==(const PointBatch&, const PointBatch&) = default;
};

// Longest username kept, in bytes. Longer ones, and those with control characters or broken
// UTF-8, are dropped by the provider: the point is stored without a name.
inline constexpr std::size_t kUsernameBytesMax = 256;

// Bytes: docs/formats.md, Point batch. About 5 bytes a point on typical counts, CRC-32 at the end.
std::string encode(const PointBatch& batch);

// The same in as many batches, by ascending influencers, as it takes for none to be over
// `bytes_max`. A single influencer's is never over 1 KB.
std::vector<std::string> encode_in_parts(const PointBatch& batch, std::size_t bytes_max);

// kInvalid when the bytes are not a whole, sound batch of a version that is known here. Never
// reads outside `bytes` and never allocates more than a small multiple of their size.
Result<PointBatch> decode_point_batch(std::string_view bytes);

// One influencer's counts out of encoded bytes that are known to be sound (they were decoded or
// checked before): costs a walk over the id runs, no allocation, no check of the CRC. Nothing when
// the influencer has no value in the batch.
std::optional<Counts> find_in_encoded(std::string_view bytes, InfluencerId influencer);

}  // namespace ia
