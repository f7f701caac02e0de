#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
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

// As `shared_postgres_server`, with the extension TimescaleDB. Its jobs run only when a test calls
// them, so that no test depends on when they do.
inline const Result<std::unique_ptr<PostgresServer>>& shared_timescaledb_server() {
  static const auto server = PostgresServer::start(
      {.with_timescaledb = true, .settings = {"timescaledb.max_background_workers=0"}});
  return server;
}

// Why tests on this server are skipped: it is not installed. A server that is installed and does
// not start is no reason; it fails them.
inline std::optional<std::string> why_skip(const Result<std::unique_ptr<PostgresServer>>& server) {
  if (server || server.error().code != Errc::kNotFound) return std::nullopt;
  return server.error().message;
}

#define IA_NEEDS_SERVER(server)                                                     \
  if (const auto reason = why_skip(server)) GTEST_SKIP() << "SKIPPED: " << *reason; \
  ASSERT_TRUE(server) << (server).error().message

// Tests on the shared server; skipped, with the reason, where there is none.
class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    IA_NEEDS_SERVER(shared_postgres_server());
  }
  PostgresServer& server() { return **shared_postgres_server(); }
};

// A name that no test of this program had before.
inline std::string fresh_database_name() {
  static int made = 0;
  return "test_" + std::to_string(++made);
}

}  // namespace ia
