#include "adapters/sqs/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(OutputOfCommand, IsWhatTheCommandWrites) {
  EXPECT_EQ(output_of_command("printf 'a\\nb'; printf c", seconds{10}).value(), "a\nbc");
  EXPECT_EQ(output_of_command("cat", seconds{10}).value(), "") << "there is no input";
}

TEST(OutputOfCommand, HidesWhatAFailingCommandWrote) {
  const auto output = output_of_command("echo secret; exit 3", seconds{10});
  ASSERT_FALSE(output);
  EXPECT_THAT(output.error().message, AllOf(HasSubstr("status 3"), Not(HasSubstr("secret"))));
  EXPECT_THAT(output_of_command("kill -9 $$", seconds{10}).error().message, HasSubstr("signal 9"));
  EXPECT_THAT(
      output_of_command("no-such-command-anywhere 2>/dev/null", seconds{10}).error().message,
      HasSubstr("status 127"));
}

TEST(OutputOfCommand, EndsACommandThatHangsWithAllItStarted) {
  const auto output = output_of_command("sleep 1000 & sleep 1000", milliseconds{50});
  ASSERT_FALSE(output);
  EXPECT_THAT(output.error().message, HasSubstr("killed"));
}

TEST(OutputOfCommand, EndsACommandThatWritesForEver) {
  const auto output = output_of_command("yes", seconds{10});
  ASSERT_FALSE(output);
  EXPECT_THAT(output.error().message, HasSubstr("64 KiB"));
}

}  // namespace
}  // namespace ia
