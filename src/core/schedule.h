#pragma once

#include <chrono>
#include <cstdint>

#include "core/influencer_set.h"
#include "core/point.h"
#include "core/watch_history.h"

namespace ia {

// When shards are due. Shard s of n is due at a fixed second of every interval-th minute:
// kFirstDue + spread * s / n, so the load is constant work and jitter never crosses a minute.
struct Schedule {
  std::chrono::minutes interval{1};
  std::chrono::milliseconds spread{53'000};
  friend bool operator==(const Schedule&, const Schedule&) = default;
};

inline constexpr std::chrono::milliseconds kFirstDue{2'000};
inline constexpr std::chrono::milliseconds kSpreadMax{53'000};
// No fetch is begun later than this into a minute; no reply is waited for past kLastReply.
inline constexpr std::chrono::milliseconds kLastStart{58'000};
inline constexpr std::chrono::milliseconds kLastReply{59'700};

// Which shard of how many.
struct ShardNumber {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
  friend bool operator==(const ShardNumber&, const ShardNumber&) = default;
};

// A set of ids fetched together; one message of the id queue.
struct Shard {
  std::uint64_t epoch = 0;
  ShardNumber number{};
  Schedule schedule{};
  InfluencerSet influencers{};
  friend bool operator==(const Shard&, const Shard&) = default;
};

bool is_due(ShardNumber shard, const Schedule& schedule, Minute minute);
// The due time within a minute in which it is due.
WallTime due_time(ShardNumber shard, const Schedule& schedule, Minute minute);
// The first minute after `minute` in which it is due.
Minute next_due_minute(ShardNumber shard, const Schedule& schedule, Minute minute);

// What is watched, as the last seeding left it. Kept by the store.
struct Registry {
  std::uint64_t epoch = 0;  // 0: never seeded
  Schedule schedule{};
  std::uint32_t shard_size = 1000;
  InfluencerSet influencers{};
  WatchHistory watched{};

  std::uint32_t shard_count() const;
  Shard shard(std::uint32_t index) const;
  bool is_due(InfluencerId influencer, Minute minute) const;
  // How many influencers are due in a minute: all of them when the interval is one minute, but for
  // those that are not watched yet.
  std::uint64_t due_in(Minute minute) const;
  friend bool operator==(const Registry&, const Registry&) = default;
};

}  // namespace ia
