#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "pipeline/seeder.h"

namespace ia {

struct SeedScheduleOptions {
  // False: it looks and says what is missing, another process seeds.
  bool seeds = true;
  // What is to be watched; without it, what the registry says.
  std::optional<SeedOrder> order{};
  // The id queue is also seeded this long after the last seeding; 0: not by time.
  std::chrono::milliseconds every{std::chrono::hours{24}};
};

// Keeps the id queue filled while the program runs. Messages get lost: a server without
// persistence is restarted, somebody purges the queue, SQS deletes what is too old. An empty queue
// is seeded again within a minute, one that lacks some of its shards after five minutes.
//
// Any number of processes may do this for one store and queue. Each seeds only after the epoch in
// the registry that it looked at, and the store takes one seeding per epoch: one process seeds, the
// others see the new epoch and begin to look again.
class SeedSchedule {
 public:
  SeedSchedule(SeedScheduleOptions options, Store& store, Queue& ids, const Clock& clock, Log& log);

  // One look; seeds when that is due. Returns how long to rest. One thread.
  std::chrono::milliseconds step();

  // Why nothing can be fetched, or none: the queue is empty, or cannot be looked at. Any thread.
  std::optional<std::string> trouble() const;

 private:
  Status look();
  void note_depth(const Registry& registry, const QueueDepth& depth);
  bool is_due(const Registry& registry) const;
  bool begins_in_future(const Registry& registry) const;
  Status seed(const Registry& registry);
  void say(std::optional<std::string> trouble);

  const SeedScheduleOptions options_;
  Store& store_;
  Queue& ids_;
  const Clock& clock_;
  Log& log_;
  StateLog empty_state_;
  StateLog look_state_;
  StateLog seed_state_;
  Backoff look_backoff_;
  Backoff seed_backoff_;
  std::optional<std::uint64_t> epoch_;  // as of the last look
  MonoTime epoch_since_{};
  std::optional<MonoTime> empty_since_;
  std::optional<MonoTime> short_since_;
  std::optional<MonoTime> blind_since_;
  mutable std::mutex mutex_;
  std::optional<std::string> trouble_;
};

}  // namespace ia
