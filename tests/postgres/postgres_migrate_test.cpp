#include "adapters/postgres/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "store_fixture.h"

namespace ia {
namespace {

using postgres::Connection;
using postgres::Params;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// An empty database on a shared server.
class Migration : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    name_ = fresh_database_name();
    must(server().create_database(name_));
  }
  void TearDown() override {
    if (!name_.empty()) (void)server().drop_database(name_);
  }

  std::string dsn() { return server().dsn(name_); }
  Connection connect() { return must(Connection::open({.dsn = dsn()})); }
  Result<PostgresMigrateReport> migrate() { return migrate_with({}); }
  Result<PostgresMigrateReport> migrate_with(std::optional<int> partition_hours) {
    PostgresMigrateOptions options;
    options.dsn = dsn();
    options.partition_hours = partition_hours;
    return migrate_postgres(options);
  }
  Status open() {
    Log log(LogLevel::kError, LogFormat::kText, [](std::string_view) {});
    PostgresStoreOptions options;
    options.dsn = dsn();
    const auto opened = open_postgres_store(options, log);
    return opened ? Status{} : std::unexpected(opened.error());
  }

  std::string name_;
};

TEST_F(Migration, MakesTheSchemaAndSaysWhatItDid) {
  const auto report = must(migrate());
  EXPECT_EQ(report.from, 0);
  EXPECT_EQ(report.to, postgres_schema_version());
  EXPECT_EQ(report.layout, "partitions");
  EXPECT_THAT(report.applied,
              ElementsAre("0001_tables.sql", "0002_points.partitions.sql", "0003_functions.sql",
                          "0004_verdicts.sql", "0005_processes.sql", "0006_alerts.sql",
                          "0007_miss_reasons.sql", "0008_retention.sql", "0009_misses.sql",
                          "0010_chunks.partitions.sql", "0011_watched_since.sql"));
  EXPECT_TRUE(open());
}

TEST_F(Migration, DoesNothingTheSecondTime) {
  must(migrate());
  const auto again = must(migrate());
  EXPECT_EQ(again.from, again.to);
  EXPECT_THAT(again.applied, IsEmpty());
  EXPECT_EQ(again.layout, "partitions");
}

TEST_F(Migration, IsDoneOnceWhenSeveralStartIt) {
  std::vector<std::future<Result<PostgresMigrateReport>>> running;
  for (int i = 0; i < 4; ++i)
    running.push_back(std::async(std::launch::async, [&] { return migrate(); }));
  int did_something = 0;
  for (auto& one : running) did_something += must(one.get()).applied.empty() ? 0 : 1;
  EXPECT_EQ(did_something, 1);
  EXPECT_TRUE(open());
}

TEST_F(Migration, RefusesANewerSchemaAndLeavesItAlone) {
  must(migrate());
  must(connect().execute("INSERT INTO ia.schema_version VALUES (999, 'of the future')"));
  for (const auto& refused : {open(), Status(std::unexpected(migrate().error()))}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kInvalid);
    EXPECT_THAT(refused.error().message, HasSubstr("999"));
    EXPECT_THAT(refused.error().message, HasSubstr("update the program"));
  }
}

TEST_F(Migration, IsAskedForWhenTheSchemaIsMissingOrOld) {
  auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("run influencer-analytics migrate"));

  must(migrate());
  must(connect().execute("DELETE FROM ia.schema_version WHERE version > 1"));
  refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("run influencer-analytics migrate"));
}

TEST_F(Migration, LeavesNothingWhenItFails) {
  must(connect().execute("CREATE SCHEMA ia; CREATE TABLE ia.latest (somebody_elses integer)"));
  const auto failed = migrate();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("0001_tables.sql"));
  auto db = connect();
  const auto tables = db.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'ia'");
  EXPECT_EQ(tables->integer(0, 0), 1);
}

TEST_F(Migration, NeedsARoleThatMayCreate) {
  must(connect().execute("CREATE ROLE nobody_much LOGIN"));
  PostgresMigrateOptions options;
  options.dsn = server().dsn_as("nobody_much", name_);
  const auto refused = migrate_postgres(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("migrate --grant-to ROLE` as the owner"));
}

