#include "core/schedule.h"

#include <algorithm>

namespace ia {
namespace {

std::int64_t phase(Minute minute, const Schedule& schedule) {
  return minute.time_since_epoch().count() % schedule.interval.count();
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
  if (schedule.interval == std::chrono::minutes{1}) return influencers.size();
  std::uint64_t due = 0;
  const auto shards = shard_count();
  for (std::uint32_t i = 0; i < shards; ++i) {
    if (!ia::is_due({i, shards}, schedule, minute)) continue;
    due += std::min<std::size_t>(shard_size, influencers.size() - std::size_t{i} * shard_size);
  }
  return due;
}

}  // namespace ia
