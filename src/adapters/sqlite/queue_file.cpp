#include "adapters/sqlite/queue_file.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ia {
namespace {

using sqlite::Connection;
using sqlite::Statement;
using sqlite::Transaction;

constexpr std::int64_t kFormat = 1;
constexpr std::int64_t kApplicationId = 0x49417131;  // "IAq1"

// Bodies lie apart so that a change of visibility rewrites a few dozen bytes, and a burial moves
// no body. Ids are never used twice, so that a receipt can never mean another message.
constexpr const char* kSchema = R"sql(
  CREATE TABLE messages(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    visible_at INTEGER NOT NULL,
    timeout_ms INTEGER NOT NULL,
    receive_count INTEGER NOT NULL,
    sent_at INTEGER NOT NULL
  );
  CREATE INDEX messages_by_visible_at ON messages(visible_at, receive_count);
  CREATE TABLE bodies(id INTEGER PRIMARY KEY, body BLOB NOT NULL);
  CREATE TABLE dead(
    number INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,
    buried_at INTEGER NOT NULL,
    reason TEXT NOT NULL
  );
)sql";

Status create_schema(Connection& db) {
  auto transaction = Transaction::begin(db, Transaction::Kind::kWrite);
  if (!transaction) return std::unexpected(transaction.error());
  const auto format = db.integer("PRAGMA user_version");
  if (!format) return std::unexpected(format.error());
  if (*format != 0) return {};  // another process was faster
  if (auto made = db.execute(kSchema); !made) return made;
  const auto marks = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                     "; PRAGMA user_version=" + std::to_string(kFormat);
  if (auto marked = db.execute(marks.c_str()); !marked) return marked;
  return transaction->commit();
}

struct Marks {
  std::int64_t format;
  std::int64_t application;
  std::int64_t tables;
};

// Columns that files of earlier versions lack; those versions ignore them.
struct NewerColumn {
  std::string table, name, type;
};
const NewerColumn kNewerColumns[] = {{"messages", "failures", "INTEGER NOT NULL DEFAULT 0"},
                                     {"messages", "is_open", "INTEGER NOT NULL DEFAULT 0"},
                                     {"messages", "sum", "INTEGER"}};

Status add_columns(Connection& db) {
  for (const auto& [table, name, type] : kNewerColumns) {
    const auto query =
        "SELECT count(*) FROM pragma_table_info('" + table + "') WHERE name = '" + name + "'";
    const auto known = db.integer(query.c_str());
    if (!known) return std::unexpected(known.error());
    if (*known > 0) continue;
    const auto change = "ALTER TABLE " + table + " ADD COLUMN " + name + " " + type;
    if (auto added = db.execute(change.c_str()); !added) return added;
  }
  return {};
}

Status bring_up_to_date(Connection& db) {
  auto transaction = Transaction::begin(db, Transaction::Kind::kWrite);
  if (!transaction) return std::unexpected(transaction.error());
  if (auto added = add_columns(db); !added) return added;
  return transaction->commit();
}

// All from one snapshot: another process may be creating the tables.
Result<Marks> read_marks(Connection& db) {
  auto transaction = Transaction::begin(db, Transaction::Kind::kRead);
  if (!transaction) return std::unexpected(transaction.error());
  const auto tables = db.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(tables.error());
  const auto format = db.integer("PRAGMA user_version");
  if (!format) return std::unexpected(format.error());
  const auto application = db.integer("PRAGMA application_id");
  if (!application) return std::unexpected(application.error());
  return Marks{*format, *application, *tables};
}

// True for a file in which nothing was ever written.
Result<bool> check_new(Connection& db) {
  const auto marks = read_marks(db);
  if (!marks) return std::unexpected(marks.error());
  const auto [format, application, tables] = *marks;
  if (format == 0 && application == 0 && tables == 0) return true;
  const auto file = db.file().string();
  if (application != kApplicationId) {
    return fail(Errc::kInvalid, file + ": a database, but not a queue of this program: move it " +
                                    "away, or name another data directory");
  }
  if (format != kFormat) {
    return fail(Errc::kInvalid, file + ": written by a newer version (format " +
                                    std::to_string(format) + ", this program knows " +
                                    std::to_string(kFormat) +
                                    "): run that version, or name another data directory");
  }
  return false;
}

// Switching a new file to WAL takes an exclusive lock for which SQLite does not wait.
Status enter_wal_mode(Connection& db) {
  Status entered;
  for (int attempt = 0; attempt < 100; ++attempt) {
    entered = db.execute("PRAGMA journal_mode=WAL");
    if (entered || entered.error().code != Errc::kUnavailable) return entered;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return entered;
}

Status prepare_file(Connection& db) {
  const auto is_new = check_new(db);
  if (!is_new) return std::unexpected(is_new.error());
  if (auto entered = enter_wal_mode(db); !entered) return entered;
  if (*is_new) {
    if (auto made = create_schema(db); !made) return made;
  }
  return bring_up_to_date(db);
}

Result<Connection> connect(const std::filesystem::path& file, const char* settings) {
  auto db = Connection::open(file, sqlite::Access::kWrite);
  if (!db) return db;
  if (auto set = db->execute(settings); !set) return std::unexpected(set.error());
  return db;
}

}  // namespace

