#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <span>
#include <utility>
#include <vector>

#include "core/influencer_set.h"
#include "core/leaderboard.h"
#include "core/verdict.h"

namespace ia {

struct VerdictCounts {
  std::uint64_t checked = 0;  // influencers with a verdict
  std::uint64_t suspicious = 0;
  std::uint64_t checked_last_day = 0;
  std::optional<WallTime> oldest_checked_at;
};

// Every influencer's newest verdict, in RAM: 9 bytes each. Safe from any thread; a look-up is a
// shared lock and a short search.
class VerdictBook {
 public:
  struct Entry {
    bool suspicious = false;
    WallTime checked_at;  // to the second
    WallTime changed_at;
  };
  // How many of the newly suspicious are remembered.
  static constexpr std::size_t kNewestMax = 1'000;

  void apply(std::span<const Verdict> verdicts);

  std::optional<Entry> find(InfluencerId influencer) const;
  // Of those that are watched. One pass over all: some 5 ms for a million.
  VerdictCounts counts(WallTime now, const InfluencerSet& watched) const;
  // Those that turned suspicious last and still are, the newest first.
  std::vector<Verdict> newly_suspicious(std::size_t count_max) const;

 private:
  using Seconds = std::uint32_t;  // since 1970

  mutable std::shared_mutex mutex_;
  Roster roster_;
  std::vector<bool> suspicious_;  // by roster index, like the others
  std::vector<Seconds> checked_at_;
  std::vector<Seconds> changed_at_;
  std::map<std::pair<WallTime, InfluencerId>, Verdict> newest_;
};

}  // namespace ia
