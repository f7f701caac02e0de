#include "http/wrong_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

class WrongTokensTest : public ::testing::Test {
 protected:
  static IpAddress at(std::string_view text) { return IpAddress::parse(text).value(); }
  // Tries so often; returns how often a token was looked at.
  int guess(int times, const IpAddress& client) {
    int looked_at = 0;
    for (int i = 0; i < times; ++i) {
      if (tokens_->wait(client, clock_.mono())) continue;
      tokens_->add(client, clock_.mono());
      ++looked_at;
    }
    return looked_at;
  }

  ManualClock clock_;
  Metrics metrics_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  std::optional<WrongTokens> tokens_{std::in_place, metrics_, log_};
  const IpAddress guesser_ = at("192.0.2.1");
  const IpAddress other_ = at("192.0.2.2");
};

TEST_F(WrongTokensTest, SlowDownTheClientThatSendsThemAndNoOther) {
  EXPECT_EQ(guess(1'000, guesser_), WrongTokens::kBurst);
  EXPECT_EQ(tokens_->wait(guesser_, clock_.mono()), seconds{1});
  EXPECT_FALSE(tokens_->wait(other_, clock_.mono()));
  clock_.advance(seconds{1});
  EXPECT_EQ(guess(1'000, guesser_), 1);
  clock_.advance(seconds{60});
  EXPECT_EQ(guess(1'000, guesser_), WrongTokens::kBurst);
}

TEST_F(WrongTokensTest, AreLoggedAtOnceAndThenOncePerMinute) {
  guess(1, other_);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0],
              AllOf(HasSubstr("warn"), HasSubstr("count=1"), HasSubstr("address=192.0.2.2")));
  guess(500, guesser_);
  guess(1, other_);
  tokens_->tell(clock_.mono());
  EXPECT_EQ(lines_.size(), 1u);
  clock_.advance(seconds{60});
  tokens_->tell(clock_.mono());
  tokens_->tell(clock_.mono());
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_THAT(lines_[1], AllOf(HasSubstr("count=501"), HasSubstr("address=192.0.2.1"),
                               HasSubstr("addresses=2")));
  EXPECT_THAT(metrics_.text(), HasSubstr("ia_http_wrong_tokens_total 502"));
}

TEST_F(WrongTokensTest, AreLoggedAtTheEndToo) {
  guess(3, guesser_);
  tokens_.reset();
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_THAT(lines_[1], HasSubstr("count=2"));
}

}  // namespace
}  // namespace ia
