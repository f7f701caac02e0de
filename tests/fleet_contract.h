#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "ports/fleet.h"

namespace ia {

// A fleet on which time can be made to pass.
class FleetHarness {
 public:
  virtual ~FleetHarness() = default;
  virtual Fleet& fleet() = 0;
  virtual void pass(std::chrono::milliseconds time) = 0;
};

struct FleetKind {
  const char* name;
  std::function<std::unique_ptr<FleetHarness>()> make;  // nothing: not installed
};

// What every Fleet does. Suites that instantiate it give the kinds.
class FleetContract : public ::testing::TestWithParam<FleetKind> {
 protected:
  using Seconds = std::chrono::seconds;

  void SetUp() override {
    harness_ = GetParam().make();
    if (!harness_) GTEST_SKIP() << "SKIPPED: " << GetParam().name << " is not installed";
  }
  double renew(const std::string& process, double limit) {
    return harness_->fleet().renew(process, {.stage = "fetch", .upstream_limit = limit}).value();
  }
  void leave(const std::string& process) { ASSERT_TRUE(harness_->fleet().leave(process)); }
  void pass(std::chrono::milliseconds time) { harness_->pass(time); }
  std::vector<std::string> living() {
    const auto entries = harness_->fleet().read().value();
    std::vector<std::string> names;
    for (const auto& entry : entries) names.push_back(entry.process);
    return names;
  }

  std::unique_ptr<FleetHarness> harness_;
};

TEST_P(FleetContract, TellsWhatEachSaidLast) {
  ASSERT_TRUE(harness_->fleet().renew("a", {.stage = "fetch", .upstream_limit = 5}));
  ASSERT_TRUE(harness_->fleet().renew("a", {.stage = "fetch api",
                                            .upstream_limit = 100.5,
                                            .upstream_requests = 7'000'000'000,
                                            .queue_requests = 12,
                                            .queue_billed_per_day = 0.25}));
  ASSERT_TRUE(harness_->fleet().renew("b", {.stage = "sink"}));
  const auto entries = harness_->fleet().read().value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].process, "a");
  EXPECT_EQ(entries[0].report.stage, "fetch api");
  EXPECT_EQ(entries[0].report.upstream_limit, 100.5);
  EXPECT_EQ(entries[0].report.upstream_requests, 7'000'000'000u);
  EXPECT_EQ(entries[0].report.queue_requests, 12u);
  EXPECT_EQ(entries[0].report.queue_billed_per_day, 0.25);
  EXPECT_EQ(entries[0].upstream_share, 100.5);
  EXPECT_EQ(entries[1].report.stage, "sink");
  EXPECT_EQ(entries[1].upstream_share, 0);
}

TEST_P(FleetContract, GivesTheOnlyOneTheWholeLimit) {
  EXPECT_EQ(renew("a", 900), 900);
  EXPECT_EQ(renew("sink", 0), 0);
  EXPECT_EQ(renew("a", 900), 900);
}

TEST_P(FleetContract, GivesANewcomerItsPartOnceTheOthersGaveItUp) {
  EXPECT_EQ(renew("a", 900), 900);
  EXPECT_EQ(renew("b", 900), 0);
  EXPECT_EQ(renew("a", 900), 450);
  EXPECT_EQ(renew("b", 900), 450);
  EXPECT_EQ(renew("c", 900), 0);
  EXPECT_EQ(renew("a", 900), 300);
  EXPECT_EQ(renew("c", 900), 150);
  EXPECT_EQ(renew("b", 900), 300);
  EXPECT_EQ(renew("c", 900), 300);
}

TEST_P(FleetContract, GivesWhatOneHadThatLeftToTheOthersAtOnce) {
  renew("a", 900), renew("b", 900), renew("a", 900), renew("b", 900);
  leave("a");
  EXPECT_EQ(renew("b", 900), 900);
  EXPECT_THAT(living(), ::testing::ElementsAre("b"));
  leave("nobody");
}

TEST_P(FleetContract, GivesBackTheShareOfADeadOneWithinHalfAMinute) {
  renew("a", 900), renew("b", 900), renew("a", 900), renew("b", 900);
  Seconds waited{0};
  while (renew("b", 900) < 900 && waited < Seconds{60}) {
    pass(kFleetRenewal);
    waited += kFleetRenewal;
  }
  EXPECT_GE(waited, Seconds{18});
  EXPECT_LE(waited, Seconds{30});
  EXPECT_THAT(living(), ::testing::ElementsAre("b"));
}

TEST_P(FleetContract, LetsNobodyTakeASharesPartWhileNobodyCouldRenew) {
  renew("a", 900), renew("b", 900), renew("a", 900), renew("b", 900);
  pass(Seconds{3'600});  // nobody could renew; both go on with what they had
  EXPECT_EQ(renew("b", 900), 450);
  EXPECT_EQ(renew("a", 900), 450);
}

TEST_P(FleetContract, HoldsTheSmallestLimitThatIsNamed) {
  EXPECT_EQ(renew("a", 900), 900);
  EXPECT_EQ(renew("b", 100), 0);
  EXPECT_EQ(renew("a", 900), 50);
  EXPECT_EQ(renew("b", 100), 50);
}

// Fetchers are started, stopped and killed, and cannot be heard for a while, in any order. A
// process uses the share that it was told last until it ends; one that was killed uses none.
TEST_P(FleetContract, NeverGivesMoreThanTheLimitWhateverHappens) {
  constexpr double kLimit = 1'000;
  std::mt19937_64 random{20'240'131};
  const auto chance = [&random](int percent) { return static_cast<int>(random() % 100) < percent; };
  std::map<std::string, double> shares;  // of those that run
  int started = 0;
  for (int step = 0; step < 300; ++step) {
    if (shares.size() < 8 && chance(25)) shares["p" + std::to_string(++started)] = 0;
    if (chance(5)) pass(Seconds{random() % 100});  // out of reach
    for (auto process = shares.begin(); process != shares.end();) {
      if (chance(5)) {
        if (chance(50)) leave(process->first);
        process = shares.erase(process);
        continue;
      }
      if (chance(90)) process->second = renew(process->first, kLimit);
      ++process;
      double sum = 0;
      for (const auto& [name, share] : shares) sum += share;
      ASSERT_LE(sum, kLimit * (1 + 1e-9)) << "step " << step;
    }
    pass(kFleetRenewal);
  }
  // In quiet, everything is handed out, evenly.
  for (int step = 0; step < 12; ++step) {
    for (auto& [name, share] : shares) share = renew(name, kLimit);
    pass(kFleetRenewal);
  }
  for (const auto& [name, share] : shares) {
    EXPECT_NEAR(share, kLimit / static_cast<double>(shares.size()), 1e-6);
  }
}

}  // namespace ia
