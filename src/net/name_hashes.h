#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "core/point.h"

namespace ia {

// The last name reported of each influencer, as a hash, in blocks of 16 neighbours.
class NameHashes {
 public:
  bool changes(InfluencerId id, std::string_view name) {
    const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>{}(name)) | 1;
    auto& kept = blocks_[number_of(id) / 16][number_of(id) % 16];
    if (kept == hash) return false;
    kept = hash;
    return true;
  }

 private:
  std::unordered_map<std::uint64_t, std::array<std::uint32_t, 16>> blocks_;
};

}  // namespace ia
