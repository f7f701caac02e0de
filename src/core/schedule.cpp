#include "core/schedule.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace ia {
namespace {

std::int64_t phase(Minute minute, const Schedule& schedule) {
  return minute.time_since_epoch().count() % schedule.interval.count();
}

// Of the first `count` influencers by index, those that are due.
std::uint64_t due_before(const Registry& registry, std::size_t count, Minute minute) {
  const auto interval = static_cast<std::size_t>(registry.schedule.interval.count());
  const std::size_t shard = registry.shard_size;
  const auto round = interval * shard;
  const auto begin = static_cast<std::size_t>(phase(minute, registry.schedule)) * shard;
  const auto rest = count % round;
  return count / round * shard + std::clamp(rest, begin, begin + shard) - begin;
}

std::uint64_t due_of(const Registry& registry, const InfluencerSet& some, Minute minute) {
  std::uint64_t due = 0;
  for (const auto& range : some.ranges()) {
    const auto begin = *registry.influencers.index_of(range.first);
    due += due_before(registry, begin + range.size(), minute) -
           due_before(registry, begin, minute);
  }
  return due;
}

}  // namespace

bool is_due(ShardNumber shard, const Schedule& schedule, Minute minute) {
  return phase(minute, schedule) == shard.index % schedule.interval.count();
}

WallTime due_time(ShardNumber shard, const Schedule& schedule, Minute minute) {
  return minute + kFirstDue + schedule.spread * shard.index / std::max(1u, shard.count);
}

Minute next_due_minute(ShardNumber shard, const Schedule& schedule, Minute minute) {
  const auto interval = schedule.interval.count();
  const auto wanted = static_cast<std::int64_t>(shard.index) % interval;
  const auto gap = (wanted - phase(minute, schedule) + interval) % interval;
  return minute + std::chrono::minutes{gap == 0 ? interval : gap};
}

std::uint32_t Registry::shard_count() const {
  return static_cast<std::uint32_t>((influencers.size() + shard_size - 1) / shard_size);
}

Shard Registry::shard(std::uint32_t index) const {
  return {.epoch = epoch,
          .number = {index, shard_count()},
          .schedule = schedule,
          .influencers = influencers.slice(std::size_t{index} * shard_size, shard_size)};
}

bool Registry::is_due(InfluencerId influencer, Minute minute) const {
  const auto index = influencers.index_of(influencer);
  if (!index) return false;
  return ia::is_due({static_cast<std::uint32_t>(*index / shard_size), shard_count()}, schedule,
                    minute);
}

std::uint64_t Registry::due_in(Minute minute) const {
  if (minute < watched.begin()) return 0;
  const auto due = due_before(*this, influencers.size(), minute);
  if (minute >= watched.all_since()) return due;
  std::vector<IdRange> later;
  for (const auto& [since, newcomers] : watched.newcomers()) {
    if (since > minute) std::ranges::copy(newcomers.ranges(), std::back_inserter(later));
  }
  return due - due_of(*this, InfluencerSet(std::move(later)).common_with(influencers), minute);
}

}  // namespace ia
