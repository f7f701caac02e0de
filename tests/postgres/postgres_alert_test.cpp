#include <chrono>
#include <thread>

#include "../alert_store_contract.h"
#include "adapters/postgres/alert_store.h"
#include "store_fixture.h"

namespace ia {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

// The databases of stores live as long as the test program, and so does the server.
std::unique_ptr<AlertStore> make() {
  static std::vector<std::unique_ptr<TestDatabase>> databases;
  databases.push_back(std::make_unique<TestDatabase>(*shared_postgres_server().value()));
  return open_postgres_alert_store(databases.back()->run_time_dsn());
}

std::optional<std::string> why_not() {
  return why_skip(shared_postgres_server());
}

INSTANTIATE_TEST_SUITE_P(Postgres, AlertStoreContract,
                         ::testing::Values(AlertStoreKind{"PostgreSQL", make, why_not}),
                         [](const auto& kind) { return kind.param.name; });

class PostgresAlerts : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (!IsSkipped()) database_ = std::make_unique<TestDatabase>(server());
  }
  static AlertRule a_rule() {
    return {.name = "rule",
            .influencers = {InfluencerId{7}},
            .target = {.url = "https://example.com/x", .secret = {}}};
  }
  static NewAlert an_alert(const AlertRule& rule, std::string id) {
    return {.rule = rule.id, .version = rule.version, .webhook_id = std::move(id)};
  }
  std::unique_ptr<AlertStore> open() const {
    return open_postgres_alert_store(database_->run_time_dsn());
  }
  // The server lets go of a lock some time after it was told.
  static bool takes_turn_soon(AlertStore& store) {
    for (int attempt = 0; attempt < 500; ++attempt) {
      const auto turn = store.take_turn();
      if (turn && *turn) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return false;
  }
  void end_connection_of_turn() {
    ASSERT_TRUE(database_->connect().query(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'"
        " AND classid = 18785 AND objid = 7 AND granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"));
  }

  std::unique_ptr<TestDatabase> database_;
};

TEST_F(PostgresAlerts, LeaveOutRulesThatOthersSpoiltAndSaySoOnce) {
  std::string logged;
  Log log(LogLevel::kWarning, LogFormat::kText, [&](std::string_view line) { logged += line; });
  const auto store =
      open_postgres_alert_store(database_->run_time_dsn(), std::chrono::seconds{30}, &log);
  const auto good = must(store->add(a_rule()));
  for (const std::string change :
       {"influencers = '{{1,2},{3,4}}'", "influencers = '{NULL}'", "influencers = '{}'",
        "influencers = '{7,7}'", "milestones = '{{8,8}}'", "kind = 'x'", "kind = 'milestone'",
        "level = -1", "url = 'file:///etc/passwd'", "url = ''",
        "cool_down_minutes = 99999999", "metric = ''"}) {
    const auto spoilt = must(store->add(a_rule()));
    const auto id = std::to_string(number_of(spoilt.id));
    auto db = database_->connect();
    ASSERT_TRUE(db.execute("UPDATE ia.alert_rules SET " + change + " WHERE id = " + id)) << change;
    logged.clear();
    EXPECT_THAT(must(store->rules()), ElementsAre(good)) << change;
    EXPECT_THAT(logged, HasSubstr("rule=" + id)) << change;
    logged.clear();
    EXPECT_THAT(must(store->rules()), ElementsAre(good)) << change;
    EXPECT_EQ(logged, "") << change;
    EXPECT_TRUE(store->remove(spoilt.id)) << change;
  }
}

TEST_F(PostgresAlerts, AreTheSameForEveryProcess) {
  const auto one = open(), other = open();
  const auto before = other->revision().value();
  const auto rule = one->add(a_rule()).value();
  EXPECT_NE(other->revision().value(), before);
  EXPECT_THAT(other->rules().value(), ElementsAre(rule));
}

TEST_F(PostgresAlerts, AreLookedAtByOneProcessAndThenTheNext) {
  auto first = open();
  const auto second = open();
  EXPECT_FALSE(second->has_turn());
  EXPECT_THAT(first->take_turn().value(), Optional(1));
  EXPECT_EQ(second->take_turn().value(), std::nullopt);
  EXPECT_THAT(first->take_turn().value(), Optional(1)) << "it is its turn still";
  EXPECT_TRUE(first->has_turn());
  first = nullptr;  // its process ends
  EXPECT_TRUE(takes_turn_soon(*second));
  EXPECT_THAT(second->take_turn().value(), Optional(2));
}

TEST_F(PostgresAlerts, ABrokenConnectionEndsTheTurn) {
  const auto store = open();
  ASSERT_THAT(store->take_turn().value(), Optional(1));
  end_connection_of_turn();
  EXPECT_EQ(store->take_turn().error().code, Errc::kUnavailable);
  EXPECT_FALSE(store->has_turn());
  EXPECT_THAT(store->take_turn().value(), Optional(2)) << "it may have the next one";
}

// A process that stood still does not know that its turn is over.
TEST_F(PostgresAlerts, RefusesWhatSomebodyWritesAfterTheTurn) {
  const auto late = open(), next = open();
  const auto rule = late->add(a_rule()).value();
  EXPECT_EQ(late->record({}, {an_alert(rule, "a")}).error().code, Errc::kUnavailable)
      << "it never had a turn";
  ASSERT_TRUE(late->take_turn().value());
  ASSERT_TRUE(late->record({}, {an_alert(rule, "b")}));
  end_connection_of_turn();
  ASSERT_TRUE(takes_turn_soon(*next));
  EXPECT_TRUE(late->has_turn());
  const auto refused = late->record({}, {an_alert(rule, "c")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("another process's turn"));
  ASSERT_TRUE(next->record({}, {an_alert(rule, "d")}));
  const auto log = next->log({}).value();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0].webhook_id, "d");
  EXPECT_EQ(log[1].webhook_id, "b");
}

TEST_F(PostgresAlerts, ChangesGoOnAfterARestartOfTheServer) {
  const auto store = open();
  ASSERT_TRUE(store->add(a_rule()));
  ASSERT_TRUE(database_->connect().query(
      "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
      " WHERE datname = current_database() AND pid <> pg_backend_pid()"));
  const auto second = store->add(a_rule());
  EXPECT_TRUE(second) << second.error().message;
}

// Numbers of transactions that failed are used up.
TEST_F(PostgresAlerts, KeepsItsLogOverHolesInTheNumbers) {
  const auto store = open();
  ASSERT_TRUE(store->take_turn().value());
  const auto rule = store->add(a_rule()).value();
  ASSERT_TRUE(store->record({}, {an_alert(rule, "a")}));
  ASSERT_TRUE(database_->connect().execute(
      "SELECT setval(pg_get_serial_sequence('ia.alert_log', 'number'), 1000000)"));
  EXPECT_EQ(store->record({}, {an_alert(rule, "b")}).value(), 0u);
  EXPECT_EQ(store->pending().value(), 2u);
}

}  // namespace
}  // namespace ia
