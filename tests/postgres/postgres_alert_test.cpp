#include "../alert_store_contract.h"
#include "adapters/postgres_alert_store.h"
#include "store_fixture.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

// The databases of stores live as long as the test program, and so does the server.
std::unique_ptr<TestDatabase>& keep(std::unique_ptr<TestDatabase> database) {
  static std::vector<std::unique_ptr<TestDatabase>> databases;
  return databases.emplace_back(std::move(database));
}

std::unique_ptr<AlertStore> make() {
  const auto& server = shared_postgres_server();
  if (!server) return nullptr;
  return open_postgres_alert_store(keep(std::make_unique<TestDatabase>(**server))->run_time_dsn());
}

INSTANTIATE_TEST_SUITE_P(Postgres, AlertStoreContract,
                         ::testing::Values(AlertStoreKind{"PostgreSQL", make}),
                         [](const auto& kind) { return kind.param.name; });

class PostgresAlerts : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto& server = shared_postgres_server();
    if (!server) GTEST_SKIP() << server.error().message;
    database_ = std::make_unique<TestDatabase>(**server);
  }
  static AlertRule a_rule() {
    return {.name = "rule",
            .influencers = {InfluencerId{7}},
            .target = {.url = "https://example.com/x", .secret = {}}};
  }

  std::unique_ptr<TestDatabase> database_;
};

TEST_F(PostgresAlerts, AreTheSameForEveryProcess) {
  const auto one = open_postgres_alert_store(database_->run_time_dsn());
  const auto other = open_postgres_alert_store(database_->run_time_dsn());
  const auto before = other->revision().value();
  const auto rule = one->add(a_rule()).value();
  EXPECT_NE(other->revision().value(), before);
  EXPECT_THAT(other->rules().value(), ::testing::ElementsAre(rule));
}

TEST_F(PostgresAlerts, AreLookedAtByOneProcessAndThenTheNext) {
  ManualClock clock;
  auto first = make_postgres_alert_turn(database_->run_time_dsn(), clock);
  const auto second = make_postgres_alert_turn(database_->run_time_dsn(), clock);
  const auto pass = [&] { clock.advance(std::chrono::seconds{1}); };
  EXPECT_TRUE(first());
  EXPECT_FALSE(second());
  pass();
  EXPECT_TRUE(first());
  EXPECT_FALSE(second());
  first = nullptr;  // its process ends
  pass();
  EXPECT_TRUE(second());
}

TEST_F(PostgresAlerts, AreLeftToOthersWhenTheConnectionBreaks) {
  ManualClock clock;
  const auto turn = make_postgres_alert_turn(database_->run_time_dsn(), clock);
  ASSERT_TRUE(turn());
  auto owner = database_->connect();
  ASSERT_TRUE(
      owner.query("SELECT pg_terminate_backend(pid) FROM pg_locks"
                  " WHERE locktype = 'advisory' AND classid = 18785 AND objid = 7"));
  EXPECT_TRUE(turn()) << "it asks once a second";
  clock.advance(std::chrono::seconds{1});
  EXPECT_FALSE(turn());
  clock.advance(std::chrono::seconds{1});
  EXPECT_TRUE(turn()) << "it may have the next turn";
}

}  // namespace
}  // namespace ia
