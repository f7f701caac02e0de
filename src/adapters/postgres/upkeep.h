#pragma once

#include <chrono>
#include <optional>

#include "adapters/postgres/pool.h"
#include "core/retention_clock.h"
#include "ports/store.h"

namespace ia::postgres {

// Housekeeping, a slice a call: makes the tables of the coming day, drops those that are older
// than the retention (by core/retention_clock.h, kept in ia.state), brings ia.latest up to date
// when its values are ten minutes behind, and removes batches that it contains.
class Upkeep {
 public:
  Upkeep(Pool& pool, std::chrono::days retention) : pool_(pool), retention_(retention) {}
  // True while there is more to do at once.
  Result<bool> step(const UpkeepTime& time);

 private:
  Status begin_retention(Connection& db);
  Result<bool> clean(Connection& db, const UpkeepTime& time);
  Result<bool> refresh_latest(Connection& db, WallTime now);

  Pool& pool_;
  const std::chrono::days retention_;
  std::optional<RetentionClock> retention_clock_;
};

}  // namespace ia::postgres
