#include "net/throttle.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const MonoTime kStart{seconds{1'000}};

TEST(TokenBucket, LetsItsRateThrough) {
  TokenBucket bucket(1'000, 50);
  std::size_t sent = 0;
  for (int ms = 0; ms <= 10'000; ms += 4) {
    const auto count = bucket.available(kStart + milliseconds{ms});
    bucket.take(count);
    sent += count;
  }
  EXPECT_NEAR(static_cast<double>(sent), 10'000, 60);
}

// A stall must not be repaid as a burst.
TEST(TokenBucket, RepaysAStallOnlyUpToItsBurst) {
  TokenBucket bucket(1'000, 50);
  bucket.available(kStart);

  EXPECT_EQ(bucket.available(kStart + seconds{60}), 50u);
}

TEST(TokenBucket, IsUnlimitedAtRateZero) {
  TokenBucket bucket(0, 1);
  bucket.take(1'000'000);

  EXPECT_GT(bucket.available(kStart), 1'000'000u);
}

TEST(AimdLimit, GrowsOnlyWhileItIsUsed) {
  AimdLimit limit(64, 4, 128);
  for (int i = 0; i < 10'000; ++i) limit.on_success(10);
  EXPECT_EQ(limit.limit(), 64u);

  for (int i = 0; i < 100'000; ++i) limit.on_success(limit.limit());
  EXPECT_EQ(limit.limit(), 128u);
}

TEST(AimdLimit, FallsAtMostOnceARoundTrip) {
  AimdLimit limit(100, 4, 128);
  for (int i = 0; i < 50; ++i) limit.on_trouble(kStart, milliseconds{100});
  EXPECT_EQ(limit.limit(), 90u);

  for (int i = 0; i < 100; ++i) limit.on_trouble(kStart + seconds{i}, milliseconds{100});
  EXPECT_EQ(limit.limit(), 4u);
}

TEST(AimdLimit, GrowsFastAfterAnOutageToWhatItWasBefore) {
  AimdLimit limit(64, 4, 4'000);
  for (int i = 0; i < 4'000'000; ++i) limit.on_success(limit.limit());
  const auto before = limit.limit();
  ASSERT_GT(before, 2'000u);
  limit.remember();
  for (int i = 0; i < 100; ++i) limit.on_trouble(kStart + seconds{i}, milliseconds{100});
  ASSERT_EQ(limit.limit(), 4u);
  limit.remember();
  limit.regain();
  for (std::size_t i = 0; i < before; ++i) limit.on_success(limit.limit());
  EXPECT_GE(limit.limit(), before);
  for (int i = 0; i < 100; ++i) limit.on_success(limit.limit());
  EXPECT_LE(limit.limit(), before + 2) << "and then as slowly as ever";
}

TEST(RetryBudget, AllowsATenthOfTheSuccesses) {
  RetryBudget budget;
  while (budget.take()) {
  }
  int retries = 0;
  for (int i = 0; i < 1'000; ++i) {
    budget.on_success();
    if (budget.take()) ++retries;
  }
  EXPECT_NEAR(retries, 100, 2);
}

TEST(Backoff, IsFullyJitteredUpToItsCap) {
  std::mt19937_64 random(3);
  milliseconds longest{0}, shortest{10'000};
  for (int i = 0; i < 2'000; ++i) {
    longest = std::max(longest, full_jitter(1, kRetryBase, random));
    shortest = std::min(shortest, full_jitter(1, kRetryBase, random));
    ASSERT_LE(full_jitter(30, kRetryBase, random), milliseconds{5'000});
  }
  EXPECT_LE(longest, milliseconds{400});
  EXPECT_GT(longest, milliseconds{380});
  EXPECT_LT(shortest, milliseconds{20});
}

}  // namespace
}  // namespace ia
