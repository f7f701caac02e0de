#include "app/process/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Not a test: what the child, this program once more, is to do.
TEST(DISABLED_Child, SaysAWord) { std::puts(std::getenv("IA_TEST_WORD")); }
TEST(DISABLED_Child, Works) {
  volatile std::uint64_t sum = 0;
  while (true) sum = sum + 1;
}
TEST(DISABLED_Child, Fails) { FAIL(); }

ChildOrder order(const std::string& name) {
  return {.arguments = {"--gtest_also_run_disabled_tests", "--gtest_brief=1",
                        "--gtest_filter=DISABLED_Child." + name},
          .environment = {"IA_TEST_WORD=hello"}};
}

TEST(ChildProcess, HasTheEnvironmentAndIsHeard) {
  auto speaking = order("SaysAWord");
  speaking.speaks = true;
  auto child = ChildProcess::start(speaking).value();
  std::string line;
  while (line.find("hello") == std::string::npos) {
    const auto next = child.next_line(30s);
    ASSERT_TRUE(next) << "after: " << line;
    line = *next;
  }
  EXPECT_TRUE(child.wait(30s));
}

TEST(ChildProcess, TellsASuccessFromAFailure) {
  EXPECT_TRUE(ChildProcess::start(order("SaysAWord"))->wait(30s));
  EXPECT_FALSE(ChildProcess::start(order("Fails"))->wait(30s));
}

TEST(ChildProcess, IsMeasuredWhileItRunsAndStopsWhenAsked) {
  auto child = ChildProcess::start(order("Works")).value();
  while (child.cpu() < 100ms) ASSERT_FALSE(child.wait(20ms) || child.has_ended());
  EXPECT_FALSE(child.has_ended());
  child.ask_to_stop();
  EXPECT_FALSE(child.wait(30s));  // by a signal, which is no success
  EXPECT_TRUE(child.has_ended());
}

TEST(ChildProcess, SaysWhenNothingWasHeardInTime) {
  auto silent = order("Works");
  silent.speaks = true;
  auto child = ChildProcess::start(silent).value();
  while (const auto line = child.next_line(300ms)) EXPECT_THAT(*line, HasSubstr("="));
}

}  // namespace
}  // namespace ia
