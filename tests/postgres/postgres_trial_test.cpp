#include "adapters/postgres/trial_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store_fixture.h"

namespace ia::postgres {
namespace {

using ::testing::HasSubstr;

class TrialDatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    IA_NEEDS_SERVER(shared_postgres_server());
    base_ = std::make_unique<TestDatabase>(**shared_postgres_server());
  }
  bool exists(const std::string& name) {
    const auto rows = base_->connect().query("SELECT FROM pg_database WHERE datname = $1",
                                             Params().add(std::string_view(name)));
    return rows.value().size() == 1;
  }
  std::unique_ptr<TestDatabase> base_;
};

TEST_F(TrialDatabaseTest, IsThereForItsScopeAlsoWithSomebodyConnected) {
  auto trial = TrialDatabase::make(base_->owner_dsn(), "ia_trial_1").value();
  auto user = Connection::open({.dsn = trial->dsn()}).value();
  const auto name = user.query("SELECT current_database()::text").value();
  EXPECT_EQ(name.text(0, 0), "ia_trial_1");
  trial.reset();
  EXPECT_FALSE(exists("ia_trial_1"));
}

TEST_F(TrialDatabaseTest, CountsTheTimeThatItsServerWorks) {
  const auto trial = TrialDatabase::make(base_->owner_dsn(), "ia_trial_2").value();
  {
    auto user = Connection::open({.dsn = trial->dsn()}).value();
    ASSERT_TRUE(user.query("SELECT pg_sleep(0.2)::text"));
  }  // what a connection did is counted at its end, at the latest
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  auto load = trial->load().value();
  while (load.busy < std::chrono::milliseconds{200} && std::chrono::steady_clock::now() < end) {
    load = trial->load().value();
  }
  EXPECT_GE(load.busy, std::chrono::milliseconds{200});
  EXPECT_GE(load.commits, 1u);
}

TEST_F(TrialDatabaseTest, SaysWhatARoleNeedsThatMayNotCreateOne) {
  const auto refused = TrialDatabase::make(base_->run_time_dsn(), "ia_trial_3");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("ALTER ROLE ... CREATEDB"));
  EXPECT_FALSE(exists("ia_trial_3"));
}

TEST(WithDatabase, NamesAnotherOneInEitherForm) {
  EXPECT_EQ(with_database("host=h dbname=old user=u", "new"),
            "host=h dbname=old user=u dbname='new'");
  EXPECT_EQ(with_database("", "new"), " dbname='new'");
  EXPECT_EQ(with_database("postgresql://u@h/old", "new"), "postgresql://u@h/old?dbname=new");
  EXPECT_EQ(with_database("postgres://h/old?sslmode=require", "new"),
            "postgres://h/old?sslmode=require&dbname=new");
}

}  // namespace
}  // namespace ia::postgres