TEST_F(Migration, RefusesADatabaseThatIsNotUtf8) {
  auto db = connect();
  must(db.execute("CREATE DATABASE old_times ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
  PostgresMigrateOptions options;
  options.dsn = server().dsn("old_times");
  const auto refused = migrate_postgres(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("LATIN1"));
}

TEST_F(Migration, TakesSpansThatDivideADay) {
  EXPECT_FALSE(migrate_with(5));
  EXPECT_FALSE(migrate_with(0));
  EXPECT_EQ(must(migrate_with(1)).to, postgres_schema_version());
  EXPECT_EQ(must(inspect_postgres(dsn())).partition_hours, 1);
  must(migrate());
  EXPECT_EQ(must(inspect_postgres(dsn())).partition_hours, 1);
  must(migrate_with(24));
  EXPECT_EQ(must(inspect_postgres(dsn())).partition_hours, 24);
}

TEST_F(Migration, ShowsWhatIsThere) {
  const auto before = must(inspect_postgres(dsn()));
  EXPECT_EQ(before.schema_version, 0);
  EXPECT_THAT(before.server_version, Not(IsEmpty()));
  EXPECT_TRUE(before.is_superuser);
  EXPECT_FALSE(before.is_encrypted);
  EXPECT_FALSE(before.is_read_only);
  EXPECT_EQ(before.timescaledb, "");
  must(migrate());
  const auto after = must(inspect_postgres(dsn()));
  EXPECT_EQ(after.schema_version, postgres_schema_version());
  EXPECT_EQ(after.layout, "partitions");
  EXPECT_EQ(after.partition_hours, 24);
}

// The rights of docs/sql.md: what a role that runs the program could do, were it taken over.
TEST_F(Migration, GivesTheRunTimeRoleNoRightToWriteButAlerts) {
  TestDatabase database(server());
  must(database.connect().execute("SELECT ia.make_partition('2024-03-05 00:00+00')"));
  auto db = must(Connection::open({.dsn = database.run_time_dsn()}));
  for (const char* sql : {"INSERT INTO ia.points VALUES (now(), 1, 1, 1)", "DELETE FROM ia.points",
                          "UPDATE ia.minutes SET stored = 0", "TRUNCATE ia.batches",
                          "DROP TABLE ia.misses", "DROP TABLE ia.\"points_20240305T00\"",
                          "CREATE TABLE ia.more (x integer)", "DROP FUNCTION ia.present",
                          "UPDATE ia.state SET horizon = now()", "DELETE FROM ia.alert_revision",
                          "SELECT ia.make_partition(now())", "SELECT ia.drop_expired_points()"}) {
    EXPECT_FALSE(db.execute(sql)) << sql;
    EXPECT_EQ(db.sqlstate(), "42501") << sql;
  }
  EXPECT_TRUE(db.execute("SELECT * FROM ia.points"));
  EXPECT_TRUE(db.execute("DELETE FROM ia.alert_rules"));
}

class TimescaleMigration : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto& shared = shared_timescaledb_server();
    IA_NEEDS_SERVER(shared);
    must((*shared)->create_database("fresh"));
    dsn_ = (*shared)->dsn("fresh");
  }
  void TearDown() override {
    if (!dsn_.empty()) (void)(*shared_timescaledb_server())->drop_database("fresh");
  }
  std::string dsn_;
};

TEST_F(TimescaleMigration, MakesHypertablesWithCompressionAndAggregates) {
  EXPECT_TRUE(must(inspect_postgres(dsn_)).timescaledb_can_be_made);
  PostgresMigrateOptions options;
  options.dsn = dsn_;
  EXPECT_EQ(must(migrate_postgres(options)).layout, "timescaledb");
  EXPECT_THAT(must(migrate_postgres(options)).applied, IsEmpty());
  const auto facts = must(inspect_postgres(dsn_));
  EXPECT_THAT(facts.timescaledb, Not(IsEmpty()));
  EXPECT_EQ(facts.layout, "timescaledb");

  auto db = must(Connection::open({.dsn = dsn_}));
  const auto count = [&](const char* sql) { return must(db.query(sql)).integer(0, 0); };
  EXPECT_EQ(count("SELECT count(*) FROM timescaledb_information.hypertables"
                  " WHERE hypertable_schema = 'ia' AND compression_enabled"),
            1);
  EXPECT_EQ(count("SELECT count(*) FROM timescaledb_information.continuous_aggregates"), 2);
  EXPECT_EQ(count("SELECT count(*) FROM timescaledb_information.jobs"
                  " WHERE proc_name IN ('policy_compression', 'tend_aggregates')"),
            2);
}

TEST_F(TimescaleMigration, MakesTheExtensionAsAnOrdinaryOwner) {
  auto& server = **shared_timescaledb_server();
  auto db = must(Connection::open({.dsn = dsn_}));
  must(db.execute("CREATE ROLE plain_owner LOGIN; ALTER DATABASE fresh OWNER TO plain_owner"));
  PostgresMigrateOptions options;
  options.dsn = server.dsn_as("plain_owner", "fresh");
  EXPECT_TRUE(must(inspect_postgres(options.dsn)).timescaledb_can_be_made);
  const auto report = must(migrate_postgres(options));
  EXPECT_EQ(report.layout, "timescaledb");
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_THAT(must(migrate_postgres(options)).notes, IsEmpty());
  must(db.execute("ALTER DATABASE fresh OWNER TO ia_test; DROP OWNED BY plain_owner CASCADE;"
                  " DROP ROLE plain_owner"));
}

TEST(TimescaleApache, IsToldFromTheOtherEdition) {
  const auto server = PostgresServer::start(
      {.with_timescaledb = true, .settings = {"timescaledb.license=apache"}});
  IA_NEEDS_SERVER(server);
  must((*server)->create_database("fresh"));
  for (const char* made : {"", "CREATE EXTENSION timescaledb"}) {
    auto db = must(Connection::open({.dsn = (*server)->dsn("fresh")}));
    if (*made != '\0') must(db.execute(std::string("DROP SCHEMA ia CASCADE; ") + made));
    PostgresMigrateOptions options;
    options.dsn = (*server)->dsn("fresh");
    const auto report = must(migrate_postgres(options));
    EXPECT_EQ(report.layout, "partitions");
    EXPECT_THAT(report.notes, ElementsAre(HasSubstr("the Apache edition")));
    EXPECT_THAT(must(migrate_postgres(options)).notes, IsEmpty());
  }
}

TEST_F(TimescaleMigration, KeepsToPlainPartitionsWhenAskedTo) {
  PostgresMigrateOptions options;
  options.dsn = dsn_;
  options.without_timescaledb = true;
  EXPECT_EQ(must(migrate_postgres(options)).layout, "partitions");
}

}  // namespace
}  // namespace ia
