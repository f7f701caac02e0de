#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "ports/provider.h"

namespace ia {

// Influencers that the network denies. After kDenialsToFlag denials in a row one is flagged, and
// asked for only once an hour until it answers; its other minutes are missed (not_found).
// One thread.
class VanishedInfluencers {
 public:
  static constexpr std::uint32_t kDenialsToFlag = 5;
  static constexpr std::chrono::minutes kProbeInterval{60};

  struct Split {
    std::vector<InfluencerId> to_fetch;
    std::vector<Miss> skipped;
  };
  Split split(std::vector<InfluencerId> influencers, WallTime now) const;

  // A reply other than 200 denies an influencer only while most of the others of the same fetch
  // have values: when the network is down, nobody has vanished.
  void note(const FinishedFetch& fetch, WallTime now);

  std::size_t flagged() const { return flagged_; }

 private:
  struct Denials {
    std::uint32_t in_a_row = 0;
    WallTime next_probe{};
  };
  std::unordered_map<InfluencerId, Denials> denials_;
  std::size_t flagged_ = 0;
};

}  // namespace ia
