#include "alert_store_contract.h"

#include <sys/stat.h>

#include "adapters/sqlite/alert_store.h"
#include "base/sqlite.h"
#include "testing/memory_alert_store.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

// The directory of a store lives as long as the test program.
std::unique_ptr<AlertStore> in_temp_dir() {
  static std::vector<std::unique_ptr<TempDir>> directories;
  directories.push_back(std::make_unique<TempDir>());
  return open_sqlite_alert_store(directories.back()->path()).value();
}

INSTANTIATE_TEST_SUITE_P(
    Stores, AlertStoreContract,
    ::testing::Values(AlertStoreKind{"memory", [] { return std::make_unique<MemoryAlertStore>(); }},
                      AlertStoreKind{"sqlite", in_temp_dir}),
    [](const auto& kind) { return kind.param.name; });

AlertRule a_rule() {
  return {.name = "rule",
          .influencers = {InfluencerId{7}},
          .target = {.url = "https://example.com/x", .secret = {}}};
}

TEST(SqliteAlertStore, IsThereAgainAfterItWasClosed) {
  TempDir dir;
  const auto rule = open_sqlite_alert_store(dir.path()).value()->add(a_rule()).value();
  const auto again = open_sqlite_alert_store(dir.path()).value();
  EXPECT_THAT(again->rules().value(), ::testing::ElementsAre(rule));
}

TEST(SqliteAlertStore, TellsAnotherProcessOfAChange) {
  TempDir dir;
  const auto one = open_sqlite_alert_store(dir.path()).value();
  const auto other = open_sqlite_alert_store(dir.path()).value();
  const auto before = other->revision().value();
  ASSERT_TRUE(one->add(a_rule()));
  EXPECT_NE(other->revision().value(), before);
}

TEST(SqliteAlertStore, KeepsItsSecretsFromOtherUsers) {
  TempDir dir;
  const auto store = open_sqlite_alert_store(dir.path()).value();
  struct stat found{};
  ASSERT_EQ(::stat((dir.path() / "alerts.db").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST(SqliteAlertStore, LeavesOutRulesThatOthersSpoiltAndSaysSoOnce) {
  TempDir dir;
  std::string logged;
  Log log(LogLevel::kWarning, LogFormat::kText, [&](std::string_view line) { logged += line; });
  const auto store = open_sqlite_alert_store(dir.path(), &log).value();
  const auto good = store->add(a_rule()).value();
  for (const std::string change : {"influencers = ''", "kind = 'x'", "url = 'ftp://x'"}) {
    const auto spoilt = store->add(a_rule()).value();
    const auto id = std::to_string(number_of(spoilt.id));
    ASSERT_TRUE(sqlite::Connection::open(dir.path() / "alerts.db", sqlite::Access::kCreate)
                    .value()
                    .execute(("UPDATE rules SET " + change + " WHERE id = " + id).c_str()));
    logged.clear();
    EXPECT_THAT(store->rules().value(), ::testing::ElementsAre(good)) << change;
    EXPECT_THAT(logged, ::testing::HasSubstr("rule=" + id)) << change;
    logged.clear();
    EXPECT_THAT(store->rules().value(), ::testing::ElementsAre(good)) << change;
    EXPECT_EQ(logged, "");
    EXPECT_TRUE(store->remove(spoilt.id));
  }
}

TEST(SqliteAlertStore, RefusesAFileOfSomebodyElse) {
  TempDir dir;
  ASSERT_TRUE(sqlite::Connection::open(dir.path() / "alerts.db", sqlite::Access::kCreate)
                  .value()
                  .execute("CREATE TABLE t(x); PRAGMA user_version=9"));
  const auto opened = open_sqlite_alert_store(dir.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kInvalid);
  EXPECT_THAT(opened.error().message, ::testing::HasSubstr("alerts.db"));
}

}  // namespace
}  // namespace ia
