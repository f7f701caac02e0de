#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ia {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
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

// The time is cut to seconds, whichever library formats it.
TEST(Log, BeginsWithTheSecond) {
  Lines lines;
  Log(LogLevel::kInfo, LogFormat::kText, lines.writer()).warning("sink", "full");
  Log(LogLevel::kInfo, LogFormat::kJson, lines.writer()).error("sink", "full");

  const std::string day = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
  const std::string clock = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]";
  EXPECT_THAT(lines.all.at(0), MatchesRegex(clock + " warn  sink: full"));
  EXPECT_THAT(lines.all.at(1),
              MatchesRegex(R"(\{"ts":")" + day + "T" + clock +
                           R"(Z","level":"error","component":"sink","msg":"full"\})"));
}

// A username or an error text must not be able to forge a second line.
TEST(Log, KeepsOneEventOnOneLine) {
  Lines lines;
  Log(LogLevel::kInfo, LogFormat::kJson, lines.writer())
      .info("api", "a\nb\"c", {{"k", std::string("x\r\ny")}});

  EXPECT_THAT(lines.all.at(0), HasSubstr(R"("msg":"a\u000ab\"c")"));
  EXPECT_THAT(lines.all.at(0), Not(HasSubstr("\n")));
}

TEST(Log, NumbersAreNumbersInJson) {
  Lines lines;
  Log(LogLevel::kInfo, LogFormat::kJson, lines.writer())
      .info("a", "b", {{"count", 1'000}, {"skew", -7}, {"most", UINT64_MAX}, {"name", "12"}});
  Log(LogLevel::kInfo, LogFormat::kText, lines.writer()).info("a", "b", {{"count", 1'000}});

  EXPECT_THAT(lines.all.at(0),
              HasSubstr(R"("count":1000,"skew":-7,"most":18446744073709551615,"name":"12"})"));
  EXPECT_THAT(lines.all.at(1), EndsWith("a: b count=1000"));
}

// A name from the network must neither move the cursor nor break the JSON.
TEST(Log, WritesOutWhatATerminalWouldObeyAndBytesThatAreNotUtf8) {
  Lines lines;
  const std::string foreign = "\x1b[2J\xc2\x9b\xff";
  Log(LogLevel::kInfo, LogFormat::kText, lines.writer()).info("a", foreign, {{"k", foreign}});
  Log(LogLevel::kInfo, LogFormat::kJson, lines.writer()).info("a", foreign, {{"k", foreign}});

  EXPECT_THAT(lines.all.at(0), EndsWith(R"(a: \x1b[2J\u{9b}\xff k="\x1b[2J\u{9b}\xff")"));
  EXPECT_THAT(lines.all.at(1),
              EndsWith(R"("msg":"\u001b[2J\u009b\ufffd","k":"\u001b[2J\u009b\ufffd"})"));
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

class StoppedClock final : public Clock {
 public:
  WallTime wall() const override { return {}; }
  MonoTime mono() const override { return now; }
  MonoTime now{std::chrono::minutes{60}};
};

// "connection refused" must not stay the last word while the queue does not exist.
TEST(StateLog, SaysANewCauseAtMostOncePerMinute) {
  Lines lines;
  Log log(LogLevel::kInfo, LogFormat::kText, lines.writer());
  StoppedClock clock;
  StateLog state(log, "sink", clock);
  EXPECT_TRUE(state.failing("cannot take batches", "connection refused"));
  EXPECT_FALSE(state.failing("cannot take batches", "no such queue"));
  EXPECT_THAT(lines.all, SizeIs(1)) << "within the minute";

  clock.now += std::chrono::minutes{1};
  EXPECT_FALSE(state.failing("cannot take batches", "no such queue"));
  ASSERT_THAT(lines.all, SizeIs(2));
  EXPECT_THAT(lines.all[1], HasSubstr("no such queue"));

  clock.now += std::chrono::minutes{60};
  state.failing("cannot take batches", "no such queue");
  EXPECT_THAT(lines.all, SizeIs(2)) << "it is no news";
  state.recovered("taking batches again");
  EXPECT_TRUE(state.failing("cannot take batches", "no such queue"));
  EXPECT_THAT(lines.all, SizeIs(4));
}

// A cause that changes with every report, as by a time in it, is no flood.
TEST(StateLog, IsNotFloodedByCausesThatAllDiffer) {
  Lines lines;
  Log log(LogLevel::kInfo, LogFormat::kText, lines.writer());
  StoppedClock clock;
  StateLog state(log, "sink", clock);
  for (int i = 0; i < 6'000; ++i) {
    state.failing("cannot take batches", "no reply after " + std::to_string(i) + " ms");
    clock.now += std::chrono::milliseconds{100};
  }
  EXPECT_THAT(lines.all, SizeIs(10));
}

}  // namespace
}  // namespace ia
