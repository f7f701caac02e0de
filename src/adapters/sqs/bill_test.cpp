#include "adapters/sqs/bill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::DoubleNear;
using ::testing::HasSubstr;

class SqsBillTest : public ::testing::Test {
 protected:
  // `count` requests spread evenly over `time`.
  void work(int count, seconds time) {
    for (int i = 0; i < count; ++i) {
      clock_.advance(std::chrono::milliseconds{time} / count);
      bill_.note(SqsAction::kReceiveMessage, 0);
    }
  }

  ManualClock clock_;
  Metrics metrics_;
  SqsBill bill_{clock_, metrics_};
};

TEST_F(SqsBillTest, BillsEachBegun64KiB) {
  for (const std::size_t bytes : {0u, 1u, 65'536u}) bill_.note(SqsAction::kSendMessageBatch, bytes);
  EXPECT_EQ(bill_.report().billed_total, 3);
  bill_.note(SqsAction::kSendMessageBatch, 65'537);
  EXPECT_EQ(bill_.report().billed_total, 5);
  bill_.note(SqsAction::kDeleteMessageBatch, 262'144);
  EXPECT_EQ(bill_.report().billed_total, 9);
  EXPECT_EQ(bill_.report().requests[static_cast<std::size_t>(SqsAction::kSendMessageBatch)], 4);
}

TEST_F(SqsBillTest, TellsWhatADayCostsAtThisPace) {
  work(3'000, minutes{5});  // ten a second: 864,000 a day
  EXPECT_THAT(bill_.report().billed_per_day, DoubleNear(864'000, 1));
  EXPECT_THAT(bill_.report().usd_per_day, DoubleNear(0.3456, 1e-6));
}

TEST_F(SqsBillTest, DoesNotTakeTheFirstSecondsForAWholeDay) {
  work(60, seconds{1});
  EXPECT_THAT(bill_.report().billed_per_day, DoubleNear(86'400, 1)) << "60 a minute at most";
}

TEST_F(SqsBillTest, ForgetsAPaceOfHoursAgo) {
  work(36'000, hours{1});
  clock_.advance(hours{2});
  EXPECT_EQ(bill_.report().billed_per_day, 0);
  EXPECT_EQ(bill_.report().billed_total, 36'000);
  work(3'600, hours{1});
  EXPECT_THAT(bill_.report().billed_per_day, DoubleNear(86'400, 2'000));
}

TEST_F(SqsBillTest, ComparesWithOneMessageAnInfluencer) {
  EXPECT_EQ(bill_.report().message_each_usd_per_day, 0);
  bill_.set_watched(1'000'000, minutes{1});
  EXPECT_THAT(bill_.report().message_each_usd_per_day, DoubleNear(172.80, 1e-6));
  bill_.set_watched(1'000'000, minutes{5});
  EXPECT_THAT(bill_.report().message_each_usd_per_day, DoubleNear(34.56, 1e-6));
}

TEST_F(SqsBillTest, IsInTheMetrics) {
  work(600, minutes{1});
  bill_.set_watched(1'000'000, minutes{1});
  const auto text = metrics_.text();
  EXPECT_THAT(text, HasSubstr(R"(ia_sqs_requests_total{action="ReceiveMessage"} 600)"));
  EXPECT_THAT(text, HasSubstr("ia_sqs_billed_requests_total 600"));
  EXPECT_THAT(text, HasSubstr("ia_sqs_usd_per_day 0.3456"));
  EXPECT_THAT(text, HasSubstr("ia_sqs_message_each_usd_per_day 172.8"));
}

TEST(SqsBill, MayEndBeforeItsMetrics) {
  Metrics metrics;
  const ManualClock clock;
  {
    const SqsBill bill(clock, metrics);
  }
  EXPECT_THAT(metrics.text(), HasSubstr("ia_sqs_usd_per_day"));
}

}  // namespace
}  // namespace ia
