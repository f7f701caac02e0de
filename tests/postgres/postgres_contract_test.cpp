// The store contract over PostgreSQL, and over TimescaleDB where it is, also with every chunk
// compressed before each call. The program's role has no more rights than docs/sql.md gives it.

#include "../store_contract_time.h"
#include "compressing_store.h"
#include "store_fixture.h"

namespace ia {
namespace {

class PostgresHarness final : public Harness {
 public:
  PostgresHarness(PostgresServer& server, bool is_compressed)
      : database_(server), is_compressed_(is_compressed) {
    reopen();
  }
  Store& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    store_ = database_.open({.dsn = {}, .retention = kRetention, .pool_size = 2});
    if (is_compressed_) {
      store_ = std::make_unique<CompressingStore>(std::move(store_), database_.owner_dsn());
    }
  }

 private:
  TestDatabase database_;
  const bool is_compressed_;
  std::unique_ptr<Store> store_;
};

using SharedServer = const Result<std::unique_ptr<PostgresServer>>& (*)();

template <SharedServer server, bool is_compressed = false>
std::unique_ptr<Harness> make() {
  return std::make_unique<PostgresHarness>(*server().value(), is_compressed);
}

template <SharedServer server>
std::optional<std::string> why_not() {
  return why_skip(server());
}

INSTANTIATE_TEST_SUITE_P(
    Plain, StoreContract,
    ::testing::Values(Contract{"Postgres", make<shared_postgres_server>, Upkeep::kNone,
                               why_not<shared_postgres_server>},
                      Contract{"PostgresKeptTidy", make<shared_postgres_server>,
                               Upkeep::kHousekeeping, why_not<shared_postgres_server>},
                      Contract{"PostgresReopened", make<shared_postgres_server>,
                               Upkeep::kReopening, why_not<shared_postgres_server>}),
    name_of_contract);
INSTANTIATE_TEST_SUITE_P(
    Timescale, StoreContract,
    ::testing::Values(Contract{"Timescaledb", make<shared_timescaledb_server>, Upkeep::kNone,
                               why_not<shared_timescaledb_server>},
                      Contract{"TimescaledbCompressed", make<shared_timescaledb_server, true>,
                               Upkeep::kNone, why_not<shared_timescaledb_server>},
                      Contract{"TimescaledbCompressedKeptTidy",
                               make<shared_timescaledb_server, true>, Upkeep::kHousekeeping,
                               why_not<shared_timescaledb_server>}),
    name_of_contract);

}  // namespace
}  // namespace ia
