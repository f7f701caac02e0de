#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "store_fixture.h"
#include "testing/temp_dir.h"

// The commands of docs/backup.md and docs/sql.md that move a database, as they stand there.
namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::SizeIs;

const Minute kTen{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} + hours{10}};
const MinuteRange kAll{kTen - hours{24}, kTen + hours{48}};
constexpr std::uint64_t kInfluencers = 50;

// The blocks of a document between ```sh and ``` that name both or one of the databases.
std::vector<std::string> scripts(const char* document) {
  std::ifstream file(document);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = text.find("```sh\n", at)) != std::string::npos;) {
    const auto begin = at + 6;
    at = text.find("\n```", begin);
    auto script = text.substr(begin, at - begin);
    const bool names_database =
        script.find("$FROM") != std::string::npos || script.find("$TO") != std::string::npos;
    if (names_database) found.push_back(std::move(script));
  }
  return found;
}

PointBatch batch_at(Minute minute) {
  PointBatch batch{.minute = minute,
                   .retrieved_at = minute + seconds{7},
                   .influencers = {},
                   .followers = {},
                   .following = {},
                   .misses = {{InfluencerId{900}, MissReason::kTimeout}},
                   .usernames = {{InfluencerId{7}, "seven"}}};
  for (std::uint64_t i = 1; i <= kInfluencers; ++i) {
    batch.influencers.push_back(InfluencerId{i});
    const auto number = minute.time_since_epoch().count();
    batch.followers.push_back(static_cast<std::int64_t>(i * 10) + number);
    batch.following.push_back(static_cast<std::int64_t>(i));
  }
  return batch;
}

class PostgresBackup {
 public:
  PostgresBackup(PostgresServer& source, PostgresServer& target)
      : database_(source), target_(target), name_(fresh_database_name()) {
    const auto store = database_.open();
    must(store->put_registry({.epoch = 3,
                              .schedule = {},
                              .shard_size = 1000,
                              .influencers = must(InfluencerSet::parse("1-50,900"))}));
    std::vector<PointBatch> batches;
    for (auto at = kTen; at < kTen + hours{30}; at += minutes{30}) batches.push_back(batch_at(at));
    must(store->append(batches));
    while (must(store->maintain(kTen + hours{31}))) {
    }
    must(target.create_database(name_));
  }
  ~PostgresBackup() { (void)target_.drop_database(name_); }

  postgres::Connection source() { return database_.connect(); }
  postgres::Connection target() { return must(postgres::Connection::open({.dsn = to()})); }

  void run(const std::string& script) {
    const auto command = "set -e; cd '" + directory_.path().string() + "'; FROM='" +
                         database_.owner_dsn() + "'; TO='" + to() + "'\n" + script;
    std::ofstream(directory_.path() / "script.sh") << command << "\n";
    const auto run = "bash -o pipefail '" + (directory_.path() / "script.sh").string() + "' >'" +
                     (directory_.path() / "said").string() + "' 2>&1";
    const int code = std::system(run.c_str());
    std::ifstream said(directory_.path() / "said");
    ASSERT_EQ(code, 0) << std::string{std::istreambuf_iterator<char>(said), {}};
  }
  void migrate() {
    PostgresMigrateOptions options;
    options.dsn = to();
    options.grant_to = {kRunTimeRole};
    (void)must(migrate_postgres(options));
  }
  void expect_all_is_there() {
    const auto before = database_.open();
    PostgresStoreOptions options;
    options.dsn = target_.dsn(name_);
    const auto after = must(open_postgres_store(options, log_));
    for (std::uint64_t i = 1; i <= kInfluencers; ++i) {
      const auto series = must(after->read_series(InfluencerId{i}, kAll));
      EXPECT_THAT(series.minutes, SizeIs(60));
      EXPECT_EQ(series, must(before->read_series(InfluencerId{i}, kAll)));
    }
    EXPECT_EQ(must(after->read_minutes(kAll)), must(before->read_minutes(kAll)));
    EXPECT_EQ(must(after->registry()), must(before->registry()));
    EXPECT_EQ(must(after->read_latest()).values.influencers.size(), kInfluencers);
    const std::vector first{kTen};
    EXPECT_THAT(must(after->read_misses(InfluencerId{900}, first)), SizeIs(1));
    EXPECT_EQ(must(after->find_usernames("sev", 9)), must(before->find_usernames("sev", 9)));
    const auto more = batch_at(kTen + hours{31});
    EXPECT_EQ(must(after->append({&more, 1})).stored, kInfluencers);
    EXPECT_EQ(must(after->read_tail({.position = must(before->read_latest()).cursor.position}))
                  .batches.size(),
              1u);
  }

 private:
  std::string to() const { return target_.dsn(name_); }

  TestDatabase database_;
  PostgresServer& target_;
  const std::string name_;
  TempDir directory_;
  Log log_{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
};

TEST(TimescaleBackup, IsRestoredWithCompressedChunks) {
  IA_NEEDS_SERVER(shared_timescaledb_server());
  auto& server = **shared_timescaledb_server();
  PostgresBackup backup(server, server);
  must(backup.source().execute("SELECT compress_chunk(c) FROM show_chunks('ia.points') AS c"));
  must(backup.source().execute("CALL ia.tend_aggregates(0, '{}')"));
  for (const auto& script : scripts(IA_BACKUP_DOCUMENT)) backup.run(script);
  backup.migrate();
  backup.expect_all_is_there();
  auto db = backup.target();
  EXPECT_EQ(must(db.query("SELECT sum(points)::bigint FROM ia.points_hour")).integer(0, 0),
            61 * static_cast<std::int64_t>(kInfluencers));
}

TEST(TimescaleBackup, MovesPlainPartitionsIntoAHypertable) {
  IA_NEEDS_SERVER(shared_postgres_server());
  IA_NEEDS_SERVER(shared_timescaledb_server());
  PostgresBackup backup(**shared_postgres_server(), **shared_timescaledb_server());
  backup.migrate();
  for (const auto& script : scripts(IA_SQL_DOCUMENT)) backup.run(script);
  backup.expect_all_is_there();
  auto db = backup.target();
  EXPECT_EQ(must(db.query("SELECT layout FROM ia.state")).text(0, 0), "timescaledb");
  EXPECT_GE(must(db.query("SELECT count(*) FROM show_chunks('ia.points')")).integer(0, 0), 2);
}

}  // namespace
}  // namespace ia
