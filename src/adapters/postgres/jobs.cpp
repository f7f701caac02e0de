#include "adapters/postgres/jobs.h"

#include <memory>

#include "adapters/postgres/pool.h"

namespace ia::postgres {
namespace {

constexpr std::chrono::seconds kPatience{2};

}  // namespace

Result<JobHealth> read_job_health(Connection& db) {
  const auto row =
      db.query("SELECT failed_jobs, failure, uncompressed_seconds FROM ia.job_health()");
  if (!row) return std::unexpected(row.error());
  return JobHealth{.failed = static_cast<std::uint64_t>(row->integer(0, 0)),
                   .failure = std::string(row->text(0, 1)),
                   .uncompressed = std::chrono::seconds{row->integer(0, 2)}};
}

AskJobHealth job_health_of(const std::string& dsn) {
  const auto pool = std::make_shared<Pool>(
      ConnectionOptions{.dsn = dsn, .statement_timeout = kPatience, .lock_timeout = kPatience}, 1);
  return [pool] { return pool->read([](Connection& db) { return read_job_health(db); }); };
}

}  // namespace ia::postgres
