#include "pipeline/seeder.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/messages.h"

namespace ia {
namespace {

constexpr std::uint32_t kShardsPerSend = 100;

// A shard whose time in this minute has passed begins with its next one.
std::chrono::milliseconds delay_of(const Shard& shard, WallTime now) {
  auto minute = minute_of(now);
  const auto is_ahead = is_due(shard.number, shard.schedule, minute) &&
                        due_time(shard.number, shard.schedule, minute) >= now;
  if (!is_ahead) minute = next_due_minute(shard.number, shard.schedule, minute);
  return due_time(shard.number, shard.schedule, minute) - now;
}

// A time in doubt is no beginning: then nothing is known.
WatchHistory history_after(const Registry& last, const InfluencerSet& influencers,
                           const Clock& clock) {
  const auto now = clock.wall();
  if (clock.trust() == ClockTrust::kDoubtful) return last.watched;
  if (last.epoch == 0) return WatchHistory(std::chrono::ceil<std::chrono::minutes>(now));
  return last.watched.followed_by(last.influencers, influencers, now);
}

}  // namespace

Seeder::Seeder(Store& store, Queue& ids, const Clock& clock)
    : store_(store), ids_(ids), clock_(clock) {}

Result<SeedReport> Seeder::seed(const SeedOrder& order, const Progress& progress) {
  const auto count = order.influencers.size();
  if (count == 0) return fail(Errc::kInvalid, "seed: no influencers: name some with --influencers");
  if (count > kSeededMax) {
    return fail(Errc::kInvalid, fmt::format("seed: {} influencers are more than the {} that fit",
                                            count, kSeededMax));
  }
  const auto last = store_.registry();
  if (!last) return fail("seed", last.error());
  if (order.after_epoch && *order.after_epoch != last->epoch) {
    return fail(Errc::kInvalid, "seed: another process has seeded");
  }
  const Registry registry{.epoch = last->epoch + 1,
                          .schedule = order.schedule,
                          .shard_size = order.shard_size,
                          .influencers = order.influencers,
                          .watched = history_after(*last, order.influencers, clock_)};
  if (const auto put = store_.put_registry(registry); !put) return fail("seed", put.error());
  if (const auto sent = send_shards(registry, progress); !sent) {
    return fail("seed: the shards are not all sent, run it again", sent.error());
  }
  return SeedReport{registry.epoch, count, registry.shard_count()};
}

Status Seeder::send_shards(const Registry& registry, const Progress& progress) {
  const auto shards = registry.shard_count();
  for (std::uint32_t begin = 0; begin < shards; begin += kShardsPerSend) {
    const auto end = std::min(shards, begin + kShardsPerSend);
    std::vector<OutgoingMessage> messages;
    for (auto index = begin; index < end; ++index) {
      const auto shard = registry.shard(index);
      messages.push_back({encode(shard), delay_of(shard, clock_.wall())});
    }
    const auto failed = ids_.send(messages);
    if (!failed) return std::unexpected(failed.error());
    if (!failed->empty()) return std::unexpected(failed->front().error);
    if (progress) progress(end, shards);
  }
  return {};
}

Result<bool> Seeder::needs_seeding(const SeedOrder& order) const {
  const auto registry = store_.registry();
  if (!registry) return std::unexpected(registry.error());
  const auto depth = ids_.depth();
  if (!depth) return std::unexpected(depth.error());
  const bool as_ordered = registry->epoch > 0 && registry->influencers == order.influencers &&
                          registry->schedule == order.schedule &&
                          registry->shard_size == order.shard_size;
  return !as_ordered ||
         depth->visible + depth->in_flight + depth->delayed < registry->shard_count();
}

}  // namespace ia
