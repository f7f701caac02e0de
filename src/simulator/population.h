#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/influencer_set.h"
#include "core/point.h"

namespace ia {

// The influencers of a simulated Mockstagram and their counts, which each look moves.
//   start      followers max(100,000 x (1 + N), 5,000)    following max(1,000 x (1 + N), 50)
//   each look  followers += 10,000 x N, at least 5,000    following += 100 x N, at least 50
// N is standard normal, anew each time; everything is rounded to whole numbers.
// The n-th look at an influencer gives a value that depends on the seed, the influencer and n only.
// Costs: 12 bytes an influencer, 50 ms a million to build, 50 ns a look. One thread.
class Population {
 public:
  Population(InfluencerSet influencers, std::uint64_t seed);

  struct Look {
    Counts counts;
    std::uint64_t random;  // for what else is decided by chance on this occasion
  };
  // Nothing for an unknown influencer.
  std::optional<Look> look(InfluencerId id);

  const InfluencerSet& influencers() const { return influencers_; }

 private:
  struct Member {
    std::int32_t followers;
    std::int32_t following;
    std::uint32_t looks;
  };
  InfluencerSet influencers_;
  std::uint64_t seed_;
  std::vector<Member> members_;  // by index in the set
};

}  // namespace ia
