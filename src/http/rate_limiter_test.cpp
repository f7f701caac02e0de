#include "http/rate_limiter.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RateLimiter, LetsASecondsWorthThroughAtOnceAndThenTheRate) {
  ManualClock clock;
  RateLimiter limiter(5);
  int passed = 0;
  for (int i = 0; i < 20; ++i) passed += !limiter.refuse(1, clock.mono());
  EXPECT_EQ(passed, 5);
  EXPECT_EQ(limiter.refuse(1, clock.mono()), milliseconds{200});
  for (int i = 0; i < 100; ++i) {
    clock.advance(milliseconds{100});
    passed += !limiter.refuse(1, clock.mono());
  }
  EXPECT_EQ(passed, 55);
}

TEST(RateLimiter, KeepsClientsApart) {
  ManualClock clock;
  RateLimiter limiter(1);
  EXPECT_EQ(limiter.refuse(1, clock.mono()), std::nullopt);
  EXPECT_EQ(limiter.refuse(1, clock.mono()), seconds{1});
  EXPECT_EQ(limiter.refuse(2, clock.mono()), std::nullopt);
}

TEST(RateLimiter, CanBeSlowerThanOneASecond) {
  ManualClock clock;
  RateLimiter limiter(0.1);
  EXPECT_EQ(limiter.refuse(1, clock.mono()), std::nullopt);
  EXPECT_EQ(limiter.refuse(1, clock.mono()), seconds{10});
}

TEST(RateLimiter, IsOffAtZero) {
  ManualClock clock;
  RateLimiter limiter(0);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(limiter.refuse(1, clock.mono()), std::nullopt);
}

// Forgetting the idle ones must not forgive those that are not.
TEST(RateLimiter, KeepsBusyClientsWhenThereAreTooMany) {
  ManualClock clock;
  RateLimiter limiter(1);
  for (std::uint64_t client = 0; client < RateLimiter::kClientsMax; ++client) {
    limiter.refuse(client, clock.mono());
  }
  clock.advance(seconds{1});
  limiter.refuse(7, clock.mono());
  limiter.refuse(1'000'000, clock.mono());
  EXPECT_NE(limiter.refuse(7, clock.mono()), std::nullopt);
}

}  // namespace
}  // namespace ia