bool is_queue_name(const std::string& name) {
  return !name.empty() && name.size() <= 80 && std::ranges::all_of(name, [](char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '_' ||
           c == '-';
  });
}

Result<QueueStatements> QueueStatements::prepare(Connection& writer, Connection& reader) {
  std::optional<Error> error;
  std::vector<Statement> made;
  const auto add = [&](Connection& db, std::string_view sql) {
    if (error) return;
    auto statement = db.prepare(sql);
    if (statement) {
      made.push_back(std::move(*statement));
    } else {
      error = statement.error();
    }
  };
  add(writer,
      "INSERT INTO messages(visible_at, timeout_ms, receive_count, sent_at, sum)"
      " VALUES(?1, ?2, 0, ?3, ?4)");
  add(writer, "INSERT INTO bodies(id, body) VALUES(?1, ?2)");
  add(writer,
      "SELECT m.id, m.receive_count, m.sent_at, m.failures + m.is_open, b.body, m.sum"
      " FROM messages m LEFT JOIN bodies b ON b.id = m.id WHERE m.visible_at <= ?1 ORDER BY "
      "m.visible_at LIMIT ?2");
  add(writer,
      "UPDATE messages SET visible_at = ?2, timeout_ms = ?3, receive_count = ?4, failures = ?5,"
      " is_open = 1 WHERE id = ?1");
  add(writer, "DELETE FROM messages WHERE id = ?1 AND receive_count = ?2");
  add(writer, "DELETE FROM bodies WHERE id = ?1");
  add(writer,
      "UPDATE messages SET visible_at = ?3, timeout_ms = ?4 WHERE id = ?1 AND receive_count = ?2");
  add(writer, "INSERT INTO dead(message_id, buried_at, reason) VALUES(?1, ?2, ?3)");
  add(writer,
      "DELETE FROM bodies WHERE id IN"
      " (SELECT message_id FROM dead WHERE number <= (SELECT max(number) FROM dead) - ?1)");
  add(writer, "DELETE FROM dead WHERE number <= (SELECT max(number) FROM dead) - ?1");
  add(writer,
      "UPDATE messages SET visible_at = ?1 + timeout_ms"
      " WHERE visible_at > ?1 AND visible_at > ?1 + timeout_ms");
  add(writer, "UPDATE messages SET is_open = 0 WHERE id = ?1 AND receive_count = ?2");
  add(writer, "SELECT number, message_id FROM dead ORDER BY number LIMIT 1");
  add(writer, "UPDATE bodies SET id = ?2 WHERE id = ?1");
  add(writer, "DELETE FROM dead WHERE number = ?1");
  add(writer, "INSERT OR IGNORE INTO bodies(id, body) VALUES(?1, x'')");
  add(writer,
      "SELECT id FROM bodies WHERE id NOT IN (SELECT id FROM messages)"
      " AND id NOT IN (SELECT message_id FROM dead)");
  add(writer, "DELETE FROM messages WHERE id = ?1");
  add(reader, "SELECT visible_at FROM messages ORDER BY visible_at LIMIT 1");
  add(reader,
      "SELECT count(*) FILTER (WHERE visible_at <= ?1),"
      " count(*) FILTER (WHERE visible_at > ?1 AND receive_count > 0),"
      " count(*) FILTER (WHERE visible_at > ?1 AND receive_count = 0), min(visible_at)"
      " FROM messages");
  add(reader, "SELECT count(*) FROM dead");
  add(reader,
      "SELECT b.body, d.reason FROM dead d JOIN bodies b ON b.id = d.message_id"
      " ORDER BY d.number DESC LIMIT ?1");
  if (error) return std::unexpected(*error);
  auto at = std::make_move_iterator(made.begin());
  return QueueStatements{*at++, *at++, *at++, *at++, *at++, *at++, *at++, *at++, *at++, *at++,
                         *at++, *at++, *at++, *at++, *at++, *at++, *at++, *at++, *at++, *at++,
                         *at++, *at++};
}

Result<QueueFile> QueueFile::open(const std::filesystem::path& file) {
  auto writer = Connection::open(file, sqlite::Access::kCreate);
  if (!writer) return std::unexpected(writer.error());
  if (auto prepared = prepare_file(*writer); !prepared) return std::unexpected(prepared.error());
  // The log's file shrinks to this whenever it begins anew. Checkpoints are the queue's.
  auto set = writer->execute(
      "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=16777216; PRAGMA temp_store=MEMORY");
  if (!set) return std::unexpected(set.error());
  auto reader = connect(file, "PRAGMA query_only=1; PRAGMA cache_size=-256");
  if (!reader) return std::unexpected(reader.error());
  auto checkpointer = connect(file, "PRAGMA cache_size=-64; PRAGMA synchronous=FULL");
  if (!checkpointer) return std::unexpected(checkpointer.error());
  auto statements = QueueStatements::prepare(*writer, *reader);
  if (!statements) return std::unexpected(statements.error());
  return QueueFile{std::move(*writer), std::move(*reader), std::move(*checkpointer),
                   std::move(*statements)};
}

}  // namespace ia
