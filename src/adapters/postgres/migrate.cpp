#include "adapters/postgres/migrate.h"

#include <algorithm>
#include <charconv>

#include "adapters/postgres/connection.h"
#include "adapters/postgres/jobs.h"

namespace ia {
namespace {

using postgres::Connection;
using postgres::MigrationFile;
using postgres::Params;
using postgres::Transaction;

constexpr int kServerMin = 150000;
constexpr std::chrono::minutes kPatience{30};
constexpr const char* kPartitions = "partitions";
constexpr const char* kTimescale = "timescaledb";
constexpr const char* kApache = "apache";
constexpr int kFirstWithJobHealth = 10;
// What of the schema the program calls. The rest is called by these, as the owner.
constexpr const char* kCalls =
    "ia.append, ia.present, ia.close_minutes, ia.put_registry, ia.upkeep, "
    "ia.put_latest, ia.put_verdicts, ia.renew_process, ia.leave_process";

int version_of(const MigrationFile& file) {
  int version = 0;
  std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
  return version;
}

// "0002_points.timescaledb.sql" is for that layout alone.
bool is_for(const MigrationFile& file, std::string_view layout) {
  const auto dot = file.name.find('.');
  const auto rest = file.name.substr(dot + 1);
  return rest == "sql" || rest == std::string(layout) + ".sql";
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// Those whose rows it writes itself. They have identities, which need no grant of their own.
constexpr const char* kOwnTables = "ia.alert_rules, ia.alert_states, ia.alert_log";

Result<Connection> connect(const std::string& dsn) {
  return Connection::open({.dsn = dsn, .statement_timeout = kPatience, .lock_timeout = kPatience});
}

Status check_server(Connection& db) {
  if (db.server_version() < kServerMin) {
    return fail(Errc::kInvalid, "this server is PostgreSQL " +
                                    std::to_string(db.server_version() / 10000) +
                                    ": 15 or newer is needed");
  }
  const auto encoding = db.query("SHOW server_encoding");
  if (!encoding) return std::unexpected(encoding.error());
  if (encoding->text(0, 0) != "UTF8") {
    return fail(Errc::kInvalid, "the database stores " + std::string(encoding->text(0, 0)) +
                                    ": make it with ENCODING 'UTF8', for usernames are UTF-8");
  }
  return {};
}

struct Stored {
  int version = 0;
  std::string layout;
  int partition_hours = 0;
};

Result<Stored> stored_schema(Connection& db) {
  const auto there = db.query(
      "SELECT to_regclass('ia.schema_version') IS NOT NULL AND"
      " to_regclass('ia.state') IS NOT NULL");
  if (!there) return std::unexpected(there.error());
  if (!there->boolean(0, 0)) return Stored{};
  const auto row = db.query(
      "SELECT (SELECT max(version) FROM ia.schema_version), layout, partition_hours FROM ia.state");
  if (!row) return std::unexpected(row.error());
  if (row->empty()) return Stored{};
  return Stored{.version = static_cast<int>(row->integer(0, 0)),
                .layout = std::string(row->text(0, 1)),
                .partition_hours = static_cast<int>(row->integer(0, 2))};
}

struct Extension {
  std::string version;  // "" when the database does not have it
  std::string schema;
  std::string license;       // "apache": without compression and aggregates
  bool can_be_made = false;  // the server loaded it at its start and has its files
  bool may_be_made = false;  // by this role
};

// The server must have loaded it at its start, or CREATE EXTENSION ends the connection; the setting
// that its loader makes is there for every role to see.
Result<Extension> extension(Connection& db) {
  const auto row = db.query(
      "SELECT coalesce(e.extversion, ''), coalesce(quote_ident(n.nspname), ''),"
      " coalesce(current_setting('timescaledb.license', true), ''),"
      " e.oid IS NULL AND v.name IS NOT NULL"
      " AND current_setting('timescaledb.max_background_workers', true) IS NOT NULL,"
      " coalesce(r.rolsuper OR (v.trusted AND"
      " has_database_privilege(current_database(), 'CREATE')), false)"
      " FROM pg_roles r LEFT JOIN pg_extension e ON e.extname = 'timescaledb'"
      " LEFT JOIN pg_namespace n ON n.oid = e.extnamespace"
      " LEFT JOIN (SELECT a.name, w.trusted FROM pg_available_extensions a"
      " JOIN pg_available_extension_versions w ON w.name = a.name AND w.version = a.default_version"
      " WHERE a.name = 'timescaledb') AS v ON true"
      " WHERE r.rolname = current_user");
  if (!row) return std::unexpected(row.error());
  return Extension{.version = std::string(row->text(0, 0)),
                   .schema = std::string(row->text(0, 1)),
                   .license = std::string(row->text(0, 2)),
                   .can_be_made = row->boolean(0, 3),
                   .may_be_made = row->boolean(0, 4)};
}

Result<bool> is_superuser(Connection& db) {
  const auto row = db.query("SELECT rolsuper FROM pg_roles WHERE rolname = current_user");
  if (!row) return std::unexpected(row.error());
  return row->boolean(0, 0);
}

class Migration {
 public:
  Migration(Connection& db, const PostgresMigrateOptions& options) : db_(db), options_(options) {}

  Result<PostgresMigrateReport> run() {
    if (auto checked = check_server(db_); !checked) return std::unexpected(checked.error());
    auto transaction = Transaction::begin(db_);
    if (!transaction) return std::unexpected(transaction.error());
    for (const auto step : {&Migration::lock, &Migration::look, &Migration::choose_layout,
                            &Migration::apply_all, &Migration::set_width,
                            &Migration::configure_jobs, &Migration::grant}) {
      if (auto done = (this->*step)(); !done) return std::unexpected(done.error());
    }
    if (auto committed = transaction->commit(); !committed) {
      return std::unexpected(committed.error());
    }
    return std::move(report_);
  }

 private:
  Status lock() { return db_.execute("SELECT pg_advisory_xact_lock(18785, 4)"); }

  Status look() {
    auto stored = stored_schema(db_);
    if (!stored) return std::unexpected(stored.error());
    stored_ = std::move(*stored);
    report_.from = stored_.version;
    report_.to = postgres_schema_version();
    report_.layout = stored_.layout;
    if (stored_.version > postgres_schema_version()) {
      return check_postgres_schema(stored_.version);
    }
    return {};
  }

  Status choose_layout() {
    auto found = extension(db_);
    if (!found) return std::unexpected(found.error());
    schema_of_extension_ = found->schema;
    if (stored_.version > 0) {
      note_extension_of_old_schema(*found);
      return {};
    }
    report_.layout = kPartitions;
    if (options_.without_timescaledb) return {};
    if (found->version.empty()) return found->can_be_made ? make_extension(*found) : Status{};
    choose_by_license(found->license);
    return {};
  }

  void note_extension_of_old_schema(const Extension& found) {
    const bool is_usable =
        (found.can_be_made || !found.version.empty()) && found.license != kApache;
    if (stored_.layout == kPartitions && is_usable && !options_.without_timescaledb) {
      report_.notes.push_back(
          "TimescaleDB is here, but this schema was made without it and keeps its plain "
          "partitions; docs/sql.md says how to move the data into a hypertable");
    }
  }

  Status make_extension(const Extension& found) {
    if (!found.may_be_made) {
      report_.notes.push_back(
          "TimescaleDB is loaded by the server, but this role may not create it here, so the "
          "tables are plain partitions. To use it, GRANT CREATE ON DATABASE to this role and "
          "migrate into a new database");
      return {};
    }
    if (auto made = db_.execute("SAVEPOINT extension; CREATE EXTENSION timescaledb"); !made) {
      return made;
    }
    auto made = extension(db_);
    if (!made) return std::unexpected(made.error());
    schema_of_extension_ = made->schema;
    choose_by_license(made->license);
    const bool is_kept = report_.layout == kTimescale;
    return db_.execute(is_kept ? "RELEASE extension" : "ROLLBACK TO extension");
  }

  void choose_by_license(std::string_view license) {
    if (license != kApache) {
      report_.layout = kTimescale;
      return;
    }
    report_.notes.push_back(
        "this TimescaleDB is the Apache edition, which has neither compression nor continuous "
        "aggregates, so the tables are plain partitions");
  }

  Status apply_all() {
    if (stored_.version == 0) {
      if (auto begun = begin_schema(); !begun) return begun;
    }
    for (const auto& file : postgres::migration_files()) {
      if (version_of(file) <= stored_.version || !is_for(file, report_.layout)) continue;
      if (auto applied = apply(file); !applied) return applied;
      if (version_of(file) == 1) {
        if (auto begun = begin_state(); !begun) return begun;
      }
    }
    return {};
  }

  Status begin_schema() {
    return db_.execute(
        "CREATE SCHEMA IF NOT EXISTS ia; CREATE TABLE IF NOT EXISTS ia.schema_version ("
        " version integer PRIMARY KEY, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())");
  }

  Status begin_state() {
    const auto put = db_.query(
        "INSERT INTO ia.state (layout, partition_hours) VALUES ($1, $2)",
        Params().add(report_.layout).add(std::int64_t{options_.partition_hours.value_or(24)}));
    return put ? Status{} : std::unexpected(put.error());
  }

  Status apply(const MigrationFile& file) {
    const auto sql = replaced(std::string(file.sql), "@ts@", schema_of_extension_);
    if (auto done = db_.execute(sql); !done) {
      return fail("migration " + std::string(file.name), done.error());
    }
    report_.applied.emplace_back(file.name);
    const auto noted = db_.query("INSERT INTO ia.schema_version (version, name) VALUES ($1, $2)",
                                 Params().add(std::int64_t{version_of(file)}).add(file.name));
    return noted ? Status{} : std::unexpected(noted.error());
  }

  Status set_width() {
    if (!options_.partition_hours || stored_.version == 0) return {};
    const auto hours = Params().add(std::int64_t{*options_.partition_hours});
    const auto set = db_.query("UPDATE ia.state SET partition_hours = $1", hours);
    if (!set) return std::unexpected(set.error());
    if (report_.layout != kTimescale) return {};
    const auto width = replaced(
        "SELECT @ts@.set_chunk_time_interval(t, make_interval(hours => $1::integer))"
        " FROM unnest(ARRAY['ia.points', 'ia.misses']::regclass[]) AS t",
        "@ts@", schema_of_extension_);
    const auto chunks = db_.query(width.c_str(), hours);
    return chunks ? Status{} : std::unexpected(chunks.error());
  }

  Status configure_jobs() { return db_.execute("SELECT ia.configure_jobs()"); }

  Status find_role(const std::string& role) {
    const auto rows = db_.query("SELECT count(*) FROM pg_roles WHERE rolname = $1",
                                Params().add(std::string_view(role)));
    if (!rows) return std::unexpected(rows.error());
    if (rows->integer(0, 0) > 0) return {};
    return fail(Errc::kInvalid, "the role " + db_.quoted_identifier(role) +
                                    " of --grant-to does not exist: create it (CREATE ROLE " +
                                    db_.quoted_identifier(role) +
                                    " LOGIN), or name another; nothing was changed");
  }

  Status grant() {
    for (const auto& role : options_.grant_to) {
      if (auto there = find_role(role); !there) return there;
      const auto to = " TO " + db_.quoted_identifier(role);
      auto granted = db_.execute("GRANT USAGE ON SCHEMA ia" + to +
                                 "; GRANT SELECT ON ALL TABLES IN SCHEMA ia" + to +
                                 "; GRANT INSERT, UPDATE, DELETE ON " + kOwnTables + to +
                                 "; GRANT UPDATE ON ia.alert_revision, ia.turns" + to +
                                 "; GRANT EXECUTE ON FUNCTION " + kCalls + to);
      if (!granted) return fail("granting to " + role, granted.error());
      report_.notes.push_back("the role " + role + " may run the program");
    }
    return {};
  }

  Connection& db_;
  const PostgresMigrateOptions& options_;
  PostgresMigrateReport report_;
  Stored stored_;
  std::string schema_of_extension_;
};

}  // namespace

int postgres_schema_version() {
  int version = 0;
  for (const auto& file : postgres::migration_files()) {
    version = std::max(version, version_of(file));
  }
  return version;
}

Status check_postgres_schema(int schema_version) {
  const int known = postgres_schema_version();
  if (schema_version == known) return {};
  const std::string stored = std::to_string(schema_version);
  if (schema_version == 0) {
    return fail(Errc::kInvalid,
                "the database has no schema of ours: run influencer-analytics migrate");
  }
  if (schema_version < known) {
    return fail(Errc::kInvalid, "the database's schema is version " + stored + ", this program " +
                                    "needs " + std::to_string(known) +
                                    ": run influencer-analytics migrate");
  }
  return fail(Errc::kInvalid, "the database's schema is version " + stored +
                                  ", this program knows " + std::to_string(known) +
                                  ": update the program. The data is untouched");
}

Result<PostgresMigrateReport> migrate_postgres(const PostgresMigrateOptions& options) {
  if (const auto hours = options.partition_hours; hours && (*hours < 1 || 24 % *hours != 0)) {
    return fail(Errc::kInvalid, "a partition of " + std::to_string(*hours) +
                                    " hours: 1, 2, 3, 4, 6, 8, 12 or 24 divide a day");
  }
  auto db = connect(options.dsn);
  if (!db) return std::unexpected(db.error());
  return postgres::checked([&] { return Migration(*db, options).run(); });
}

namespace {

Result<PostgresFacts> facts_of(Connection& db) {
  const auto row = db.query(
      "SELECT current_setting('server_version'), current_user::text, pg_is_in_recovery(),"
      " coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),"
      " current_setting('data_checksums') = 'on',"
      " coalesce((SELECT checksum_failures FROM pg_stat_database"
      " WHERE datname = current_database()), 0)");
  if (!row) return std::unexpected(row.error());
  const auto superuser = is_superuser(db);
  if (!superuser) return std::unexpected(superuser.error());
  const auto found = extension(db);
  if (!found) return std::unexpected(found.error());
  const auto stored = stored_schema(db);
  if (!stored) return std::unexpected(stored.error());
  const bool tells_jobs = stored->version >= kFirstWithJobHealth;
  const auto jobs = tells_jobs ? postgres::read_job_health(db) : JobHealth{};
  return PostgresFacts{.server_version = std::string(row->text(0, 0)),
                       .role = std::string(row->text(0, 1)),
                       .is_superuser = *superuser,
                       .is_encrypted = row->boolean(0, 3),
                       .is_read_only = row->boolean(0, 2),
                       .timescaledb = found->version,
                       .timescaledb_can_be_made = found->can_be_made,
                       .schema_version = stored->version,
                       .layout = stored->layout,
                       .partition_hours = stored->partition_hours,
                       .jobs = jobs.value_or(JobHealth{}),
                       .has_checksums = row->boolean(0, 4),
                       .damaged_reads = static_cast<std::uint64_t>(row->integer(0, 5))};
}

}  // namespace

Result<PostgresFacts> inspect_postgres(const std::string& dsn) {
  auto db = Connection::open({.dsn = dsn});
  if (!db) return std::unexpected(db.error());
  return postgres::checked([&] { return facts_of(*db); });
}

}  // namespace ia
