#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "core/leaderboard.h"

namespace ia {

// The last name reported of each influencer, as a hash: some 20 bytes per influencer, however their
// ids are spread.
class NameHashes {
 public:
  bool changes(InfluencerId id, std::string_view name) {
    const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>{}(name));
    const auto index = ids_.add(id);
    if (index < hashes_.size() && hashes_[index] == hash) return false;
    hashes_.resize(ids_.size());
    hashes_[index] = hash;
    return true;
  }

 private:
  Roster ids_;
  std::vector<std::uint32_t> hashes_;  // by index in ids_
};

}  // namespace ia
