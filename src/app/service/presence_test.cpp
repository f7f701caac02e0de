#include "app/service/presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "app/process/lock_file.h"
#include "app/process/scratch_directory.h"
#include "testing/manual_clock.h"
#include "testing/memory_fleet.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

// Can be out of reach.
class Flaky final : public Fleet {
 public:
  explicit Flaky(Fleet& real) : real_(real) {}
  Result<double> renew(const std::string& process, const ProcessReport& report) override {
    if (is_away) return fail(Errc::kUnavailable, "away");
    ++renewals;
    return real_.renew(process, report);
  }
  Status leave(const std::string& process) override { return real_.leave(process); }
  Result<std::vector<FleetEntry>> read() const override { return real_.read(); }

  bool is_away = false;
  int renewals = 0;

 private:
  Fleet& real_;
};

class PresenceTest : public ::testing::Test {
 protected:
  std::unique_ptr<Presence> join(double limit) {
    auto presence = std::make_unique<Presence>(name_of_process(), fleet_, clock_, log_, [limit] {
      return ProcessReport{.stage = "fetch", .upstream_limit = limit};
    });
    presence->step();
    return presence;
  }

  ManualClock clock_;
  MemoryFleet memory_{clock_};
  Flaky fleet_{memory_};
  Log log_{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
};

TEST_F(PresenceTest, RenewsItsEntryEveryThreeSecondsHoweverOftenItIsAsked) {
  const auto presence = join(100);
  for (int i = 0; i < 90; ++i) {
    clock_.advance(std::chrono::milliseconds{100});
    presence->step();
  }
  EXPECT_EQ(fleet_.renewals, 4);
}

TEST_F(PresenceTest, SharesTheLimitWithTheOthersUntilTheyAreGone) {
  const auto first = join(100);
  EXPECT_EQ(first->share(), 100);
  auto second = join(100);
  EXPECT_EQ(second->share(), 0);
  for (auto* one : {first.get(), second.get()}) {
    clock_.advance(kFleetRenewal);
    one->step();
    EXPECT_EQ(one->share(), 50);
  }
  second.reset();
  clock_.advance(kFleetRenewal);
  first->step();
  EXPECT_EQ(first->share(), 100);
}

TEST_F(PresenceTest, KeepsItsShareWhileTheRosterIsAway) {
  const auto presence = join(100);
  const auto other = join(100);
  clock_.advance(kFleetRenewal);
  presence->step();
  fleet_.is_away = true;
  for (int i = 0; i < 100; ++i) {
    clock_.advance(kFleetRenewal);
    presence->step();
    ASSERT_EQ(presence->share(), 50);
  }
  fleet_.is_away = false;
  clock_.advance(kFleetRenewal);
  presence->step();
  EXPECT_EQ(presence->share(), 50);  // the other one's is not free: it could not renew either
}

TEST_F(PresenceTest, NamesEachProcessAnew) { EXPECT_NE(name_of_process(), name_of_process()); }

TEST(Neighbours, AreTheHoldersOfTheOtherStagesLocks) {
  TempDir dir;
  const auto api = LockFile::acquire(dir.path(), "api");
  const auto fetch = LockFile::acquire(dir.path(), "fetch");
  const auto check = LockFile::acquire(dir.path(), "check");
  (void)LockFile::acquire(dir.path(), "sink");  // gone again

  const auto found = neighbours(dir.path(), "seed api", {});
  ASSERT_EQ(found.size(), 1u) << "one process has both";
  EXPECT_EQ(found[0].report.stage, "check fetch");
  EXPECT_TRUE(found[0].process.ends_with(":" + std::to_string(getpid())));
  EXPECT_TRUE(neighbours(dir.path() / "none", "api", {}).empty());
}

TEST(Neighbours, DoNotHoldTheLockOfAScratchDirectory) {
  const auto scratch = ScratchDirectory::make();
  ASSERT_TRUE(scratch) << scratch.error().message;
  EXPECT_TRUE(neighbours(scratch->path(), "api", {}).empty());
}

}  // namespace
}  // namespace ia
