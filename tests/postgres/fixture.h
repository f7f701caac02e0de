#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "postgres_server.h"

namespace ia {

// The value, or an exception that says why there is none.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// One server for all tests of a program, started by the first that asks. Null, with the reason,
// where none can be started.
inline const Result<std::unique_ptr<PostgresServer>>& shared_postgres_server() {
  static const auto server = PostgresServer::start();
  return server;
}

// As `shared_postgres_server`, with the extension TimescaleDB.
inline const Result<std::unique_ptr<PostgresServer>>& shared_timescaledb_server() {
  static const auto server = PostgresServer::start({.with_timescaledb = true});
  return server;
}

// Tests on the shared server; skipped, with the reason, where there is none.
class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto& server = shared_postgres_server();
    if (!server && server.error().code == Errc::kNotFound) GTEST_SKIP() << server.error().message;
    ASSERT_TRUE(server) << server.error().message;
  }
  PostgresServer& server() { return **shared_postgres_server(); }
};

// A name that no test of this program had before.
inline std::string fresh_database_name() {
  static int made = 0;
  return "test_" + std::to_string(++made);
}

}  // namespace ia
