#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compressing_store.h"
#include "testing/store_life.h"

// What the store promises on TimescaleDB besides the contract: how it treats compressed chunks.
namespace ia {
namespace {

using postgres::Connection;
using postgres::Rows;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const Minute kTen{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} + hours{10}};
constexpr std::uint64_t kInfluencers = 300;

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

PointBatch batch_of(Minute minute, std::uint64_t first, std::uint64_t count,
                    std::vector<Miss> misses = {}) {
  PointBatch batch{.minute = minute,
                   .retrieved_at = minute + seconds{7},
                   .influencers = {},
                   .followers = {},
                   .following = {},
                   .misses = std::move(misses),
                   .usernames = {}};
  for (auto i = first; i < first + count; ++i) {
    batch.influencers.push_back(id(i));
    batch.followers.push_back(static_cast<std::int64_t>(i * 10));
    batch.following.push_back(static_cast<std::int64_t>(i % 100));
  }
  return batch;
}

std::string text_of(const Rows& rows) {
  std::string text;
  for (std::size_t row = 0; row < rows.size(); ++row) text += std::string(rows.text(row, 0)) + "\n";
  return text;
}

// Three hours of points from 10:00 on, a chunk each, none of them compressed yet.
class CompressedChunks : public ::testing::Test {
 protected:
  void SetUp() override {
    IA_NEEDS_SERVER(shared_timescaledb_server());
    database_ = std::make_unique<TestDatabase>(**shared_timescaledb_server());
    store_ = database_->open();
    run("SELECT set_chunk_time_interval('ia.points', INTERVAL '1 hour'),"
        " set_chunk_time_interval('ia.misses', INTERVAL '1 hour')");
    std::vector<PointBatch> batches;
    for (auto minute = kTen; minute < kTen + hours{3}; minute += minutes{1}) {
      batches.push_back(batch_of(minute, 1, kInfluencers));
    }
    must(store_->append(batches));
  }

