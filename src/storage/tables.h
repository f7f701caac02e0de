#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/sqlite.h"
#include "core/registry_cache.h"
#include "ports/store.h"
#include "storage/minute_account.h"
#include "storage/segment.h"

// The rows of store.db, each as one of our types.
namespace ia::sqlite_store {

// What the writers of one process share. Its mutex is SQLite's write lock in a form that hands
// over at once instead of polling; only who writes holds it, and only for one transaction.
struct WriteGate {
  std::mutex mutex;
  // A failed fsync: nobody knows what is on the disk, and no later one would tell. Set for good;
  // to be looked at with the mutex held.
  std::optional<Error> broken;
  std::atomic<std::uint64_t> bytes_in_log = 0;  // since the last checkpoint, about
  RegistryCache registry;  // the readers use it as well
};

// The only way to write: runs `write()` as one transaction, unless the gate is broken.
template <class Write>
auto write_gated(WriteGate& gate, sqlite::Connection& db, Write write) -> decltype(write()) {
  const std::scoped_lock lock(gate.mutex);
  if (gate.broken) return std::unexpected(*gate.broken);
  auto transaction = sqlite::Transaction::begin(db, sqlite::Transaction::Kind::kWrite);
  if (!transaction) return std::unexpected(transaction.error());
  auto written = write();
  if (!written) return written;
  const auto committed = transaction->commit();
  if (committed) return written;
  if (committed.error().code == Errc::kCorrupt) gate.broken = committed.error();
  return std::unexpected(committed.error());
}

// The same without waiting for the disk, so that nobody waits for a sync of housekeeping: it is
// durable with the next transaction of anybody that is, before any later one, and before a
// checkpoint. For what may as well not have happened after a power failure.
template <class Write>
auto write_gated_unsynced(WriteGate& gate, sqlite::Connection& db, Write write)
    -> decltype(write()) {
  if (auto set = db.execute("PRAGMA synchronous=NORMAL"); !set) return std::unexpected(set.error());
  auto written = write_gated(gate, db, write);
  if (auto set = db.execute("PRAGMA synchronous=FULL"); !set) return std::unexpected(set.error());
  return written;
}

// All or none.
Result<std::vector<sqlite::Statement>> prepare_all(sqlite::Connection& db,
                                                   std::span<const char* const> texts);

// The only row of its table.
struct State {
  std::int64_t catalog_version = 0;  // grows when the segments or the horizon change
  Minute horizon;                    // what is older is gone
  std::int64_t latest_generation = 0;
  std::uint64_t latest_position = 0;  // the newest values of all frames up to it are in `latest`
  std::uint64_t dropped_through = 0;  // no frame up to it can be relied on to be there
};
inline constexpr const char* kSelectState =
    "SELECT catalog_version, horizon, latest_generation, latest_position, dropped_through "
    "FROM state";
Result<State> read_state(sqlite::Statement& select);
Result<State> read_state(sqlite::Connection& db);

Result<Registry> read_registry(sqlite::Connection& db);
// The same, but what the cache has of the stored epoch is not read again.
Result<Registry> read_registry(sqlite::Connection& db, RegistryCache& cache);
Status write_registry(sqlite::Connection& db, const Registry& registry);

inline constexpr const char* kSelectMinutes =
    "SELECT minute, due, stored, repeats, missed, closed, rest, rest_reason, followers_sum, "
    "following_sum, first_retrieved_ms, last_retrieved_ms FROM minute "
    "WHERE minute >= ?1 AND minute < ?2 ORDER BY minute";
MinuteStats minute_stats_of(const sqlite::Statement& row);
inline constexpr const char* kPutMinute =
    "INSERT OR REPLACE INTO minute VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
Status put_minute(sqlite::Statement& put, const MinuteAccount& account);

// Those that overlap the range, oldest first.
Result<std::vector<SegmentInfo>> read_segments(sqlite::Connection& db, MinuteRange range);
inline constexpr MinuteRange kAllMinutes{Minute::min(), Minute::max()};
// The one that has a minute.
Result<std::optional<SegmentInfo>> find_segment(sqlite::Connection& db, Minute minute);
// In place of all that lie within its range.
Status put_segment(sqlite::Connection& db, const SegmentInfo& segment);

// The first key of a table, which is its INTEGER PRIMARY KEY, that can be read behind `key` and the
// damaged rows that follow it. Nothing when there is none.
Result<std::optional<std::int64_t>> next_whole(sqlite::Connection& db, const char* table,
                                               std::int64_t key);

// Where the frames go on: above every position that was ever given.
Result<std::uint64_t> last_position(sqlite::Connection& db);

}  // namespace ia::sqlite_store
