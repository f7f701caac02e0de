#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ports/job_health.h"

namespace ia {

// The schema that this program needs: the number of its newest migration.
int postgres_schema_version();

struct PostgresMigrateOptions {
  std::string dsn;  // of a role that may create a schema; it will own the tables
  // Span of time that one table holds: 24, 12, 8, 6, 4, 3, 2 or 1 hours. Short spans keep the index
  // that is written to in memory: an hour is right for a million influencers. Nothing: as it is,
  // a day for a new schema. A change counts for tables made from then on.
  std::optional<int> partition_hours;
  // Roles that may run the program: each gets what sink, seeder and API need, and no more.
  std::vector<std::string> grant_to;
  // Plain partitions also where the extension TimescaleDB is. Of a new schema only.
  bool without_timescaledb = false;
};

struct PostgresMigrateReport {
  int from = 0;  // the schema's version before; 0: there was none
  int to = 0;
  std::string layout;                // "partitions" or "timescaledb"
  std::vector<std::string> applied;  // names of migrations
  std::vector<std::string> notes;    // sentences for people
};

// Brings the schema `ia` up to date, in one transaction: all of it or, on an error, nothing. Safe
// to repeat, and to start twice at the same time. kInvalid when the schema is newer than this
// program, or the server is older than PostgreSQL 15 or does not store UTF-8.
Result<PostgresMigrateReport> migrate_postgres(const PostgresMigrateOptions& options);

// What doctor shows.
struct PostgresFacts {
  std::string server_version;  // "15.18 (Debian ...)"
  std::string role;
  bool is_superuser = false;
  bool is_encrypted = false;
  bool is_read_only = false;  // a standby
  std::string timescaledb;    // version of the extension in this database; "" when it is not there
  bool timescaledb_can_be_made = false;  // loaded by the server, CREATE EXTENSION is missing
  int schema_version = 0;                // 0: none
  std::string layout;                    // "" without a schema
  int partition_hours = 0;
  JobHealth jobs;
  bool has_checksums = false;       // of pages
  std::uint64_t damaged_reads = 0;  // of this database's pages whose checksum did not match
};
Result<PostgresFacts> inspect_postgres(const std::string& dsn);

// Whether this program can work with the schema; kInvalid says what to do.
Status check_postgres_schema(int schema_version);

namespace postgres {

// Made at build time from postgres_migrations/NNNN_name[.layout].sql.
struct MigrationFile {
  std::string_view name;
  std::string_view sql;
};
std::vector<MigrationFile> migration_files();

}  // namespace postgres
}  // namespace ia
