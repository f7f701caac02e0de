#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

// SQLite with ownership and our errors; of no schema in particular. Adapters share it.
//
// Errors: a full disk and failed I/O are kUnavailable ("disk full: ..."), as is a database that
// another connection keeps busy for longer than `busy_wait`. Damaged files are kCorrupt, and so is
// a failed fsync: what the disk holds is then unknown, so the caller must stop. An SQL text or
// parameter that is wrong, or a violated constraint, is kInvalid. Messages name the file.
namespace ia::sqlite {

class Statement;

enum class Access {
  kCreate,     // read and write; an absent file is created with mode 0600
  kWrite,      // read and write; the file must exist
  kRead,       // the file must exist; the -wal and -shm files beside it may be created
  kImmutable,  // as kRead of a file that nobody changes: no locks, no change detection
};

// Threads: one at a time. Movable, also while statements exist.
class Connection {
 public:
  static Result<Connection> open(const std::filesystem::path& file, Access access,
                                 std::chrono::milliseconds busy_wait = std::chrono::seconds{5});

  // Every page of the file carries a checksum, which every read compares: kCorrupt where it does
  // not match (sqlite_pages.h). To be called before anything else on a new file; one that has pages
  // already is left as it is.
  void reserve_checksums();
  // The same for a file that has pages already: rewrites it as a whole, unless they have checksums.
  Status add_checksums();
  bool has_checksums() const;

  // Makes `to` an exact copy of the main database at one moment, while others write to it.
  Status copy_to(Connection& to) const;

  // Runs any number of statements and drops their rows.
  Status execute(const char* sql);
  // Compiled once, for many runs. Must be destroyed before the connection.
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row; 0 when there is no row.
  Result<std::int64_t> integer(std::string_view sql);

  std::int64_t last_insert_rowid() const;
  std::int64_t changes() const;  // rows that the last INSERT, UPDATE or DELETE touched
  // Makes a running statement of this connection fail with kCancelled. From any thread.
  void interrupt();
  // Gives back what its page cache holds.
  void release_memory();
  const std::filesystem::path& file() const;

 private:
  friend class Statement;
  struct State;
  struct Deleter {
    void operator()(State* state) const;
  };
  explicit Connection(std::unique_ptr<State, Deleter> state);
  std::unique_ptr<State, Deleter> state_;
};

// Usage: bind, step until it gives false, reset. Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // An error in binding is reported by the next step. Texts and blobs are not copied: they must
  // live until the next reset.
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_text(int parameter, std::string_view text);
  Statement& bind_null(int parameter);

  // True: a row is there. False: done, and reset.
  Result<bool> step();
  // Runs to the end, drops the rows, resets.
  Status run();
  void reset();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  // Valid until the next step or reset.
  std::string_view blob(int column) const;
  std::string_view text(int column) const;

 private:
  friend class Connection;
  Statement(Connection::State* connection, sqlite3_stmt* statement);
  Connection::State* connection_;
  sqlite3_stmt* statement_;
  int bind_code_ = 0;
};

// Resets the statement at the end of a scope, so that no early return keeps a snapshot alive.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(Statement& statement) : statement_(statement) {}
  ~ResetAtEnd() { statement_.reset(); }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  Statement& statement_;
};

// Rolls back at the end of its scope unless it was committed.
class Transaction {
 public:
  enum class Kind {
    kRead,   // a snapshot from its first read on
    kWrite,  // takes the write lock at once
  };
  static Result<Transaction> begin(Connection& connection, Kind kind);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // On an Error it was rolled back, except that after failed I/O its outcome is unknown.
  Status commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

// Whose file it is, and of which format: application_id and user_version.
struct Schema {
  const char* what;  // "verdicts", in messages
  std::int64_t application_id;
  std::int64_t format;         // the newest; those from 1 on have the same tables
  const char* sql;  // makes the tables
};

// False: the file has no tables yet. kInvalid when it is of somebody else or of another format.
Result<bool> has_schema(Connection& connection, const Schema& schema);
// Makes the tables of a new file, in one transaction; those of an older format are only marked with
// the newer number. Sees to it that the pages carry checksums, where nobody else uses the file.
// Errors as above: the file is left as it is.
Status ensure_schema(Connection& connection, const Schema& schema);

// Times as our tables hold them.
inline std::int64_t ms_of(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime time_of(std::int64_t ms) { return WallTime{std::chrono::milliseconds{ms}}; }

}  // namespace ia::sqlite
