#include "adapters/postgres/trial_database.h"

#include "adapters/postgres/connection.h"

namespace ia::postgres {
namespace {

constexpr const char* kMayNotCreate = "42501";  // insufficient_privilege

bool is_uri(const std::string& dsn) {
  return dsn.starts_with("postgresql://") || dsn.starts_with("postgres://");
}

Status tell(const std::string& dsn, const std::string& command, const std::string& name) {
  auto db = Connection::open({.dsn = dsn});
  if (!db) return std::unexpected(db.error());
  const auto done = db->execute(command + " " + db->quoted_identifier(name) +
                                (command.starts_with("DROP") ? " WITH (FORCE)" : ""));
  if (!done && db->sqlstate() == kMayNotCreate) {
    return fail(Errc::kInvalid, done.error().message +
                                    ": the role needs its own databases for a while: "
                                    "ALTER ROLE ... CREATEDB");
  }
  return done;
}

}  // namespace

std::string with_database(const std::string& dsn, const std::string& name) {
  if (!is_uri(dsn)) return dsn + " dbname='" + name + "'";
  return dsn + (dsn.find('?') == std::string::npos ? "?" : "&") + "dbname=" + name;
}

Result<std::unique_ptr<TrialDatabase>> TrialDatabase::make(const std::string& dsn,
                                                           const std::string& name) {
  if (auto made = tell(dsn, "CREATE DATABASE", name); !made) return std::unexpected(made.error());
  return std::unique_ptr<TrialDatabase>(new TrialDatabase(dsn, name, with_database(dsn, name)));
}

TrialDatabase::~TrialDatabase() { (void)tell(server_, "DROP DATABASE IF EXISTS", name_); }

Result<DatabaseLoad> TrialDatabase::load() const {
  auto db = Connection::open({.dsn = server_});
  if (!db) return std::unexpected(db.error());
  const auto row = db->query(
      "SELECT (active_time * 1000)::bigint, xact_commit FROM pg_stat_database WHERE datname = $1",
      Params().add(std::string_view(name_)));
  if (!row) return std::unexpected(row.error());
  if (row->empty()) return fail(Errc::kNotFound, "the database " + name_ + " is gone");
  return DatabaseLoad{.busy = std::chrono::microseconds{row->integer(0, 0)},
                      .commits = static_cast<std::uint64_t>(row->integer(0, 1))};
}

}  // namespace ia::postgres
