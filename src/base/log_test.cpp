#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ia {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

struct Lines {
  std::vector<std::string> all;
  Log::Writer writer() {
    return [this](std::string_view line) { all.emplace_back(line); };
  }
};

TEST(Log, WritesFieldsBehindTheMessage) {
  Lines lines;
  Log(LogLevel::kInfo, LogFormat::kText, lines.writer())
      .info("sink", "stored", {{"points", "1000"}, {"cause", "two words"}});

  EXPECT_THAT(lines.all.at(0), EndsWith(R"(info  sink: stored points=1000 cause="two words")"));
}

// A username or an error text must not be able to forge a second line.
TEST(Log, KeepsOneEventOnOneLine) {
  Lines lines;
  Log(LogLevel::kInfo, LogFormat::kJson, lines.writer())
      .info("api", "a\nb\"c", {{"k", std::string("x\r\ny")}});

  EXPECT_THAT(lines.all.at(0), HasSubstr(R"("msg":"a\u000ab\"c")"));
  EXPECT_THAT(lines.all.at(0), Not(HasSubstr("\n")));
}

TEST(Log, DropsWhatIsBelowTheLevel) {
  Lines lines;
  Log log(LogLevel::kWarning, LogFormat::kText, lines.writer());
  log.info("a", "quiet");
  log.warning("a", "loud");

  EXPECT_THAT(lines.all, SizeIs(1));
}

TEST(StateLog, SpeaksOncePerChange) {
  Lines lines;
  Log log(LogLevel::kInfo, LogFormat::kText, lines.writer());
  StateLog state(log, "sink");
  for (int i = 0; i < 3; ++i) state.failing("store is down", "disk full");
  for (int i = 0; i < 3; ++i) state.recovered("store is back");

  EXPECT_THAT(lines.all, SizeIs(2));
}

}  // namespace
}  // namespace ia
