#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/point.h"

// PostgreSQL by libpq, with ownership, deadlines and our errors; nothing of any schema. Values
// travel in binary.
//
// Errors have the code that postgres_sqlstate.h gives their SQLSTATE, and a message with the
// server's own text, its state, and what to do. Whoever has sent something and lost the connection
// before the reply gets kUnavailable: it may or may not have happened.
namespace ia::postgres {

// Values for $1, $2 ... of one statement, in that order. Arrays may not contain nulls.
class Params {
 public:
  // A template, so that no pointer becomes a boolean.
  Params& add(std::same_as<bool> auto value) { return add_boolean(value); }
  Params& add(std::same_as<double> auto value) { return add_real(value); }
  Params& add(std::int64_t value);
  Params& add(WallTime value);
  Params& add(Minute value);
  Params& add(std::string_view text);
  Params& add_bytes(std::string_view bytes);
  Params& add(std::span<const std::int64_t> values);
  Params& add(std::span<const InfluencerId> values);
  Params& add(std::span<const WallTime> values);
  Params& add(std::span<const Minute> values);
  Params& add(std::span<const std::string_view> texts);
  Params& add_bytes(std::span<const std::string> values);

 private:
  friend class Connection;
  struct Value {
    std::uint32_t type;
    std::string bytes;
  };
  Params& add_boolean(bool value);
  Params& add_real(double value);
  Params& push(std::uint32_t type, std::string bytes);
  std::vector<Value> values_;
};

// A value is null, or of another type than our tables give it: somebody has changed them.
class UnexpectedValue : public std::runtime_error {
 public:
  explicit UnexpectedValue(const std::string& what) : std::runtime_error(what) {}
};

// Runs `work`, which reads values, and returns its result; kCorrupt after an UnexpectedValue.
template <class Work>
auto checked(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const UnexpectedValue& unexpected) {
    return fail(Errc::kCorrupt, unexpected.what());
  }
}

// The rows that a statement gave. Rows and columns count from 0; a type that the column does not
// have, or a null, throws UnexpectedValue: read them within `checked` or in the work of a Pool,
// which does so. Integers of any width are int64.
class Rows {
 public:
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  bool is_null(std::size_t row, int column) const;
  std::int64_t integer(std::size_t row, int column) const;
  double real(std::size_t row, int column) const;  // of double precision
  bool boolean(std::size_t row, int column) const;
  WallTime time(std::size_t row, int column) const;
  Minute minute(std::size_t row, int column) const;
  // Of text or bytea. Valid as long as the Rows.
  std::string_view text(std::size_t row, int column) const;
  std::vector<std::int64_t> integers(std::size_t row, int column) const;
  std::vector<std::string> column_names() const;

 private:
  friend class Connection;
  struct Deleter {
    void operator()(void* result) const;
  };
  explicit Rows(void* result);
  std::unique_ptr<void, Deleter> result_;
};

struct ConnectionOptions {
  // What libpq takes: "host=... dbname=... sslmode=verify-full", or a postgresql:// URI. What it
  // does not say comes from the PG... variables and ~/.pgpass, as always.
  std::string dsn;
  std::chrono::milliseconds statement_timeout{30'000};
  // A statement that waits for a lock longer fails and may be repeated.
  std::chrono::milliseconds lock_timeout{10'000};
};

// Text of a COPY in binary: a header, then rows of integers and times, then a trailer.
class CopyRows {
 public:
  CopyRows();
  CopyRows& row(std::int16_t columns);
  CopyRows& add(std::int64_t value);
  CopyRows& add(Minute value);
  std::string finish() &&;

 private:
  std::string bytes_;
};

// One column of a row that a COPY ... TO STDOUT in binary gives; reads from the front, and throws
// as Rows do.
class CopyReader {
 public:
  explicit CopyReader(std::string_view row) : rest_(row) {}
  std::int64_t integer();
  WallTime time();
  std::string_view text();

 private:
  std::string_view rest_;
};

// Threads: one at a time. Every call ends in time: the server is told the statement timeout, and
// when it has not answered some seconds later the connection is given up.
class Connection {
 public:
  // Waits 10 s for each address at most, unless the DSN's connect_timeout says otherwise. Asks for
  // keep-alives, so that a dead server is noticed, unless the DSN sets them.
  static Result<Connection> open(const ConnectionOptions& options);

  // One statement.
  Result<Rows> query(const char* sql, const Params& params = {});
  // Any number of statements without parameters, in one transaction unless they say otherwise.
  Status execute(const std::string& sql);
  // `sql` is COPY ... FROM STDIN (FORMAT binary).
  Status copy_in(const char* sql, std::string_view bytes);
  // `sql` is COPY ... TO STDOUT (FORMAT binary); calls for each row.
  Status copy_out(const char* sql, const std::function<void(CopyReader)>& on_row);

  // The state of the last error that a call gave; "" when the connection failed.
  const std::string& sqlstate() const;
  // Nothing more can be done with it.
  bool is_broken() const;
  // Within a transaction, failed or not.
  bool is_in_transaction() const;
  std::int32_t server_version() const;  // 150018 is 15.18
  int backend_pid() const;
  std::string quoted_identifier(std::string_view name) const;

 private:
  struct State;
  struct Deleter {
    void operator()(State* state) const;
  };
  explicit Connection(std::unique_ptr<State, Deleter> state);
  std::unique_ptr<State, Deleter> state_;
};

// Rolls back at the end of the scope unless it was committed.
class Transaction {
 public:
  // `how`: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" and the like.
  static Result<Transaction> begin(Connection& connection, const char* how = "BEGIN");
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace ia::postgres
