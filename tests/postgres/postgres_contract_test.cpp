// The store contract over PostgreSQL, and over TimescaleDB where it is. The program's role has no
// more rights than docs/sql.md gives it.

#include "../store_contract_time.h"
#include "store_fixture.h"

namespace ia {
namespace {

class PostgresHarness final : public Harness {
 public:
  explicit PostgresHarness(PostgresServer& server) : database_(server) { reopen(); }
  Store& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    store_ = database_.open({.dsn = {}, .retention = kRetention, .pool_size = 2});
  }

 private:
  TestDatabase database_;
  std::unique_ptr<Store> store_;
};

using SharedServer = const Result<std::unique_ptr<PostgresServer>>& (*)();

template <SharedServer server>
std::unique_ptr<Harness> make() {
  return std::make_unique<PostgresHarness>(*server().value());
}

template <SharedServer server>
std::optional<std::string> why_not() {
  return why_skip(server());
}

template <SharedServer server>
auto contracts(const std::string& name) {
  return ::testing::Values(
      Contract{name, make<server>, Upkeep::kNone, why_not<server>},
      Contract{name + "KeptTidy", make<server>, Upkeep::kHousekeeping, why_not<server>},
      Contract{name + "Reopened", make<server>, Upkeep::kReopening, why_not<server>});
}

INSTANTIATE_TEST_SUITE_P(Plain, StoreContract, contracts<shared_postgres_server>("Postgres"),
                         name_of_contract);
INSTANTIATE_TEST_SUITE_P(Timescale, StoreContract,
                         contracts<shared_timescaledb_server>("Timescaledb"), name_of_contract);

}  // namespace
}  // namespace ia
