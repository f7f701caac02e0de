#include "net/failure_examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FailureExamplesTest : public ::testing::Test {
 protected:
  void note(FailureExamples::Failure failure) { examples_.note(failure, wall_, now_); }

  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  FailureExamples examples_{log_, "host:3000"};
  WallTime wall_ = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
  MonoTime now_{seconds{1'000}};
};

TEST_F(FailureExamplesTest, LogsOnePerReasonAndMinuteWithTheNumberSince) {
  for (int second = 0; second < 120; ++second, now_ += seconds{1}) {
    note({MissReason::kMalformed, InfluencerId{7}, 200, "<html>\x1b[2J"});
    note({MissReason::kServerError, InfluencerId{8}, 500, "oops"});
  }
  ASSERT_THAT(lines_, SizeIs(4));
  EXPECT_THAT(lines_[0], AllOf(HasSubstr("reason=malformed"), HasSubstr("influencer=7"),
                               HasSubstr("status=200"), HasSubstr("<html>"), HasSubstr("x1b[2J"),
                               HasSubstr("since_last_line=1")));
  EXPECT_THAT(lines_[1], AllOf(HasSubstr("reason=server_error"), HasSubstr("reply=oops")));
  EXPECT_THAT(lines_[2], AllOf(HasSubstr("reason=malformed"), HasSubstr("since_last_line=60")));
}

TEST_F(FailureExamplesTest, KeepsTheNewestOfEachReason) {
  EXPECT_THAT(examples_.newest(), IsEmpty());
  note({MissReason::kMalformed, InfluencerId{7}, 200, "old"});
  now_ += seconds{1};
  wall_ += seconds{1};
  note({MissReason::kMalformed, InfluencerId{8}, 200, "new"});
  note({MissReason::kConnection, InfluencerId{9}, 0, {}, "refused"});
  const auto newest = examples_.newest();
  ASSERT_THAT(newest, SizeIs(2));
  EXPECT_EQ(newest[0].reason, MissReason::kConnection);
  EXPECT_EQ(newest[0].text, "refused");
  EXPECT_EQ(newest[1].influencer, InfluencerId{8});
  EXPECT_EQ(newest[1].status, 200u);
  EXPECT_EQ(newest[1].text, "new");
  EXPECT_EQ(newest[1].at, wall_);
  EXPECT_EQ(newest[1].count, 2u);
}

TEST_F(FailureExamplesTest, MakesNoTextForEachOfAFlood) {
  note({MissReason::kMalformed, InfluencerId{1}, 200, "first"});
  for (std::uint64_t i = 2; i < 1'000; ++i, now_ += milliseconds{1} / 100) {
    note({MissReason::kMalformed, InfluencerId{i}, 200, "later"});
  }
  EXPECT_EQ(examples_.newest().front().text, "first");
  EXPECT_EQ(examples_.newest().front().count, 999u);
}

TEST_F(FailureExamplesTest, LogsNeitherALimitNorAnUnknownInfluencer) {
  note({MissReason::kRateLimited, InfluencerId{1}, 429, ""});
  note({MissReason::kNotFound, InfluencerId{2}, 404, "who?"});
  EXPECT_THAT(lines_, IsEmpty());
  EXPECT_THAT(examples_.newest(), SizeIs(2));
}

TEST_F(FailureExamplesTest, ShowsAtMostTheFirstBytesAndNoSecret) {
  note({MissReason::kMalformed, InfluencerId{1}, 200,
        R"({"token":"hunter2"})" + std::string(9'000, 'x')});
  EXPECT_LT(lines_.front().size(), 400u);
  EXPECT_EQ(lines_.front().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace ia
