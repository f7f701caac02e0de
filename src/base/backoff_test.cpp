#include "base/backoff.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

class StoppedClock final : public Clock {
 public:
  WallTime wall() const override { return {}; }
  MonoTime mono() const override { return now; }
  MonoTime now{minutes{60}};
};

int calls_within(StoppedClock& clock, Backoff& backoff, milliseconds time) {
  int calls = 0;
  for (const auto end = clock.now + time; clock.now < end; clock.now += backoff.rest()) {
    EXPECT_TRUE(backoff.may_call());
    backoff.failed();
    ++calls;
  }
  return calls;
}

TEST(Backoff, CallsLessAndLessOftenWhileCallsFail) {
  StoppedClock clock;
  Backoff backoff(clock);
  EXPECT_EQ(backoff.rest(), milliseconds{0});
  backoff.failed();
  EXPECT_EQ(backoff.rest(), milliseconds{100});
  EXPECT_FALSE(backoff.may_call());
  clock.now += milliseconds{100};
  EXPECT_TRUE(backoff.may_call());
  backoff.failed();
  EXPECT_EQ(backoff.rest(), milliseconds{200});
  clock.now += milliseconds{200};

  EXPECT_LE(calls_within(clock, backoff, minutes{1}), 12);
  EXPECT_LE(calls_within(clock, backoff, minutes{1}), 7) << "then one each ten seconds";
}

TEST(Backoff, BeginsAgainAfterASuccess) {
  StoppedClock clock;
  Backoff backoff(clock, {.min = milliseconds{250}, .max = milliseconds{500}});
  for (int i = 0; i < 9; ++i) backoff.failed();
  EXPECT_EQ(backoff.rest(), milliseconds{500});
  EXPECT_TRUE(backoff.is_failing());
  backoff.succeeded();
  EXPECT_TRUE(backoff.may_call());
  EXPECT_FALSE(backoff.is_failing());
  backoff.note(false);
  EXPECT_EQ(backoff.rest(), milliseconds{250});
}

}  // namespace
}  // namespace ia
