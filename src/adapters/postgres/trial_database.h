#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace ia::postgres {

// The same connection string for another database: its last word counts, in either form.
std::string with_database(const std::string& dsn, const std::string& name);

// How busy the server was with one database, since it was made. The server counts a second late,
// what a connection did up to ten.
struct DatabaseLoad {
  std::chrono::microseconds busy{0};  // sum over the connections: statements running
  std::uint64_t commits = 0;
};

// A new, empty database on the server that `dsn` names, dropped at the end, with whoever is still
// connected to it. Its role needs CREATEDB: kInvalid says so. One thread.
class TrialDatabase {
 public:
  static Result<std::unique_ptr<TrialDatabase>> make(const std::string& dsn,
                                                     const std::string& name);
  ~TrialDatabase();
  TrialDatabase(const TrialDatabase&) = delete;
  TrialDatabase& operator=(const TrialDatabase&) = delete;

  const std::string& dsn() const { return dsn_; }
  Result<DatabaseLoad> load() const;

 private:
  TrialDatabase(std::string server, std::string name, std::string dsn)
      : server_(std::move(server)), name_(std::move(name)), dsn_(std::move(dsn)) {}

  const std::string server_;  // where commands to the server go
  const std::string name_;
  const std::string dsn_;
};

}  // namespace ia::postgres
