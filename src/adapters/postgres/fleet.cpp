#include "adapters/postgres/fleet.h"

#include "adapters/postgres/pool.h"

namespace ia {
namespace {

using postgres::Connection;
using postgres::Params;

// Whoever renews also has other work in its thread.
constexpr std::chrono::seconds kPatience{2};

class PostgresFleet final : public Fleet {
 public:
  explicit PostgresFleet(const std::string& dsn)
      : pool_({.dsn = dsn, .statement_timeout = kPatience, .lock_timeout = kPatience}, 2) {}

  Result<double> renew(const std::string& process, const ProcessReport& report) override {
    // Repeating it is harmless, so a connection that went stale costs nothing.
    const auto share = pool_.read([&](Connection& db) {
      return db.query("SELECT ia.renew_process($1, $2, $3, $4, $5, $6)",
                      Params()
                          .add(std::string_view(process))
                          .add(std::string_view(report.stage))
                          .add(report.upstream_limit)
                          .add(static_cast<std::int64_t>(report.upstream_requests))
                          .add(static_cast<std::int64_t>(report.queue_requests))
                          .add(report.queue_billed_per_day));
    });
    if (!share) return fail("fleet", share.error());
    return postgres::checked([&]() -> Result<double> { return share->real(0, 0); });
  }

  Status leave(const std::string& process) override {
    const auto left = pool_.read([&](Connection& db) {
      return db.query("SELECT ia.leave_process($1)", Params().add(std::string_view(process)));
    });
    return left ? Status{} : fail("fleet", left.error());
  }

  Result<std::vector<FleetEntry>> read() const override {
    const auto rows = pool_.read([](Connection& db) {
      return db.query(
          "SELECT process, stage, upstream_limit, upstream_requests, queue_requests,"
          " queue_billed_per_day, upstream_share, renewed_at FROM ia.processes"
          " WHERE clock_timestamp() - renewed_at < interval '20 seconds' ORDER BY process");
    });
    if (!rows) return fail("fleet", rows.error());
    return postgres::checked(
        [&]() -> Result<std::vector<FleetEntry>> { return entries_in(*rows); });
  }

 private:
  static std::vector<FleetEntry> entries_in(const postgres::Rows& rows) {
    std::vector<FleetEntry> entries;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      entries.push_back(
          {.process = std::string(rows.text(row, 0)),
           .report = {.stage = std::string(rows.text(row, 1)),
                      .upstream_limit = rows.real(row, 2),
                      .upstream_requests = static_cast<std::uint64_t>(rows.integer(row, 3)),
                      .queue_requests = static_cast<std::uint64_t>(rows.integer(row, 4)),
                      .queue_billed_per_day = rows.real(row, 5)},
           .upstream_share = rows.real(row, 6),
           .renewed_at = rows.time(row, 7)});
    }
    return entries;
  }

  mutable postgres::Pool pool_;
};

}  // namespace

std::unique_ptr<Fleet> open_postgres_fleet(const std::string& dsn) {
  return std::make_unique<PostgresFleet>(dsn);
}

}  // namespace ia
