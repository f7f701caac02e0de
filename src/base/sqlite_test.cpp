#include "base/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace ia::sqlite {
namespace {

using ::testing::HasSubstr;

class SqliteTest : public ::testing::Test {
 protected:
  SqliteTest() {
    std::string pattern = ::testing::TempDir() + "sqlite_test.XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~SqliteTest() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path file() const { return directory_ / "a?b#c%d.db"; }
  Connection create() { return Connection::open(file(), Access::kCreate).value(); }

  std::filesystem::path directory_;
};

TEST_F(SqliteTest, GivesBackWhatWasBound) {
  auto db = create();
  ASSERT_TRUE(db.execute("CREATE TABLE t(a, b, c, d)"));
  const std::string blob("\0x\0", 3);
  auto insert = db.prepare("INSERT INTO t VALUES (?, ?, ?, ?)").value();
  ASSERT_TRUE(insert.bind(1, INT64_MIN).bind_blob(2, blob).bind_text(3, "text").bind_null(4).run());

  auto select = db.prepare("SELECT a, b, c, d FROM t").value();
  ASSERT_TRUE(select.step().value());
  EXPECT_EQ(select.integer(0), INT64_MIN);
  EXPECT_EQ(select.blob(1), blob);
  EXPECT_EQ(select.text(2), "text");
  EXPECT_TRUE(select.is_null(3));
  EXPECT_FALSE(select.step().value());
}

TEST_F(SqliteTest, CreatesFilesThatOnlyTheirOwnerReads) {
  auto db = create();
  ASSERT_TRUE(db.execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a)"));

  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    struct stat status{};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600) << entry.path();
  }
}

TEST_F(SqliteTest, RollsBackATransactionThatWasNotCommitted) {
  auto db = create();
  ASSERT_TRUE(db.execute("CREATE TABLE t(a)"));
  {
    auto lost = Transaction::begin(db, Transaction::Kind::kWrite).value();
    ASSERT_TRUE(db.execute("INSERT INTO t VALUES (1)"));
  }
  auto kept = Transaction::begin(db, Transaction::Kind::kWrite).value();
  ASSERT_TRUE(db.execute("INSERT INTO t VALUES (2)"));
  ASSERT_TRUE(kept.commit());

  EXPECT_EQ(db.integer("SELECT sum(a) FROM t"), 2);
}

TEST_F(SqliteTest, SaysThatAnAbsentFileCannotBeOpened) {
  const auto db = Connection::open(file(), Access::kRead);
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, Errc::kUnavailable);
  EXPECT_THAT(db.error().message, HasSubstr(file().string() + ": cannot be opened"));
}

TEST_F(SqliteTest, SaysThatAForeignFileIsCorrupt) {
  std::ofstream(file()) << std::string(8192, 'x');
  auto db = create();
  const auto read = db.integer("SELECT count(*) FROM sqlite_schema");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::kCorrupt);
}

TEST_F(SqliteTest, SaysThatALockedDatabaseIsBusy) {
  auto first = create();
  ASSERT_TRUE(first.execute("CREATE TABLE t(a)"));
  auto held = Transaction::begin(first, Transaction::Kind::kWrite).value();
  auto second = Connection::open(file(), Access::kWrite, std::chrono::milliseconds{0}).value();

  const auto begun = Transaction::begin(second, Transaction::Kind::kWrite);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Errc::kUnavailable);
  EXPECT_THAT(begun.error().message, HasSubstr("busy"));
}

TEST_F(SqliteTest, SaysThatTheDiskIsFull) {
  auto db = create();
  ASSERT_TRUE(db.execute("CREATE TABLE t(a); PRAGMA max_page_count=3"));
  const auto stored = db.execute("INSERT INTO t VALUES (zeroblob(100000))");
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, Errc::kUnavailable);
  EXPECT_THAT(stored.error().message, HasSubstr("disk full: "));
}

TEST_F(SqliteTest, QuotesSqliteWhenTheStatementIsWrong) {
  auto db = create();
  const auto wrong = db.execute("SELEC 1");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::kInvalid);
  EXPECT_THAT(wrong.error().message, HasSubstr("near \"SELEC\""));
}

TEST_F(SqliteTest, ReportsAParameterThatDoesNotExistAtTheNextStep) {
  auto db = create();
  auto select = db.prepare("SELECT ?").value();
  EXPECT_FALSE(select.bind(2, 1).step());
  EXPECT_TRUE(select.bind(1, 1).step().value());
}

}  // namespace
}  // namespace ia::sqlite