  void run(const std::string& sql) { must(database_->connect().execute(sql)); }
  std::int64_t number(const char* sql) {
    auto db = database_->connect();
    return must(db.query(sql)).integer(0, 0);
  }
  void compress() { run("SELECT compress_chunk(c, true) FROM show_chunks('ia.points') AS c"); }
  AppendResult append(const PointBatch& batch) { return must(store_->append({&batch, 1})); }
  std::uint64_t missed(Minute minute) {
    return must(store_->read_minutes({minute, minute + minutes{1}})).at(0).missed_total();
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Store> store_;
};

TEST_F(CompressedChunks, SettlesAMissWithoutUnpackingAChunk) {
  append(batch_of(kTen + hours{2}, 1, 0, {{id(900), MissReason::kTimeout}}));
  compress();
  auto db = database_->connect();
  must(db.execute("SET enable_seqscan = off"));  // as the functions do
  const auto noon = kTen + hours{2};
  for (const auto& [statement, types, values] :
       {std::tuple("ia.adding_misses($1)", "timestamptz[], bigint[], bigint[]",
                   "'{2024-03-05 12:05+00}', '{900}', '{1}'"),
        std::tuple("ia.taking_back($1, 'ia.misses')", "timestamptz[], bigint[], bigint[]",
                   "'{2024-03-05 12:03+00}', '{1}', '{300}'"),
        std::tuple("ia.finding_values($1)", "timestamptz[], bigint[]",
                   "'{2024-03-05 12:03+00}', '{7}'")}) {
    const auto sql = must(
        db.query((std::string("SELECT ") + statement).c_str(), postgres::Params().add(noon)));
    const auto text = std::string(sql.text(0, 0));
    must(db.execute(std::string("PREPARE asked (") + types + ") AS " + text));
    const auto plan = text_of(must(
        db.query((std::string("EXPLAIN (COSTS off) EXECUTE asked(") + values + ")").c_str())));
    must(db.execute("DEALLOCATE asked"));
    EXPECT_THAT(plan, AllOf(HasSubstr("SubPlan"), ContainsRegex("Index Cond: .*influencer_id = x"),
                            HasSubstr("_hyper_1_3_chunk"), Not(HasSubstr("_hyper_1_1_chunk")),
                            Not(HasSubstr("Seq Scan on compress")), Not(HasSubstr("Materialize"))))
        << statement << "\n" << plan;
  }
}

TEST_F(CompressedChunks, SettlesMissesOfCompressedHours) {
  compress();
  const auto at = kTen + minutes{30};
  append(batch_of(at, 1, 0, {{id(5), MissReason::kTimeout}, {id(900), MissReason::kTimeout}}));
  EXPECT_EQ(missed(at), 1u) << "influencer 5 has a value";
  compress();
  append(batch_of(at, 900, 1));
  EXPECT_EQ(missed(at), 0u);
  const auto repeated = append(batch_of(at, 1, 10));
  EXPECT_EQ(repeated.repeats, 10u);
}

// A lock on an old chunk is what a compression that waits for a reader of it amounts to.
TEST_F(CompressedChunks, AppendsWhileChunksOfOtherHoursAreLocked) {
  append(batch_of(kTen, 1, 0, {{id(900), MissReason::kTimeout}}));
  compress();
  auto blocker = database_->connect();
  must(blocker.execute(
      "BEGIN; DO $$ DECLARE c regclass; BEGIN FOR c IN SELECT i FROM unnest(ARRAY['ia.points',"
      " 'ia.misses']::regclass[]) AS t, show_chunks(t, older_than => '2024-03-05 12:00+00') AS i"
      " LOOP EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', c); END LOOP; END $$"));
  PostgresStoreOptions impatient;
  impatient.statement_timeout = milliseconds{2'000};
  store_ = database_->open(impatient);
  const auto now = kTen + hours{3} - minutes{1};
  append(batch_of(now, 1, 0, {{id(901), MissReason::kTimeout}}));
  EXPECT_EQ(append(batch_of(now, 901, 1)).stored, 1u);
  EXPECT_EQ(append(batch_of(now, 1, kInfluencers)).repeats, kInfluencers);
  EXPECT_EQ(append(batch_of(now + minutes{1}, 1, kInfluencers)).stored, kInfluencers);
  EXPECT_TRUE(store_->close_minutes({now, now + minutes{1}}, MissReason::kOverrun));
  EXPECT_EQ(missed(now), 0u);
}

TEST_F(CompressedChunks, AcceptsValuesOfADayThatIsCompressed) {
  compress();
  const std::vector batches{batch_of(kTen, kInfluencers - 49, 100),
                            batch_of(kTen - minutes{1}, 1, 100)};
  const auto late = must(store_->append(batches));
  EXPECT_EQ(late.stored, 50u + 100u);
  EXPECT_EQ(late.repeats, 50u);
  EXPECT_THAT(must(store_->read_series(id(7), {kTen - hours{9}, kTen + days{1}})).minutes,
              SizeIs(181));
  EXPECT_EQ(number("SELECT count(*) FROM ia.points"), 180 * 300 + 150);
}

// The extension refuses, unless it is told otherwise, to unpack more than 100,000 values for a
// statement.
TEST_F(CompressedChunks, AcceptsLateValuesOfEveryoneInACompressedDay) {
  run("SELECT set_chunk_time_interval('ia.points', INTERVAL '1 day')");
  run("INSERT INTO ia.points SELECT '2024-03-01 00:00+00'::timestamptz + m * interval '2 minutes',"
      " i, i, i FROM generate_series(0, 700) AS m, generate_series(1, 300) AS i");
  compress();
  const auto late = append(batch_of(kTen - days{4} + minutes{1}, 1, kInfluencers));
  EXPECT_EQ(late.stored, kInfluencers);
  compress();
  EXPECT_EQ(append(batch_of(kTen - days{4} + minutes{1}, 1, kInfluencers)).repeats, kInfluencers);
}

TEST_F(CompressedChunks, AreMadeWhileAReaderHasThemOpen) {
  if (number("SELECT count(*) FROM pg_settings"
             " WHERE name = 'timescaledb.compress_truncate_behaviour'") == 0) {
    GTEST_SKIP() << "this version of the extension can only truncate";
  }
  run("SELECT ia.configure_jobs()");
  auto reader = database_->connect();
  must(reader.execute("BEGIN; SELECT FROM ia.points WHERE minute < '2024-03-05 11:00+00'"));
  run("SELECT compress_chunk(c) FROM"
      " show_chunks('ia.points', older_than => '2024-03-05 11:00+00'::timestamptz) AS c");
  EXPECT_EQ(number("SELECT count(*) FROM timescaledb_information.chunks"
                   " WHERE hypertable_name = 'points' AND is_compressed"),
            1);
  EXPECT_EQ(number("SELECT count(*) FROM ia.points"), 180 * 300);
}

TEST_F(CompressedChunks, AreNotReindexedByTheirJob) {
  run("SELECT ia.configure_jobs()");
  EXPECT_EQ(number("SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name ="
                   " 'policy_compression' AND (config->>'reindex')::boolean = false"),
            1);
}

TEST_F(CompressedChunks, HaveAnAgeUntilTheyAreCompressed) {
  EXPECT_GT(number("SELECT uncompressed_seconds FROM ia.job_health()"), 86'400);
  compress();
  EXPECT_EQ(number("SELECT uncompressed_seconds FROM ia.job_health()"), 0);
  EXPECT_EQ(number("SELECT failed_jobs FROM ia.job_health()"), 0);
}

// On a server of its own, whose jobs run.
TEST(Jobs, AreToldWhenTheyFail) {
  const auto server = PostgresServer::start({.with_timescaledb = true});
  IA_NEEDS_SERVER(server);
  must((*server)->create_database("jobs"));
  PostgresMigrateOptions options;
  options.dsn = (*server)->dsn("jobs");
  must(migrate_postgres(options));
  auto db = must(Connection::open({.dsn = options.dsn}));
  must(db.execute("CREATE PROCEDURE ia.break_down(integer, jsonb) LANGUAGE plpgsql AS"
                  " $$ BEGIN RAISE EXCEPTION 'on purpose'; END $$;"
                  " SELECT add_job('ia.break_down', '1 hour')"));
  const auto deadline = std::chrono::steady_clock::now() + seconds{60};
  auto health = must(inspect_postgres(options.dsn)).jobs;
  while (health.failed == 0 && std::chrono::steady_clock::now() < deadline) {
    must(db.execute("SELECT pg_sleep(0.1)"));
    health = must(inspect_postgres(options.dsn)).jobs;
  }
  EXPECT_GE(health.failed, 1u);
  EXPECT_NE(health.failure, "");
  EXPECT_THAT(concern_of(health).value_or(""), HasSubstr("failed when last run"));
}

// What the job does; nothing else calls it here.
constexpr const char* kTendAggregates = "CALL ia.tend_aggregates(0, '{}')";

TEST_F(CompressedChunks, ReachTheAggregatesHoweverLateTheyCome) {
  run(kTendAggregates);
  EXPECT_EQ(number("SELECT sum(points)::bigint FROM ia.points_day WHERE influencer_id = 7"), 180);
  compress();
  append(batch_of(kTen + minutes{5}, 900, 1));
  append(batch_of(kTen - hours{5}, 7, 1));
  run(kTendAggregates);
  EXPECT_EQ(number("SELECT sum(points)::bigint FROM ia.points_hour WHERE influencer_id = 900"), 1);
  EXPECT_EQ(number("SELECT sum(points)::bigint FROM ia.points_day WHERE influencer_id = 900"), 1);
  EXPECT_EQ(number("SELECT sum(points)::bigint FROM ia.points_day WHERE influencer_id = 7"), 181);
  EXPECT_EQ(number("SELECT follower_max FROM ia.points_hour WHERE influencer_id = 900"), 9'000);
}

constexpr const char* kAggregateChunks =
    "SELECT count(*) FROM timescaledb_information.chunks WHERE (hypertable_schema,"
    " hypertable_name) IN (SELECT materialization_hypertable_schema,"
    " materialization_hypertable_name FROM timescaledb_information.continuous_aggregates)";

TEST_F(CompressedChunks, ExpireTogetherWithTheirAggregates) {
  run(kTendAggregates);
  EXPECT_EQ(number(kAggregateChunks), 2);
  EXPECT_EQ(number((std::string(kAggregateChunks) + " AND NOT is_compressed").c_str()), 0);
  for (const auto at : {kTen + days{1}, kTen + days{60}}) {
    while (must(store_->maintain(at))) {
    }
  }
  EXPECT_EQ(number(kAggregateChunks), 0);
  EXPECT_EQ(number("SELECT count(*) FROM ia.points_hour"), 0);
  append(batch_of(kTen + days{59}, 1, 5));
  run(kTendAggregates);
  EXPECT_EQ(number("SELECT count(*) FROM ia.points_day"), 5);
}

// A part of an hour or day that retention has begun to drop would be less than what was there.
TEST_F(CompressedChunks, LeaveAggregatesThatKnowMoreThanTheyDoAlone) {
  run(kTendAggregates);
  while (must(store_->maintain(kTen + hours{1} + minutes{30} + days{30}))) {
  }
  append(batch_of(kTen + hours{2}, 900, 1));
  run(kTendAggregates);
  EXPECT_EQ(number("SELECT sum(points)::bigint FROM ia.points_day WHERE influencer_id = 7"), 180);
  EXPECT_EQ(number("SELECT sum(points)::bigint FROM ia.points_hour WHERE influencer_id = 900"), 1);
}

TEST_F(CompressedChunks, GetTheSpanThatMigrateIsTold) {
  PostgresMigrateOptions options;
  options.dsn = database_->owner_dsn();
  options.partition_hours = 6;
  must(migrate_postgres(options));
  EXPECT_EQ(number("SELECT count(*) FROM timescaledb_information.dimensions WHERE time_interval ="
                   " '6 hours' AND hypertable_name IN ('points', 'misses')"),
            2);
}

TEST(CompressedChunksOfALife, AnswerLikeTheObviouslyRightOne) {
  IA_NEEDS_SERVER(shared_timescaledb_server());
  TestDatabase database(**shared_timescaledb_server());
  live_through_random_days(
      [&]() -> std::unique_ptr<Store> {
        PostgresStoreOptions options;
        options.retention = kStoreLifeRetention;
        options.pool_size = 2;
        return std::make_unique<CompressingStore>(database.open(options), database.owner_dsn());
      },
      180);
}

}  // namespace
}  // namespace ia
