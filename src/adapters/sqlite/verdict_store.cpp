#include "adapters/sqlite/verdict_store.h"

#include <algorithm>
#include <mutex>

#include "base/sqlite.h"

namespace ia {
namespace {

using sqlite::Connection;
using sqlite::ms_of;
using sqlite::Statement;
using sqlite::time_of;
using sqlite::Transaction;

constexpr const char* kTables = R"sql(
  CREATE TABLE verdict(
    influencer INTEGER PRIMARY KEY,
    suspicious INTEGER NOT NULL,
    followers INTEGER NOT NULL,
    following INTEGER NOT NULL,
    checked_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    position INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX verdict_by_position ON verdict(position);
)sql";
constexpr sqlite::Schema kSchema{
    .what = "verdicts", .application_id = 0x49417631 /* "IAv1" */, .format = 2, .sql = kTables};

constexpr const char* kPut =
    "INSERT INTO verdict VALUES (?1, ?2, ?3, ?4, ?5, ?5,"
    " (SELECT coalesce(max(position), 0) + 1 FROM verdict))"
    " ON CONFLICT (influencer) DO UPDATE SET suspicious = excluded.suspicious,"
    " followers = excluded.followers, following = excluded.following,"
    " checked_ms = excluded.checked_ms, position = excluded.position, changed_ms ="
    " iif(verdict.suspicious = excluded.suspicious, verdict.changed_ms, excluded.checked_ms)"
    " WHERE excluded.checked_ms > verdict.checked_ms";

constexpr const char* kRead =
    "SELECT influencer, suspicious, followers, following, checked_ms, changed_ms, position"
    " FROM verdict WHERE position > ?1 ORDER BY position LIMIT ?2";

Status make_tables(Connection& db) {
  db.reserve_checksums();
  if (auto set = db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"); !set) return set;
  return sqlite::ensure_schema(db, kSchema);
}

Status find_tables(Connection& db) {
  const auto has = sqlite::has_schema(db, kSchema);
  if (!has) return std::unexpected(has.error());
  if (*has) return {};
  return fail(Errc::kUnavailable, db.file().string() + ": there are no verdicts yet");
}

class SqliteVerdictStore final : public VerdictStore {
 public:
  SqliteVerdictStore(Connection db, Statement put, Statement read)
      : db_(std::move(db)), put_(std::move(put)), read_(std::move(read)) {}

  Status put(std::span<const Verdict> verdicts) override {
    const std::scoped_lock lock(mutex_);
    auto transaction = Transaction::begin(db_, Transaction::Kind::kWrite);
    if (!transaction) return fail("verdicts", transaction.error());
    for (const auto& verdict : verdicts) {
      put_.bind(1, static_cast<std::int64_t>(number_of(verdict.influencer)))
          .bind(2, verdict.suspicious ? 1 : 0)
          .bind(3, verdict.judged.followers)
          .bind(4, verdict.judged.following)
          .bind(5, ms_of(verdict.checked_at));
      if (const auto done = put_.run(); !done) return fail("verdicts", done.error());
    }
    const auto committed = transaction->commit();
    return committed ? Status{} : fail("verdicts", committed.error());
  }

  Result<VerdictPage> read(VerdictCursor from, std::size_t count_max) const override {
    const std::scoped_lock lock(mutex_);
    const sqlite::ResetAtEnd reset(read_);
    read_.bind(1, static_cast<std::int64_t>(from.position))
        .bind(2, static_cast<std::int64_t>(count_max));
    VerdictPage page{.verdicts = {}, .cursor = from};
    while (true) {
      const auto row = read_.step();
      if (!row) return fail("verdicts", row.error());
      if (!*row) return page;
      page.verdicts.push_back(
          {.influencer = InfluencerId{static_cast<std::uint64_t>(read_.integer(0))},
           .suspicious = read_.integer(1) != 0,
           .judged = {read_.integer(2), read_.integer(3)},
           .checked_at = time_of(read_.integer(4)),
           .changed_at = time_of(read_.integer(5))});
      page.cursor.position = static_cast<std::uint64_t>(read_.integer(6));
    }
  }

 private:
  mutable std::mutex mutex_;
  Connection db_;
  Statement put_;
  mutable Statement read_;
};

}  // namespace

Result<std::unique_ptr<VerdictStore>> open_sqlite_verdict_store(
    const std::filesystem::path& directory, bool read_only) {
  const auto file = directory / "verdicts.db";
  auto db = Connection::open(file, read_only ? sqlite::Access::kRead : sqlite::Access::kCreate);
  if (!db) return std::unexpected(db.error());
  const auto ready = read_only ? find_tables(*db) : make_tables(*db);
  if (!ready) return std::unexpected(ready.error());
  auto put = db->prepare(kPut);
  if (!put) return std::unexpected(put.error());
  auto read = db->prepare(kRead);
  if (!read) return std::unexpected(read.error());
  return std::make_unique<SqliteVerdictStore>(std::move(*db), std::move(*put), std::move(*read));
}

}  // namespace ia
