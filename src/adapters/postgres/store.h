#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "ports/store.h"

namespace ia {

struct PostgresStoreOptions {
  // As libpq takes it: "host=db.example dbname=analytics user=ia sslmode=verify-full", or a
  // postgresql:// URI; what it leaves out comes from PGPASSWORD and the like. Names the primary.
  std::string dsn;
  std::chrono::days retention{30};
  // For reads. The writers have connections of their own besides: at most three.
  std::size_t pool_size = 8;
  // A statement that takes longer fails, and the server forgets it. The reading of all newest
  // values, and housekeeping, may take ten times as long.
  std::chrono::milliseconds statement_timeout{30'000};
};

// The Store port on PostgreSQL 15 or newer, with TimescaleDB where the schema was made with it.
// docs/sql.md describes the tables; docs/decisions/0006-postgres-ingest.md says why they are so.
//
// Many processes may use one database, each port's caller as often as it likes:
//  - An append is one statement, hence one transaction that no client can hold up half-way. Points
//    of several appends go in side by side; then a lock puts them in line, and under it each
//    settles the accounts of its minutes and takes its position. So commits become visible in the
//    order of their positions, and whoever follows the tail misses none; and of a value and a
//    miss that race, the later one sees the earlier.
//  - Housekeeping may be called by everybody: one works, the others find nothing to do. Different
//    retentions: the shortest holds.
// What the port leaves open: a miss is told to followers also when it does not count; minutes'
// rows stay for 400 days, or as long as the points; size().free_bytes is not known to a client
// of a server, and is the largest number. Names and minutes that the server cannot hold
// (text that is not UTF-8, minutes before 1970 or after 9999) are kInvalid.
//
// Errors: postgres_sqlstate.h. A connection that is lost during an append or a commit leaves the
// outcome unknown: kUnavailable, append again.
//
// kInvalid when the schema is missing, older or newer than this program's: the message says what
// to do. kUnavailable when the server cannot be reached.
Result<std::unique_ptr<Store>> open_postgres_store(const PostgresStoreOptions& options, Log& log);

}  // namespace ia
