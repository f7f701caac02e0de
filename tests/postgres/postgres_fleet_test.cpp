#include "adapters/postgres/fleet.h"

#include "../fleet_contract.h"
#include "store_fixture.h"

namespace ia {
namespace {

// On a database of its own, as the role that runs the program. Time passes by moving the entries
// into the past.
class OnDatabase final : public FleetHarness {
 public:
  explicit OnDatabase(PostgresServer& server)
      : database_(server),
        owner_(database_.connect()),
        fleet_(open_postgres_fleet(database_.run_time_dsn())) {}
  Fleet& fleet() override { return *fleet_; }
  void pass(std::chrono::milliseconds time) override {
    const auto passed = owner_.query(
        "UPDATE ia.processes SET renewed_at = renewed_at - $1 * interval '1 millisecond'",
        postgres::Params().add(std::int64_t{time.count()}));
    ASSERT_TRUE(passed) << passed.error().message;
  }

 private:
  TestDatabase database_;
  postgres::Connection owner_;
  std::unique_ptr<Fleet> fleet_;
};

std::unique_ptr<FleetHarness> make() {
  const auto& server = shared_postgres_server();
  if (why_skip(server)) return nullptr;
  return std::make_unique<OnDatabase>(*server.value());
}

INSTANTIATE_TEST_SUITE_P(Postgres, FleetContract, ::testing::Values(FleetKind{"PostgreSQL", make}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace ia
