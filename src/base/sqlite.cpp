#include "base/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/failed_sync.h"
#include "base/sqlite_pages.h"

namespace ia::sqlite {
namespace {

bool is_failed_sync(int extended) {
  return extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC;
}

Errc errc_of(int extended) {
  if (is_failed_sync(extended)) return Errc::kCorrupt;
  switch (extended & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::kCorrupt;
    case SQLITE_INTERRUPT:
      return Errc::kCancelled;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
      return Errc::kUnavailable;
    default:
      return Errc::kInvalid;
  }
}

bool is_out_of_space(int extended, int system_errno) {
  return (extended & 0xff) == SQLITE_FULL ||
         ((extended & 0xff) == SQLITE_IOERR &&
          (system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG));
}

std::string sentence_of(int extended, int system_errno) {
  if (is_out_of_space(extended, system_errno)) {
    return "disk full: free some space, or shorten the retention";
  }
  if (is_failed_sync(extended)) {
    return "fsync failed, so what the disk holds is unknown: check the disk, then restart";
  }
  const std::string system =
      system_errno == 0 ? "" : std::string(" (") + std::strerror(system_errno) + ")";
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "busy: another process holds it locked";
    case SQLITE_IOERR:
      return "read or write failed" + system + ": check the disk";
    case SQLITE_CANTOPEN:
      return "cannot be opened" + system + ": check that it exists and its permissions";
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return "not writable" + system + ": check the permissions of the file and its directory";
    case SQLITE_CORRUPT:
      return "damaged: what is read is not what was written: run `influencer-analytics verify`, "
             "and keep this file";
    case SQLITE_NOTADB:
      return "not a database of ours, or damaged at its very beginning";
    default:
      return sqlite3_errstr(extended);
  }
}

std::unexpected<Error> error_of(const std::filesystem::path& file, int code, sqlite3* db) {
  const int extended = db == nullptr ? code : sqlite3_extended_errcode(db);
  const int system_errno = db == nullptr ? 0 : sqlite3_system_errno(db);
  const Errc errc = errc_of(extended);
  std::string message = file.string() + ": " + sentence_of(extended, system_errno);
  if (is_failed_sync(extended)) tell_failed_sync(message);
  if (errc == Errc::kInvalid && db != nullptr) message += std::string(": ") + sqlite3_errmsg(db);
  return fail(errc, std::move(message));
}

// "%", "?" and "#" have a meaning in a file: URI.
std::string uri_of(const std::filesystem::path& file, const char* query) {
  std::string uri = "file:";
  for (const char c : file.string()) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr const char* kHex = "0123456789ABCDEF";
      uri += {'%', kHex[(c >> 4) & 15], kHex[c & 15]};
    } else {
      uri += c;
    }
  }
  return uri + query;
}

Status create_private_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  const int why = errno;
  if (why == ENOSPC || why == EDQUOT) {
    return fail(Errc::kUnavailable, file.string() + ": disk full: free some space");
  }
  return fail(Errc::kUnavailable, file.string() + ": cannot be created (" + std::strerror(why) +
                                      "): check the permissions of its directory");
}

}  // namespace

struct Connection::State {
  std::filesystem::path file;
  sqlite3* db = nullptr;

  std::unexpected<Error> error(int code) const { return error_of(file, code, db); }
};

void Connection::Deleter::operator()(State* state) const {
  sqlite3_close_v2(state->db);
  delete state;
}

Connection::Connection(std::unique_ptr<State, Deleter> state) : state_(std::move(state)) {}

