#include "adapters/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "adapters/postgres/sqlstate.h"

namespace ia::postgres {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// The server ends a statement in time; only a server or network that is gone takes longer.
constexpr milliseconds kPatience{5'000};
constexpr int kInBinary = 1;
constexpr auto kConnectAdvice =
    ": check that the server runs, and --postgres-url or PGHOST, PGPORT, PGUSER and PGDATABASE";

struct Default {
  const char* keyword;
  const char* value;
};
constexpr auto kConnectionDefaults = std::to_array<Default>({
    {"connect_timeout", "10"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "30000"},
    {"fallback_application_name", "influencer-analytics"},
});

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, FreeResult>;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool is_space = c == '\n' || c == '\t' || c == ' ';
    if (!is_space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

std::unexpected<Error> failed(std::string_view sqlstate, std::string_view what) {
  std::string message = "postgres: " + one_line(what);
  if (!sqlstate.empty()) message += " (SQLSTATE " + std::string(sqlstate) + ")";
  if (const auto advice = advice_on(sqlstate); !advice.empty()) {
    message += ": " + std::string(advice);
  }
  return fail(errc_of(sqlstate), std::move(message));
}

// The DSN's own words, and defaults for what it does not say.
struct ConnectionWords {
  std::vector<std::string> keywords;
  std::vector<std::string> values;

  void set(const char* keyword, const char* value) {
    keywords.emplace_back(keyword);
    values.emplace_back(value);
  }
  PGconn* connect() const {
    std::vector<const char*> keyword_list;
    std::vector<const char*> value_list;
    for (std::size_t i = 0; i < keywords.size(); ++i) {
      keyword_list.push_back(keywords[i].c_str());
      value_list.push_back(values[i].c_str());
    }
    keyword_list.push_back(nullptr);
    value_list.push_back(nullptr);
    return PQconnectdbParams(keyword_list.data(), value_list.data(), 0);
  }
};

Result<ConnectionWords> words_of(const std::string& dsn) {
  char* flaw = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(PQconninfoParse(dsn.c_str(), &flaw));
  if (!parsed) {
    const std::string what = flaw == nullptr ? "out of memory" : one_line(flaw);
    PQfreemem(flaw);
    return fail(
        Errc::kInvalid,
        "the connection string of PostgreSQL cannot be read: " + what +
            ". It is like \"host=db.example dbname=analytics user=ia sslmode=verify-full\"");
  }
  ConnectionWords words;
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) words.set(option->keyword, option->val);
  }
  for (const auto& [keyword, value] : kConnectionDefaults) {
    if (std::ranges::find(words.keywords, keyword) == words.keywords.end()) {
      words.set(keyword, value);
    }
  }
  return words;
}

// Times must come as UTC and be parsed by no setting of the role or the database.
std::string session_settings(const ConnectionOptions& options) {
  const auto ms = [](milliseconds time) { return std::to_string(time.count()); };
  return "SET statement_timeout = " + ms(options.statement_timeout) +
         "; SET lock_timeout = " + ms(options.lock_timeout) +
         "; SET idle_in_transaction_session_timeout = 60000; SET timezone = 'UTC'"
         "; SET client_min_messages = warning; SET jit = off; SET default_transaction_isolation = "
         "'read "
         "committed'";
}

bool is_fine(ExecStatusType status) {
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
         status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
}

}  // namespace

struct Connection::State {
  PGconn* handle = nullptr;
  milliseconds patience{};
  SteadyClock::time_point deadline;
  std::string sqlstate;
  bool gave_up = false;

  ~State() { PQfinish(handle); }

  void begin_call() {
    deadline = SteadyClock::now() + patience;
    sqlstate.clear();
  }

  std::unexpected<Error> lost() {
    sqlstate.clear();
    const std::string what = gave_up ? "no answer in time" : PQerrorMessage(handle);
    return failed("", what.empty() ? "the connection was lost" : what);
  }

  std::unexpected<Error> refused(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    sqlstate = state == nullptr ? "" : state;
    const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return failed(sqlstate, message == nullptr ? PQresultErrorMessage(result) : message);
  }

  // False when the deadline has passed.
  bool wait_for(short events) {
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now()).count();
      if (left <= 0) break;
      pollfd wanted{.fd = PQsocket(handle), .events = events, .revents = 0};
      const int ready = ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) break;
    }
    gave_up = true;
    return false;
  }

  // The server may speak before it has taken all: then its words must be read, or both wait.
  bool flush() {
    while (true) {
      const int left = PQflush(handle);
      if (left <= 0) return left == 0;
      if (!wait_for(POLLIN | POLLOUT)) return false;
      if (PQconsumeInput(handle) == 0) return false;
    }
  }

  // Empty at the end of the results; an error when the connection failed.
  Result<ResultPtr> next_result() {
    while (PQisBusy(handle) != 0) {
      if (!wait_for(POLLIN) || PQconsumeInput(handle) == 0) return lost();
    }
    return ResultPtr(PQgetResult(handle));
  }

  // The last result of a call, or its first error; after it the connection can be used again.
  Result<ResultPtr> finish_call() {
    ResultPtr last;
    Status status;
    while (true) {
      auto result = next_result();
      if (!result) return std::unexpected(result.error());
      if (!*result) break;
      if (!is_fine(PQresultStatus(result->get())) && status) {
        status = refused(result->get());
      }
      last = std::move(*result);
      if (PQresultStatus(last.get()) == PGRES_COPY_IN ||
          PQresultStatus(last.get()) == PGRES_COPY_OUT) {
        break;
      }
    }
    if (PQstatus(handle) != CONNECTION_OK) return lost_after(status);
    if (!status) return std::unexpected(status.error());
    if (!last) return lost();
    return last;
  }

  // The server's last words say why it closed the connection.
  std::unexpected<Error> lost_after(const Status& status) {
    return status ? lost() : std::unexpected(status.error());
  }
};

