#include "adapters/postgres/turn.h"

#include <chrono>

namespace ia::postgres {
namespace {

constexpr std::chrono::seconds kPatience{2};

Result<std::uint64_t> number_in(Connection& db, const char* sql, std::int64_t work) {
  const auto rows = db.query(sql, Params().add(work));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return fail(Errc::kCorrupt, "ia.turns has no row " + std::to_string(work));
  return static_cast<std::uint64_t>(rows->integer(0, 0));
}

}  // namespace

Result<std::optional<std::uint64_t>> Turn::take() {
  const auto taken = checked([this] { return ask(); });
  number_ = taken.value_or(0);
  if (!taken) connection_.reset();  // and the lock with it
  if (!taken) return fail("whose turn it is", taken.error());
  return *taken == 0 ? std::optional<std::uint64_t>() : *taken;
}

Result<std::uint64_t> Turn::ask() {
  if (!connection_) {
    auto opened =
        Connection::open({.dsn = dsn_, .statement_timeout = kPatience, .lock_timeout = kPatience});
    if (!opened) return std::unexpected(opened.error());
    connection_ = std::move(*opened);
    if (auto set = connection_->execute("SET idle_session_timeout = '1min'"); !set) {
      return std::unexpected(set.error());
    }
  }
  const auto work = std::int64_t{std::to_underlying(work_)};
  if (number_ != 0) {
    const auto newest =
        number_in(*connection_, "SELECT number FROM ia.turns WHERE work = $1", work);
    if (!newest || *newest == number_) return newest;
    return fail(Errc::kUnavailable, "another process took it");
  }
  const auto locked =
      connection_->query("SELECT pg_try_advisory_lock(18785, $1::integer)", Params().add(work));
  if (!locked) return std::unexpected(locked.error());
  if (!locked->boolean(0, 0)) return 0;
  return number_in(*connection_,
                   "UPDATE ia.turns SET number = number + 1 WHERE work = $1 RETURNING number",
                   work);
}

}  // namespace ia::postgres
