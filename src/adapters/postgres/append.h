#pragma once

#include <memory>
#include <mutex>
#include <span>

#include "adapters/postgres/pool.h"
#include "core/registry_cache.h"
#include "ports/store.h"

namespace ia::postgres {

// Minutes that a timestamp of the server and a reader of dates can take.
inline constexpr Minute kFirstMinute{};
inline constexpr Minute kEndMinute{std::chrono::sys_days{std::chrono::year{9999} / 1 / 1}};
// The part of a range that there can be points in.
MinuteRange sane(MinuteRange range);

// Columns epoch, interval_minutes, spread_ms, shard_size, influencers of ia.registry, if a row.
Result<Registry> read_registry(Connection& db);
// The same, but what the cache has of the stored epoch is not read again.
Result<Registry> read_registry(Connection& db, RegistryCache& cache);

// The writing calls of the port. Safe from any thread.
class Writer {
 public:
  explicit Writer(Pool& pool) : pool_(pool) {}

  Status put_registry(const Registry& registry);
  Result<AppendResult> append(std::span<const PointBatch> batches);
  Status close_minutes(MinuteRange range, MissReason reason);

 private:
  // What the server's functions expect their caller to know.
  struct Knowledge {
    Knowledge(Registry a_registry, Minute a_horizon)
        : registry(std::move(a_registry)), horizon(a_horizon) {}
    Registry registry;
    Minute horizon;
  };
  Result<std::shared_ptr<const Knowledge>> knowledge(Connection& db);
  Result<AppendResult> append_on(Connection& db, std::span<const PointBatch> batches);
  Status close_on(Connection& db, MinuteRange range, MissReason reason);
  void forget();

  Pool& pool_;
  std::mutex mutex_;
  std::shared_ptr<const Knowledge> knowledge_;  // null: not known
};

}  // namespace ia::postgres
