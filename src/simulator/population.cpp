#include "simulator/population.h"

#include <algorithm>
#include <utility>

#include "simulator/random.h"

namespace ia {
namespace {

constexpr double kFollowersLeast = 5'000;
constexpr double kFollowingLeast = 50;
// Apart from the seed of the counts, so that what is decided by `Look::random` never follows them.
constexpr std::uint64_t kOccasionSalt = 0x6f63636173696f6eU;

std::int32_t rounded(double value, double least) {
  return static_cast<std::int32_t>(std::max(value, least) + 0.5);
}

}  // namespace

Population::Population(InfluencerSet influencers, std::uint64_t seed)
    : influencers_(std::move(influencers)), seed_(seed) {
  members_.reserve(influencers_.size());
  for (const auto& range : influencers_.ranges()) {
    for (auto number = number_of(range.first); number <= number_of(range.last); ++number) {
      const auto start = gaussians_of(random_at({seed_, number, 0}));
      members_.push_back({rounded(100'000 * (1 + start.first), kFollowersLeast),
                          rounded(1'000 * (1 + start.second), kFollowingLeast), 0});
    }
  }
}

std::optional<Population::Look> Population::look(InfluencerId id) {
  const auto index = influencers_.index_of(id);
  if (!index) return std::nullopt;
  auto& member = members_[*index];
  ++member.looks;
  const auto change = gaussians_of(random_at({seed_, number_of(id), member.looks}));
  member.followers = rounded(member.followers + 10'000 * change.first, kFollowersLeast);
  member.following = rounded(member.following + 100 * change.second, kFollowingLeast);
  return Look{{member.followers, member.following},
              random_at({seed_ ^ kOccasionSalt, number_of(id), member.looks})};
}

}  // namespace ia