void Connection::Deleter::operator()(State* state) const { delete state; }

Connection::Connection(std::unique_ptr<State, Deleter> state) : state_(std::move(state)) {}

Result<Connection> Connection::open(const ConnectionOptions& options) {
  const auto words = words_of(options.dsn);
  if (!words) return std::unexpected(words.error());
  Connection connection(std::unique_ptr<State, Deleter>(new State));
  auto& state = *connection.state_;
  state.patience = options.statement_timeout + kPatience;
  state.handle = words->connect();
  if (PQstatus(state.handle) != CONNECTION_OK || PQsetnonblocking(state.handle, 1) != 0) {
    return failed("", one_line(PQerrorMessage(state.handle)) + kConnectAdvice);
  }
  PQsetNoticeProcessor(state.handle, [](void*, const char*) {}, nullptr);
  if (auto set = connection.execute(session_settings(options)); !set) {
    return std::unexpected(set.error());
  }
  return connection;
}

Result<Rows> Connection::query(const char* sql, const Params& params) {
  state_->begin_call();
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const auto& value : params.values_) {
    types.push_back(value.type);
    values.push_back(value.bytes.data());
    lengths.push_back(static_cast<int>(value.bytes.size()));
  }
  const std::vector<int> formats(values.size(), kInBinary);
  const int count = static_cast<int>(values.size());
  if (PQsendQueryParams(state_->handle, sql, count, types.data(), values.data(), lengths.data(),
                        formats.data(), kInBinary) == 0 ||
      !state_->flush()) {
    return state_->lost();
  }
  auto result = state_->finish_call();
  if (!result) return std::unexpected(result.error());
  return Rows(result->release());
}

Status Connection::execute(const std::string& sql) {
  state_->begin_call();
  if (PQsendQuery(state_->handle, sql.c_str()) == 0 || !state_->flush()) return state_->lost();
  const auto result = state_->finish_call();
  return result ? Status{} : std::unexpected(result.error());
}

Status Connection::copy_in(const char* sql, std::string_view bytes) {
  if (auto began = execute(sql); !began) return began;
  constexpr std::size_t kPiece = 1 << 20;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, kPiece);
    const int taken = PQputCopyData(state_->handle, piece.data(), static_cast<int>(piece.size()));
    if (taken < 0 || !state_->flush()) return state_->lost();
    if (taken > 0) bytes.remove_prefix(piece.size());
  }
  while (true) {
    const int ended = PQputCopyEnd(state_->handle, nullptr);
    if (ended < 0 || !state_->flush()) return state_->lost();
    if (ended > 0) break;
  }
  const auto result = state_->finish_call();
  return result ? Status{} : std::unexpected(result.error());
}

Status Connection::copy_out(const char* sql, const std::function<void(CopyReader)>& on_row) {
  if (auto began = execute(sql); !began) return began;
  constexpr std::size_t kHeader = 19;
  bool is_first = true;
  while (true) {
    char* bytes = nullptr;
    const int size = PQgetCopyData(state_->handle, &bytes, 1);
    const std::unique_ptr<char, decltype(&PQfreemem)> owner(bytes, &PQfreemem);
    if (size == 0) {
      if (!state_->wait_for(POLLIN) || PQconsumeInput(state_->handle) == 0) return state_->lost();
      continue;
    }
    if (size < 0) break;
    std::string_view row(bytes, static_cast<std::size_t>(size));
    if (std::exchange(is_first, false)) row.remove_prefix(std::min(kHeader, row.size()));
    if (row.size() > 2) on_row(CopyReader(row.substr(2)));
  }
  const auto result = state_->finish_call();
  return result ? Status{} : std::unexpected(result.error());
}

const std::string& Connection::sqlstate() const { return state_->sqlstate; }

bool Connection::is_broken() const {
  return state_->gave_up || PQstatus(state_->handle) != CONNECTION_OK;
}

bool Connection::is_in_transaction() const {
  return PQtransactionStatus(state_->handle) != PQTRANS_IDLE;
}

std::int32_t Connection::server_version() const { return PQserverVersion(state_->handle); }
int Connection::backend_pid() const { return PQbackendPID(state_->handle); }

std::string Connection::quoted_identifier(std::string_view name) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> quoted(
      PQescapeIdentifier(state_->handle, name.data(), name.size()), &PQfreemem);
  return quoted ? quoted.get() : "";
}

Result<Transaction> Transaction::begin(Connection& connection, const char* how) {
  if (auto began = connection.execute(how); !began) return std::unexpected(began.error());
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ == nullptr || connection_->is_broken()) return;
  if (connection_->is_in_transaction()) (void)connection_->execute("ROLLBACK");
}

Status Transaction::commit() {
  auto* connection = std::exchange(connection_, nullptr);
  return connection->execute("COMMIT");
}

}  // namespace ia::postgres
