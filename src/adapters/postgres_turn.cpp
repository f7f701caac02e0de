#include "adapters/postgres_turn.h"

#include <chrono>

namespace ia::postgres {
namespace {

constexpr std::chrono::seconds kPatience{2};

// The first number of the one row.
Result<std::uint64_t> turn_number(Connection& db, const char* sql) {
  const auto rows = db.query(sql);
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return fail(Errc::kCorrupt, "ia.alert_revision has no row");
  return static_cast<std::uint64_t>(rows->integer(0, 0));
}

}  // namespace

Result<std::optional<std::uint64_t>> Turn::take() {
  const auto taken = ask();
  number_ = taken.value_or(0);
  if (!taken) connection_.reset();  // and the lock with it
  if (!taken) return fail("the turn to send alerts", taken.error());
  return *taken == 0 ? std::optional<std::uint64_t>() : *taken;
}

Result<std::uint64_t> Turn::ask() {
  if (!connection_) {
    auto opened = Connection::open(
        {.dsn = dsn_, .statement_timeout = kPatience, .lock_timeout = kPatience});
    if (!opened) return std::unexpected(opened.error());
    connection_ = std::move(*opened);
    if (auto set = connection_->execute("SET idle_session_timeout = '1min'"); !set) {
      return std::unexpected(set.error());
    }
  }
  if (number_ != 0) {
    const auto newest = turn_number(*connection_, "SELECT turn FROM ia.alert_revision");
    if (!newest || *newest == number_) return newest;
    return fail(Errc::kUnavailable, "another process took it");
  }
  const auto locked = connection_->query("SELECT pg_try_advisory_lock(18785, 7)");
  if (!locked) return std::unexpected(locked.error());
  if (!locked->boolean(0, 0)) return 0;
  return turn_number(*connection_, "UPDATE ia.alert_revision SET turn = turn + 1 RETURNING turn");
}

}  // namespace ia::postgres
