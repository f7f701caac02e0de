#include "net/lasting_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LastingLogTest : public ::testing::Test {
 protected:
  // Is seen every `every`, and has a look at the time often.
  void see(MonoTime::duration time, milliseconds every) {
    for (const auto end = now_ + time; now_ < end; now_ += milliseconds{100}) {
      if ((now_ - MonoTime{}) % every == MonoTime::duration{0}) {
        state_.failing(now_, "it fails", "cause " + std::to_string(++causes_));
      }
      state_.refresh(now_);
    }
  }
  void be_quiet(MonoTime::duration time) {
    for (const auto end = now_ + time; now_ < end; now_ += milliseconds{100}) state_.refresh(now_);
  }

  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  LastingLog state_{log_, "network", {.lasts = "it still fails", .ends = "all is well"}};
  int causes_ = 0;
  MonoTime now_{seconds{1'000}};
};

TEST_F(LastingLogTest, SaysOnceThatItBeginsThatItLastsAndThatItEnds) {
  see(minutes{20}, milliseconds{200});
  be_quiet(minutes{5});
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("it fails"), HasSubstr("cause=\"cause 1\"")),
                                  AllOf(HasSubstr("it still fails"), HasSubstr("for=\"60 s\"")),
                                  AllOf(HasSubstr("all is well"), HasSubstr("after=\"1200 s\""))));
}

TEST_F(LastingLogTest, DoesNotFlapWithWhatComesAndGoes) {
  see(minutes{20}, seconds{20});
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("it fails"), HasSubstr("it still fails")));
}

TEST_F(LastingLogTest, SaysNothingOfLastingWhereItDoesNotLast) {
  see(seconds{5}, milliseconds{200});
  be_quiet(seconds{29});
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("it fails")));
  be_quiet(seconds{2});
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("it fails"), HasSubstr("all is well")));
}

TEST_F(LastingLogTest, SaysTheNewestCauseWhenItLasts) {
  see(seconds{61}, seconds{10});
  EXPECT_THAT(lines_.back(), AllOf(HasSubstr("it still fails"), HasSubstr("cause 7")));
}

}  // namespace
}  // namespace ia
