#include "net/outage_gate.h"

#include <gtest/gtest.h>

#include <random>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class OutageGateTest : public ::testing::Test {
 protected:
  void shut() {
    for (int i = 0; i < 256; ++i) gate_.on_failure(now_);
    ASSERT_TRUE(gate_.is_shut());
  }
  // How many requests the network gets in this time, if each is answered by `answers`.
  template <class Answers>
  std::size_t requests_in(milliseconds time, Answers answers) {
    std::size_t requests = 0;
    for (const auto end = now_ + time; now_ < end; now_ += milliseconds{5}) {
      const auto allowed = std::min<std::size_t>(gate_.allowed(now_), 500);
      gate_.on_begin(allowed);
      for (std::size_t i = 0; i < allowed; ++i) {
        ++requests;
        answers() ? gate_.on_success(now_) : gate_.on_failure(now_);
      }
    }
    return requests;
  }

  OutageGate gate_;
  MonoTime now_{seconds{1'000}};
};

TEST_F(OutageGateTest, StaysOpenWhileOneRequestInTenIsAnswered) {
  std::mt19937_64 random(3);
  std::bernoulli_distribution answers(0.1);
  for (int i = 0; i < 10'000'000; ++i) {
    answers(random) ? gate_.on_success(now_) : gate_.on_failure(now_);
    ASSERT_TRUE(gate_.is_open()) << "after " << i;
  }
}

TEST_F(OutageGateTest, ShutsAfter256FailuresInARow) {
  for (int i = 0; i < 255; ++i) gate_.on_failure(now_);
  EXPECT_TRUE(gate_.is_open());
  gate_.on_failure(now_);
  EXPECT_TRUE(gate_.is_shut());
}

TEST_F(OutageGateTest, ShutsWhenOneInAHundredIsAnswered) {
  for (int i = 0; i < 5'000 && gate_.is_open(); ++i) {
    i % 100 == 0 ? gate_.on_success(now_) : gate_.on_failure(now_);
  }
  EXPECT_TRUE(gate_.is_shut());
}

TEST_F(OutageGateTest, ProbesEightTimesPerSecondHoweverLongTheOutage) {
  shut();
  for (const auto time : {seconds{10}, seconds{3'600}}) {
    const auto requests = requests_in(time, [] { return false; });
    EXPECT_NEAR(static_cast<double>(requests), static_cast<double>(time.count()) * 8,
                static_cast<double>(time.count()) * 0.1);
  }
}

TEST_F(OutageGateTest, OpensStepByStep) {
  shut();
  const auto all_well = [] { return true; };
  const auto first = requests_in(seconds{1}, all_well);
  const auto second = requests_in(seconds{1}, all_well);
  EXPECT_LE(first, 40u);
  EXPECT_LE(second, 4 * first + 8);
  EXPECT_FALSE(gate_.is_open());
  requests_in(seconds{5}, all_well);
  EXPECT_TRUE(gate_.is_open());
}

TEST_F(OutageGateTest, ShutsAgainOnTheRampWhenThatSuccessWasTheOnlyOne) {
  shut();
  gate_.on_success(now_);
  const auto requests = requests_in(seconds{20}, [] { return false; });
  EXPECT_TRUE(gate_.is_shut());
  EXPECT_LE(requests, 64u + 20u + 20u * 8u);
}

TEST_F(OutageGateTest, OpensWithinTwentySecondsWhereNineOfTenRequestsFail) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    std::bernoulli_distribution answers(0.1);
    gate_ = OutageGate();
    shut();
    const auto began = now_;
    while (!gate_.is_open()) {
      requests_in(milliseconds{100}, [&] { return answers(random); });
      ASSERT_LE(now_ - began, seconds{20}) << "seed " << seed;
    }
  }
}

TEST_F(OutageGateTest, AProbeThatCameToNothingIsNoProbe) {
  shut();
  now_ += seconds{1};
  ASSERT_EQ(gate_.allowed(now_), 1u);
  gate_.on_begin(1);
  EXPECT_EQ(gate_.allowed(now_), 0u);
  gate_.on_unsent(1);
  EXPECT_EQ(gate_.allowed(now_), 1u);
}

TEST_F(OutageGateTest, SaysUntilWhenItHeldRequestsBack) {
  EXPECT_EQ(gate_.held_back_until(now_), MonoTime{});
  shut();
  EXPECT_EQ(gate_.held_back_until(now_), now_);
  requests_in(seconds{8}, [] { return true; });
  ASSERT_TRUE(gate_.is_open());
  EXPECT_LT(gate_.held_back_until(now_), now_);
  EXPECT_GT(gate_.held_back_until(now_), now_ - seconds{5});
}

}  // namespace
}  // namespace ia
