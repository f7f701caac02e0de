#include "adapters/postgres/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/postgres/read.h"
#include "store_fixture.h"
#include "testing/store_life.h"

// What the store on PostgreSQL promises besides the contract: its plans, rights, tables and errors.
namespace ia {
namespace {

using postgres::Connection;
using postgres::Params;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const Minute kNoon{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} + hours{12}};

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

PointBatch batch_of(Minute minute, std::uint64_t first, std::uint64_t count) {
  PointBatch batch{.minute = minute,
                   .retrieved_at = minute + seconds{7},
                   .influencers = {},
                   .followers = {},
                   .following = {},
                   .misses = {},
                   .usernames = {}};
  for (auto i = first; i < first + count; ++i) {
    batch.influencers.push_back(id(i));
    batch.followers.push_back(static_cast<std::int64_t>(i * 10));
    batch.following.push_back(static_cast<std::int64_t>(i % 100));
  }
  return batch;
}

class PostgresStore : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database_ = std::make_unique<TestDatabase>(server());
    store_ = database_->open();
  }
  void TearDown() override {
    store_.reset();
    database_.reset();
  }

  Result<AppendResult> append(const PointBatch& batch) {
    return store_->append(std::span(&batch, 1));
  }
  std::int64_t number(const char* sql) {
    auto db = database_->connect();
    return must(db.query(sql)).integer(0, 0);
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Store> store_;
};

std::string plan_of_a_day(Connection& db, InfluencerId influencer, Minute begin) {
  const auto rows = must(db.query(
      (std::string("EXPLAIN (ANALYZE, BUFFERS, TIMING off) ") + postgres::kSeriesSql).c_str(),
      Params()
          .add(static_cast<std::int64_t>(number_of(influencer)))
          .add(begin)
          .add(begin + days{1})));
  std::string plan;
  for (std::size_t row = 0; row < rows.size(); ++row) plan += std::string(rows.text(row, 0)) + "\n";
  return plan;
}

TEST_F(PostgresStore, ReadsASeriesFromThePagesOfOneInfluencerAndThoseDays) {
  constexpr std::uint64_t kInfluencers = 2'000;
  for (int minute = 0; minute < 40; ++minute) {
    const auto at = kNoon + minutes{minute};
    must(append(batch_of(at, 1, kInfluencers)));
    must(append(batch_of(at + days{2}, 1, kInfluencers)));
  }
  must(database_->connect().execute("VACUUM ANALYZE ia.points"));
  auto db = database_->connect();
  const auto plan = plan_of_a_day(db, id(777), std::chrono::floor<days>(kNoon));
  EXPECT_THAT(plan, AllOf(HasSubstr("Index Only Scan"), HasSubstr("influencer_id = "),
                          Not(HasSubstr("Seq Scan on points"))));
  EXPECT_THAT(plan, HasSubstr("points_20240305T00"));
  EXPECT_THAT(plan, Not(HasSubstr("points_20240307T00"))) << "a day that was not asked for";
  EXPECT_THAT(plan, Not(HasSubstr("Rows Removed by Filter"))) << "rows of somebody else";
  EXPECT_THAT(plan, HasSubstr("Heap Fetches: 0"));
}

