#pragma once

#include <memory>
#include <string>

#include "adapters/postgres/connection.h"
#include "adapters/postgres/migrate.h"
#include "adapters/postgres/store.h"
#include "base/log.h"
#include "fixture.h"

namespace ia {

// The role that the tests' stores connect as: migrated by another one, it may call what
// MigrateOptions::grant_to gives, select, and write alerts, and nothing else.
inline constexpr const char* kRunTimeRole = "ia_run";

// A database with the schema, for one test; gone at its end.
class TestDatabase {
 public:
  explicit TestDatabase(PostgresServer& server);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  // dsn is filled in.
  std::unique_ptr<Store> open(PostgresStoreOptions options = {});
  // As the owner, for looking and for mischief.
  postgres::Connection connect();
  std::string owner_dsn() const { return server_.dsn(name_); }
  std::string run_time_dsn() const { return server_.dsn_as(kRunTimeRole, name_); }

 private:
  PostgresServer& server_;
  std::string name_;
  Log log_{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
};

}  // namespace ia
