#include "store_fixture.h"

#include <set>

namespace ia {
namespace {

constexpr const char* kTemplate = "ia_template";

void migrate(PostgresServer& server, const std::string& database) {
  PostgresMigrateOptions options;
  options.dsn = server.dsn(database);
  options.grant_to = {kRunTimeRole};
  (void)must(migrate_postgres(options));
}

// What each server needs once: migrating costs more than copying a migrated database.
void prepare(PostgresServer& server) {
  static std::set<const PostgresServer*> prepared;
  if (!prepared.insert(&server).second) return;
  auto db = must(postgres::Connection::open({.dsn = server.dsn()}));
  must(db.execute(std::string("CREATE ROLE ") + kRunTimeRole + " LOGIN"));
  must(server.create_database(kTemplate));
  migrate(server, kTemplate);
}

}  // namespace

TestDatabase::TestDatabase(PostgresServer& server) : server_(server), name_(fresh_database_name()) {
  prepare(server);
  must(server.create_database(name_, kTemplate));
}

TestDatabase::~TestDatabase() { (void)server_.drop_database(name_); }

std::unique_ptr<Store> TestDatabase::open(PostgresStoreOptions options) {
  options.dsn = run_time_dsn();
  return must(open_postgres_store(options, log_));
}

postgres::Connection TestDatabase::connect() {
  return must(postgres::Connection::open({.dsn = owner_dsn()}));
}

}  // namespace ia
