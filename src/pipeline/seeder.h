#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/error.h"
#include "core/schedule.h"
#include "ports/queue.h"
#include "ports/store.h"

namespace ia {

// What should be watched, and how.
struct SeedOrder {
  InfluencerSet influencers;
  Schedule schedule{};
  std::uint32_t shard_size = 1000;
  // Only while this is the newest epoch: of several processes that seed after the same one, the
  // others get kInvalid.
  std::optional<std::uint64_t> after_epoch{};
};

// More would not fit this program's memory: about 100 bytes an influencer.
inline constexpr std::size_t kSeededMax = 100'000'000;

struct SeedReport {
  std::uint64_t epoch = 0;
  std::uint64_t influencers = 0;
  std::uint32_t shards = 0;
};

// Fills the id queue. Idempotent: every seeding has a larger epoch, and fetchers drop messages of
// older ones, so seeding twice neither doubles nor loses anything. Cut short, it is to be run
// again: until then some shards may be missing, see needs_seeding.
class Seeder {
 public:
  using Progress = std::function<void(std::uint32_t sent, std::uint32_t shards)>;

  Seeder(Store& store, Queue& ids, const Clock& clock);

  // Writes the registry, then one message a shard, each visible at its next due time.
  // kInvalid when there is no influencer or too many.
  Result<SeedReport> seed(const SeedOrder& order, const Progress& progress = {});

  // True when the registry is not as ordered, or the queue holds fewer messages than shards.
  Result<bool> needs_seeding(const SeedOrder& order) const;

 private:
  Status send_shards(const Registry& registry, const Progress& progress);

  Store& store_;
  Queue& ids_;
  const Clock& clock_;
};

}  // namespace ia
