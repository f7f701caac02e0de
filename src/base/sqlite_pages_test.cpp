#include "base/sqlite_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "base/sqlite.h"
#include "testing/temp_dir.h"

namespace ia::sqlite {
namespace {

namespace fs = std::filesystem;

std::string contents_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put_contents(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class CheckedPagesTest : public ::testing::Test {
 protected:
  // 900 rows and an index, in WAL mode; what the log holds is in the file afterwards.
  void make(bool checksums) {
    auto db = Connection::open(file(), Access::kCreate).value();
    if (checksums) db.reserve_checksums();
    ASSERT_TRUE(db.execute("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; "
                           "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b BLOB); "
                           "CREATE INDEX t_by_a ON t(a); WITH RECURSIVE n(i) AS "
                           "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
                           "INSERT INTO t SELECT i, i * 7, zeroblob(i % 97 * 90) FROM n"));
  }
  // Everything that the file says, or the error of the first read that says nothing.
  Result<std::string> everything() const {
    auto db = Connection::open(file(), Access::kRead);
    if (!db) return std::unexpected(db.error());
    std::string all;
    for (const auto* sql : {"SELECT id, a, length(b) FROM t ORDER BY id",
                            "SELECT id, a, hex(b) = '' FROM t INDEXED BY t_by_a ORDER BY a"}) {
      auto select = db->prepare(sql);
      if (!select) return std::unexpected(select.error());
      while (true) {
        const auto row = select->step();
        if (!row) return std::unexpected(row.error());
        if (!*row) break;
        for (int i = 0; i < 3; ++i) all += std::to_string(select->integer(i)) + " ";
      }
    }
    return all;
  }
  fs::path file() const { return directory_.path() / "some.db"; }

  TempDir directory_;
};

TEST_F(CheckedPagesTest, AFlippedBitIsNeverReadAsTruth) {
  make(true);
  const auto truth = everything().value();
  const auto intact = contents_of(file());
  std::mt19937 random(7);
  for (std::size_t trial = 0; trial < 400; ++trial) {
    auto bytes = intact;
    // Every bit of the header, then any.
    const auto bit = trial < 200 ? trial % 100 * 8 + trial % 8 : random() % (bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    put_contents(file(), bytes);
    const auto read = everything();
    EXPECT_TRUE(!read || *read == truth) << "bit " << bit;
  }
}

TEST_F(CheckedPagesTest, AZeroedSectorAndALostEndAreDamage) {
  make(true);
  const auto intact = contents_of(file());
  for (std::size_t at = 4096; at < intact.size(); at += 4096 + 512) {
    auto bytes = intact;
    if (bytes.substr(at, 512) == std::string(512, '\0')) continue;
    bytes.replace(at, 512, 512, '\0');
    put_contents(file(), bytes);
    const auto read = everything();
    ASSERT_FALSE(read) << at;
    EXPECT_EQ(read.error().code, Errc::kCorrupt);
  }
  put_contents(file(), intact.substr(0, intact.size() - 5 * 4096));
  EXPECT_EQ(everything().error().code, Errc::kCorrupt);
}

TEST_F(CheckedPagesTest, APageOfTheLogIsComparedWhenItIsRead) {
  auto writer = Connection::open(file(), Access::kCreate).value();
  writer.reserve_checksums();
  ASSERT_TRUE(writer.execute("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; "
                             "PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a); "
                             "INSERT INTO t VALUES (1), (2), (3)"));
  auto reader = Connection::open(file(), Access::kRead).value();
  EXPECT_EQ(reader.integer("SELECT sum(a) FROM t").value(), 6);
  const auto log = file().string() + "-wal";
  std::fstream bytes(log, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(fs::file_size(log)) - 1000);
  bytes << "x" << std::flush;
  auto later = Connection::open(file(), Access::kRead).value();
  EXPECT_EQ(later.integer("SELECT sum(a) FROM t").error().code, Errc::kCorrupt);
  // Nor does a checkpoint make it true.
  (void)writer.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  EXPECT_EQ(later.integer("SELECT sum(a) FROM t").error().code, Errc::kCorrupt);
}

// A cache of ten pages: the transaction writes its pages to the log, reads them there and writes
// them again, before their checksums are made up.
TEST_F(CheckedPagesTest, ATransactionReadsItsOwnPagesInTheLog) {
  auto db = Connection::open(file(), Access::kCreate).value();
  db.reserve_checksums();
  ASSERT_TRUE(db.execute("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA cache_size=10; "
                         "PRAGMA wal_autocheckpoint=0; "
                         "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)"));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(db.execute("BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                           "WHERE i < 2000) INSERT OR REPLACE INTO t SELECT i * 7919 % 2003, i, "
                           "zeroblob(900) FROM n; UPDATE t SET a = a + 1; UPDATE t SET a = a - 1"));
    EXPECT_EQ(db.integer("SELECT sum(a) FROM t").value(), 2001000);
    ASSERT_TRUE(db.execute("COMMIT"));
    EXPECT_EQ(db.integer("SELECT sum(a) FROM t").value(), 2001000);
  }
  auto other = Connection::open(file(), Access::kRead).value();
  EXPECT_EQ(other.integer("SELECT sum(a) FROM t").value(), 2001000);
}

TEST_F(CheckedPagesTest, ALongLogIsRecovered) {
  const auto copy = directory_.path() / "copy.db";
  {
    auto db = Connection::open(file(), Access::kCreate).value();
    db.reserve_checksums();
    ASSERT_TRUE(db.execute("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; "
                           "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF; "
                           "CREATE TABLE t(a)"));
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(db.execute("INSERT INTO t VALUES (zeroblob(200000))"));
    for (const auto* suffix : {"", "-wal"}) {
      fs::copy_file(file().string() + suffix, copy.string() + suffix);
    }
  }
  EXPECT_FALSE(is_log_damaged(copy.string() + "-wal"));
  auto recovered = Connection::open(copy, Access::kWrite).value();
  EXPECT_EQ(recovered.integer("SELECT sum(length(a)) FROM t").value(), 12'000'000);
  ASSERT_TRUE(recovered.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  EXPECT_EQ(recovered.integer("SELECT sum(length(a)) FROM t").value(), 12'000'000);
}

TEST_F(CheckedPagesTest, AFileWithoutChecksumsIsReadAndGetsThemByRewriting) {
  make(false);
  const auto truth = everything().value();
  {
    auto db = Connection::open(file(), Access::kWrite).value();
    EXPECT_FALSE(db.has_checksums());
    ASSERT_TRUE(db.add_checksums());
    ASSERT_TRUE(db.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    EXPECT_TRUE(db.has_checksums());
  }
  EXPECT_EQ(everything().value(), truth);
  auto bytes = contents_of(file());
  bytes[bytes.size() - 4096 - 2000] ^= 1;
  put_contents(file(), bytes);
  EXPECT_EQ(everything().error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace ia::sqlite