// Before anybody has counted the rows of a new day.
TEST_F(PostgresStore, ReadsASeriesByTheIndexWithoutStatistics) {
  for (int minute = 0; minute < 10; ++minute) {
    must(append(batch_of(kNoon + minutes{minute}, 1, 3'000)));
  }
  auto db = database_->connect();
  EXPECT_THAT(plan_of_a_day(db, id(777), std::chrono::floor<days>(kNoon)),
              AllOf(HasSubstr("points_20240305T00_"), Not(HasSubstr("Seq Scan on points"))));
}

TEST_F(PostgresStore, TakesManyPointsAtOnce) {
  std::vector<PointBatch> batches;
  for (std::uint64_t shard = 0; shard < 60; ++shard) {
    batches.push_back(batch_of(kNoon, shard * 1000, 1000));
  }
  EXPECT_EQ(must(store_->append(batches)).stored, 60'000u);
  const auto again = must(store_->append(batches));
  EXPECT_EQ(again.stored, 0u);
  EXPECT_EQ(again.repeats, 60'000u);
  EXPECT_EQ(must(store_->size()).points, 60'000u);
}

TEST_F(PostgresStore, MakesPlaceForAnyDayWithoutARightToCreate) {
  must(append(batch_of(kNoon - days{400}, 1, 1)));
  must(append(batch_of(kNoon + days{400}, 1, 1)));
  EXPECT_EQ(number("SELECT count(*) FROM ia.partitions"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM ia.points"), 2);
}

TEST_F(PostgresStore, MakesShorterSpansFromThenOn) {
  must(append(batch_of(kNoon, 1, 1)));
  PostgresMigrateOptions options;
  options.dsn = database_->owner_dsn();
  options.partition_hours = 6;
  must(migrate_postgres(options));
  must(append(batch_of(kNoon + hours{13}, 1, 1)));
  must(append(batch_of(kNoon + hours{20}, 1, 1)));
  options.partition_hours = 24;
  must(migrate_postgres(options));
  // Half of its day is there already.
  must(append(batch_of(kNoon + hours{25}, 1, 1)));
  EXPECT_EQ(number("SELECT count(*) FROM ia.partitions WHERE end_at - begin_at = '1 day'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM ia.partitions WHERE end_at - begin_at = '6 hours'"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM ia.partitions WHERE end_at - begin_at = '1 hour'"), 1);
  EXPECT_THAT(must(store_->read_series(id(1), {kNoon, kNoon + days{9}})).minutes, SizeIs(4));
}

TEST_F(PostgresStore, MakesTheComingDayAheadAndDropsTheExpiredOnes) {
  must(append(batch_of(kNoon, 1, 5)));
  while (must(store_->maintain(kNoon))) {
  }
  EXPECT_EQ(number("SELECT count(*) FROM ia.partitions"), 2);
  while (must(store_->maintain(kNoon + days{40}))) {
  }
  EXPECT_EQ(number("SELECT count(*) FROM ia.partitions WHERE begin_at < '2024-03-20'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM pg_class WHERE relname = 'points_20240305T00'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM ia.minutes"), 1) << "the accounts stay";
  EXPECT_EQ(number("SELECT count(*) FROM ia.latest"), 5);
}

TEST_F(PostgresStore, ForgetsBatchesOnceTheirValuesAreInLatest) {
  must(append(batch_of(kNoon, 1, 5)));
  while (must(store_->maintain(kNoon + minutes{9}))) {
  }
  EXPECT_EQ(number("SELECT count(*) FROM ia.batches"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM ia.latest"), 0);
  while (must(store_->maintain(kNoon + minutes{12}))) {
  }
  EXPECT_EQ(number("SELECT count(*) FROM ia.latest"), 5);
  EXPECT_EQ(number("SELECT count(*) FROM ia.batches"), 0);
}

TEST_F(PostgresStore, LeadsOnWhoeverKnowsPositionsThatWereLost) {
  must(append(batch_of(kNoon, 1, 5)));
  const auto cursor = must(store_->read_latest()).cursor;
  while (must(store_->maintain(kNoon + days{1}))) {
  }
  // As after a failover to a standby that had not all yet.
  const auto tail = must(store_->read_tail({cursor.position + 1000}));
  ASSERT_THAT(tail.batches, SizeIs(1));
  EXPECT_THAT(tail.batches[0].influencers, SizeIs(5));
  EXPECT_EQ(tail.cursor.position, cursor.position);
}

TEST_F(PostgresStore, TellsNamesToWhoeverBeginsWithLatest) {
  auto batch = batch_of(kNoon, 1, 2);
  batch.usernames = {{id(2), "bea"}};
  must(append(batch));
  while (must(store_->maintain(kNoon + days{1}))) {
  }
  const auto tail = must(store_->read_tail({}));
  ASSERT_THAT(tail.batches, SizeIs(1));
  EXPECT_THAT(tail.batches[0].usernames, ElementsAre(Username{id(2), "bea"}));
}

TEST_F(PostgresStore, RefusesForGoodWhatTheServerCannotHold) {
  auto broken_name = batch_of(kNoon, 1, 1);
  broken_name.usernames = {{id(1), "\xff\xfe"}};
  auto nul_name = batch_of(kNoon, 1, 1);
  nul_name.usernames = {{id(1), std::string("a\0b", 3)}};
  const auto ancient = batch_of(Minute{} - minutes{1}, 1, 1);
  const auto far_off = batch_of(Minute::max() - minutes{1'000'000}, 1, 1);
  for (const auto& batch : {broken_name, nul_name, ancient}) {
    const auto refused = append(batch);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kInvalid) << refused.error().message;
  }
  auto flawed = far_off;
  flawed.retrieved_at = WallTime{};
  EXPECT_FALSE(append(flawed));
  EXPECT_EQ(number("SELECT count(*) FROM ia.points"), 0);
  EXPECT_EQ(must(append(batch_of(kNoon, 1, 1))).stored, 1u);
}

TEST_F(PostgresStore, ReadsAnyRangeThatATimeCanName) {
  must(append(batch_of(kNoon, 1, 1)));
  const MinuteRange all{Minute::min(), Minute::max()};
  EXPECT_THAT(must(store_->read_series(id(1), all)).minutes, ElementsAre(kNoon));
  EXPECT_THAT(must(store_->read_minutes(all)), SizeIs(1));
  EXPECT_THAT(must(store_->find_usernames("\xff", 9)), IsEmpty());
}

// A sink must keep what it holds: kInvalid would bury it.
TEST_F(PostgresStore, KeepsDataWaitingWhileARightIsMissing) {
  must(database_->connect().execute(
      std::string("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ia FROM ") + kRunTimeRole));
  const auto refused = append(batch_of(kNoon, 1, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("migrate --grant-to ROLE` as the owner"));
}

TEST_F(PostgresStore, GivesUpOnALockInTime) {
  auto blocker = database_->connect();
  must(blocker.execute("BEGIN; SELECT pg_advisory_xact_lock(18785, 1)"));
  PostgresStoreOptions options;
  options.statement_timeout = std::chrono::milliseconds{100};
  const auto store = database_->open(options);
  const auto batch = batch_of(kNoon, 1, 1);
  const auto refused = store->append(std::span(&batch, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kOverloaded);
  EXPECT_EQ(must(store->read_minutes({kNoon, kNoon + minutes{1}})).size(), 0u) << "reads go on";
  must(blocker.execute("COMMIT"));
  EXPECT_EQ(must(store->append(std::span(&batch, 1))).stored, 1u);
}

TEST_F(PostgresStore, ReadsOnWithoutAWordAfterItsConnectionsBroke) {
  must(append(batch_of(kNoon, 1, 1)));
  must(store_->read_series(id(1), {kNoon, kNoon + minutes{1}}));
  must(database_->connect().execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
      " AND datname = current_database()"));
  EXPECT_THAT(must(store_->read_series(id(1), {kNoon, kNoon + minutes{1}})).minutes, SizeIs(1));
  EXPECT_THAT(must(store_->read_minutes({kNoon, kNoon + minutes{1}})), SizeIs(1));
}

TEST_F(PostgresStore, RefusesOptionsThatMakeNoSense) {
  Log log(LogLevel::kError, LogFormat::kText, [](std::string_view) {});
  PostgresStoreOptions options;
  options.dsn = database_->run_time_dsn();
  options.retention = days{0};
  EXPECT_EQ(open_postgres_store(options, log).error().code, Errc::kInvalid);
  options.retention = days{1};
  options.pool_size = 0;
  EXPECT_EQ(open_postgres_store(options, log).error().code, Errc::kInvalid);
}

TEST_F(PostgresStore, AnswersLikeTheObviouslyRightOne) {
  const auto open = [&] {
    PostgresStoreOptions options;
    options.retention = kStoreLifeRetention;
    options.pool_size = 2;
    return database_->open(options);
  };
  live_through_random_days(open, 300);
}

}  // namespace
}  // namespace ia
