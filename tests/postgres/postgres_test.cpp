#include "adapters/postgres/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "fixture.h"

// The wrapper of libpq against a real server.
namespace ia {
namespace {

using postgres::Connection;
using postgres::CopyReader;
using postgres::CopyRows;
using postgres::Params;
using postgres::Transaction;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Minute kNoon{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} + std::chrono::hours{12}};

class Postgres : public PostgresTest {
 protected:
  Connection open(milliseconds timeout = seconds{30}) {
    return Connection::open({.dsn = server().dsn(), .statement_timeout = timeout}).value();
  }
};

TEST_F(Postgres, CarriesValuesBothWays) {
  auto db = open();
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const auto rows = db.query("SELECT $1, $2, $3, $4, $5, $6, -7::smallint, -8::integer",
                             Params()
                                 .add(true)
                                 .add(least)
                                 .add(WallTime{kNoon + milliseconds{123}})
                                 .add(kNoon)
                                 .add(std::string_view("\xc3\x84 'x'"))
                                 .add_bytes(std::string_view("a\0b", 3)))
                        .value();
  EXPECT_TRUE(rows.boolean(0, 0));
  EXPECT_EQ(rows.integer(0, 1), least);
  EXPECT_EQ(rows.time(0, 2), kNoon + milliseconds{123});
  EXPECT_EQ(rows.minute(0, 3), kNoon);
  EXPECT_EQ(rows.text(0, 4), "\xc3\x84 'x'");
  EXPECT_EQ(rows.text(0, 5), std::string_view("a\0b", 3));
  EXPECT_EQ(rows.integer(0, 6), -7);
  EXPECT_EQ(rows.integer(0, 7), -8);
}

TEST_F(Postgres, CarriesArraysBothWays) {
  auto db = open();
  const std::vector<std::int64_t> numbers{1, -2, 3};
  const std::vector<std::int64_t> none;
  const std::vector<std::string_view> texts{"a", "", "b c"};
  const std::vector<Minute> times{kNoon};
  const auto rows = db.query("SELECT $1, $2, array_to_string($3, '|'), ($4)[1]",
                             Params()
                                 .add(std::span<const std::int64_t>(numbers))
                                 .add(std::span<const std::int64_t>(none))
                                 .add(std::span<const std::string_view>(texts))
                                 .add(std::span<const Minute>(times)))
                        .value();
  EXPECT_THAT(rows.integers(0, 0), ElementsAre(1, -2, 3));
  EXPECT_THAT(rows.integers(0, 1), ElementsAre());
  EXPECT_EQ(rows.text(0, 2), "a||b c");
  EXPECT_EQ(rows.minute(0, 3), kNoon);
}

TEST_F(Postgres, SaysWhatTheServerSaid) {
  auto db = open();
  const auto refused = db.query("SELECT 1 / 0");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("division by zero (SQLSTATE 22012)"));
  EXPECT_EQ(db.sqlstate(), "22012");
  EXPECT_TRUE(db.query("SELECT 1"));
  EXPECT_EQ(db.sqlstate(), "");
}

TEST_F(Postgres, RefusesAConnectionStringThatCannotBeRead) {
  const auto opened = Connection::open({.dsn = "host=x sslmoed=require"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kInvalid);
  EXPECT_THAT(opened.error().message, HasSubstr("sslmoed"));
}

TEST_F(Postgres, SaysThatNobodyAnswers) {
  const auto opened = Connection::open({.dsn = "host=/nowhere dbname=x"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kUnavailable);
  EXPECT_THAT(opened.error().message, HasSubstr("/nowhere"));
}

TEST_F(Postgres, EndsAStatementThatTakesTooLong) {
  auto db = open(milliseconds{50});
  const auto slow = db.query("SELECT pg_sleep(30)");
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, Errc::kOverloaded);
  EXPECT_FALSE(db.is_broken());
  EXPECT_TRUE(db.query("SELECT 1"));
}

TEST_F(Postgres, KnowsThatItsConnectionIsGone) {
  auto db = open();
  auto other = open();
  ASSERT_TRUE(other.query("SELECT pg_terminate_backend($1::integer)",
                          Params().add(std::int64_t{db.backend_pid()})));
  const auto lost = db.query("SELECT 1");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::kUnavailable);
  EXPECT_TRUE(db.is_broken());
}

TEST_F(Postgres, CopiesManyRowsInAndOut) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TEMP TABLE t (a bigint, b timestamptz)"));
  CopyRows rows;
  constexpr std::int64_t kRows = 200'000;
  for (std::int64_t i = 0; i < kRows; ++i) rows.row(2).add(i).add(kNoon);
  ASSERT_TRUE(db.copy_in("COPY t FROM STDIN (FORMAT binary)", std::move(rows).finish()));

  std::int64_t next = 0;
  ASSERT_TRUE(db.copy_out("COPY t TO STDOUT (FORMAT binary)", [&](CopyReader row) {
    EXPECT_EQ(row.integer(), next++);
    EXPECT_EQ(row.time(), kNoon);
  }));
  EXPECT_EQ(next, kRows);
  EXPECT_EQ(db.query("SELECT count(*) FROM t")->integer(0, 0), kRows);
}

TEST_F(Postgres, SaysWhyACopyWasRefused) {
  auto db = open();
  const auto refused = db.copy_in("COPY nothing FROM STDIN (FORMAT binary)", "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(db.sqlstate(), "42P01");
  ASSERT_TRUE(db.execute("CREATE TEMP TABLE t (a bigint)"));
  EXPECT_FALSE(db.copy_in("COPY t FROM STDIN (FORMAT binary)", "nonsense"));
  EXPECT_EQ(db.sqlstate(), "22P04");
  EXPECT_TRUE(db.query("SELECT 1"));
}

TEST_F(Postgres, RollsBackWhatWasNotCommitted) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TEMP TABLE t (a bigint)"));
  {
    auto transaction = Transaction::begin(db).value();
    ASSERT_TRUE(db.execute("INSERT INTO t VALUES (1)"));
  }
  {
    auto transaction = Transaction::begin(db).value();
    ASSERT_TRUE(db.execute("INSERT INTO t VALUES (2)"));
    ASSERT_TRUE(transaction.commit());
  }
  EXPECT_FALSE(db.is_in_transaction());
  EXPECT_EQ(db.query("SELECT sum(a)::bigint FROM t")->integer(0, 0), 2);
}

class PostgresTls : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = PostgresServer::start({.with_tls = true});
    IA_NEEDS_SERVER(started);
    server_ = std::move(*started);
  }
  Result<Connection> open(const std::string& more) {
    return Connection::open({.dsn = server_->tcp_dsn("postgres") + " " + more});
  }
  std::unique_ptr<PostgresServer> server_;
};

TEST_F(PostgresTls, ChecksTheServersCertificateAndName) {
  const auto authority = " sslrootcert=" + server_->tls_authority().string();
  const std::string verified = "hostaddr=127.0.0.1 sslmode=verify-full";
  auto db = open(verified + " host=localhost" + authority);
  ASSERT_TRUE(db) << db.error().message;
  EXPECT_TRUE(db->query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")->boolean(0, 0));

  const auto elsewhere = open(verified + " host=db.example" + authority);
  ASSERT_FALSE(elsewhere);
  EXPECT_THAT(elsewhere.error().message, HasSubstr("does not match host name"));
  const auto unknown = open(verified + " host=localhost sslrootcert=/dev/null");
  EXPECT_FALSE(unknown);
}

}  // namespace
}  // namespace ia
