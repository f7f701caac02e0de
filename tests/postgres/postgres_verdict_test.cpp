#include <gmock/gmock.h>

#include <chrono>
#include <optional>
#include <thread>

#include "../verdict_store_contract.h"
#include "adapters/postgres/verdict_store.h"
#include "store_fixture.h"

namespace ia {
namespace {

// On a database of its own, as the role that runs the program.
class OnDatabase final : public VerdictStore {
 public:
  explicit OnDatabase(PostgresServer& server)
      : database_(server), store_(open_postgres_verdict_store(database_.run_time_dsn())) {}
  Status put(std::span<const Verdict> verdicts) override { return store_->put(verdicts); }
  Result<VerdictPage> read(VerdictCursor from, std::size_t count_max) const override {
    return store_->read(from, count_max);
  }

 private:
  TestDatabase database_;
  std::unique_ptr<VerdictStore> store_;
};

std::unique_ptr<VerdictStore> make() {
  const auto& server = shared_postgres_server();
  if (why_skip(server)) return nullptr;
  return std::make_unique<OnDatabase>(*server.value());
}

INSTANTIATE_TEST_SUITE_P(Postgres, VerdictStoreContract,
                         ::testing::Values(VerdictStoreKind{"PostgreSQL", make}),
                         [](const auto& kind) { return kind.param.name; });

class PostgresVerdicts : public PostgresTest {};

TEST_F(PostgresVerdicts, AreMadeByOneProcessAndThenTheNext) {
  TestDatabase database(server());
  auto first = open_postgres_verdict_store(database.run_time_dsn());
  const auto second = open_postgres_verdict_store(database.run_time_dsn());
  EXPECT_THAT(first->take_turn().value(), ::testing::Optional(1));
  EXPECT_EQ(second->take_turn().value(), std::nullopt);
  EXPECT_THAT(first->take_turn().value(), ::testing::Optional(1));
  first = nullptr;  // its process ends; the server hears of it some time later
  std::optional<std::uint64_t> taken;
  for (int attempt = 0; attempt < 500 && !taken; ++attempt) {
    taken = second->take_turn().value();
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  EXPECT_THAT(taken, ::testing::Optional(2));
}

}  // namespace
}  // namespace ia