Result<Connection> Connection::open(const std::filesystem::path& file, Access access,
                                    std::chrono::milliseconds busy_wait) {
  if (access == Access::kCreate) {
    if (auto created = create_private_file(file); !created) {
      return std::unexpected(created.error());
    }
  }
  const bool writes = access == Access::kCreate || access == Access::kWrite;
  const int flags = (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_URI |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::unique_ptr<State, Deleter> state(new State{.file = file});
  const auto uri = uri_of(file, access == Access::kImmutable ? "?immutable=1" : "");
  const int code = sqlite3_open_v2(uri.c_str(), &state->db, flags, checked_vfs());
  if (code != SQLITE_OK) return state->error(code);
  sqlite3_busy_timeout(state->db, static_cast<int>(busy_wait.count()));
  return Connection(std::move(state));
}

Status Connection::execute(const char* sql) {
  const int code = sqlite3_exec(state_->db, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return state_->error(code);
  return {};
}

void Connection::reserve_checksums() { sqlite::reserve_checksums(state_->db); }
bool Connection::has_checksums() const { return sqlite::has_checksums(state_->db); }

Status Connection::add_checksums() {
  if (has_checksums()) return {};
  reserve_checksums();
  return execute("VACUUM");
}

Status Connection::copy_to(Connection& to) const {
  auto* backup = sqlite3_backup_init(to.state_->db, "main", state_->db, "main");
  if (backup == nullptr) return to.state_->error(SQLITE_ERROR);
  int code = SQLITE_BUSY;
  // All pages in one step are one snapshot; only its begin may have to wait.
  for (int tries = 0; tries < 100 && (code == SQLITE_BUSY || code == SQLITE_LOCKED); ++tries) {
    code = sqlite3_backup_step(backup, -1);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) sqlite3_sleep(20);
  }
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return {};
  return error_of(state_->file, code, nullptr);
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(state_->db, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return state_->error(code);
  return Statement(state_.get(), statement);
}

Result<std::int64_t> Connection::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement->integer(0) : 0;
}

std::int64_t Connection::last_insert_rowid() const { return sqlite3_last_insert_rowid(state_->db); }
std::int64_t Connection::changes() const { return sqlite3_changes64(state_->db); }
void Connection::interrupt() { sqlite3_interrupt(state_->db); }
void Connection::release_memory() { sqlite3_db_release_memory(state_->db); }
const std::filesystem::path& Connection::file() const { return state_->file; }

Statement::Statement(Connection::State* connection, sqlite3_stmt* statement)
    : connection_(connection), statement_(statement) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      bind_code_(other.bind_code_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(statement_, other.statement_);
  std::swap(bind_code_, other.bind_code_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int parameter, std::int64_t value) {
  bind_code_ |= sqlite3_bind_int64(statement_, parameter, value);
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  // A null pointer would be bound as NULL.
  bind_code_ |= sqlite3_bind_blob64(statement_, parameter, bytes.empty() ? "" : bytes.data(),
                                    bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_text(int parameter, std::string_view text) {
  bind_code_ |= sqlite3_bind_text64(statement_, parameter, text.empty() ? "" : text.data(),
                                    text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  bind_code_ |= sqlite3_bind_null(statement_, parameter);
  return *this;
}

Result<bool> Statement::step() {
  if (bind_code_ != SQLITE_OK) {
    bind_code_ = SQLITE_OK;
    reset();
    return fail(Errc::kInvalid, connection_->file.string() +
                                    ": a parameter does not fit: " + sqlite3_sql(statement_));
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = connection_->error(code);
  reset();
  return error;
}

Status Statement::run() {
  while (true) {
    const auto row = step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
  const auto begun = connection.execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
  if (!begun) return std::unexpected(begun.error());
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  // Fails when an error rolled it back already, which is what is wanted.
  if (connection_ != nullptr) (void)connection_->execute("ROLLBACK");
}

Status Transaction::commit() {
  auto committed = connection_->execute("COMMIT");
  if (committed) connection_ = nullptr;
  return committed;
}

Result<bool> has_schema(Connection& db, const Schema& schema) {
  const auto tables = db.integer("SELECT count(*) FROM sqlite_schema");
  const auto application = db.integer("PRAGMA application_id");
  const auto format = db.integer("PRAGMA user_version");
  for (const auto* read : {&tables, &application, &format}) {
    if (!*read) return std::unexpected(read->error());
  }
  if (*tables == 0) return false;
  const bool is_known = *format >= 1 && *format <= schema.format;
  if (*application == schema.application_id && is_known) return true;
  return fail(Errc::kInvalid, db.file().string() + ": not a file of " + schema.what +
                                  " that this version knows: run the "
                                  "version that wrote it, or name another data directory");
}

namespace {

std::string mark_of(const Schema& schema) {
  return "PRAGMA application_id=" + std::to_string(schema.application_id) +
         "; PRAGMA user_version=" + std::to_string(schema.format);
}

Status make_tables(Connection& db, const Schema& schema) {
  auto transaction = Transaction::begin(db, Transaction::Kind::kWrite);
  if (!transaction) return std::unexpected(transaction.error());
  const auto has = has_schema(db, schema);
  if (!has) return std::unexpected(has.error());
  if (!*has) {
    if (auto made = db.execute(schema.sql); !made) return made;
  }
  // Before there are checksums: a program that knows none must not write behind them.
  if (auto marked = db.execute(mark_of(schema).c_str()); !marked) return marked;
  return transaction->commit();
}

}  // namespace

Status ensure_schema(Connection& db, const Schema& schema) {
  const auto format = db.integer("PRAGMA user_version");
  if (!format) return std::unexpected(format.error());
  const auto has = has_schema(db, schema);
  if (!has) return std::unexpected(has.error());
  if (!*has || *format < schema.format) {
    if (auto made = make_tables(db, schema); !made) return made;
  }
  // Another process may be using the file: then the next start does it.
  const auto checked = db.add_checksums();
  return checked || checked.error().code == Errc::kUnavailable ? Status{} : checked;
}

}  // namespace ia::sqlite
