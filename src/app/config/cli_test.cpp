#include "app/config/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "testing/temp_dir.h"

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

std::expected<Invocation, Exit> parse(const Words& arguments, const Words& environment = {}) {
  return parse_command_line(arguments, environment);
}

Exit exit_of(const Words& arguments, const Words& environment = {}) {
  auto parsed = parse(arguments, environment);
  return parsed ? Exit{.code = -1} : parsed.error();
}

TEST(CommandLine, TakesValuesBehindAnEqualsSignOrABlank) {
  const auto parsed = parse({"run", "--influencers=1-5", "--interval", "5m"});

  EXPECT_EQ(parsed->command, Command::kRun);
  EXPECT_EQ(parsed->config.influencers.size(), 5u);
  EXPECT_EQ(parsed->config.schedule.interval, 5min);
}

TEST(CommandLine, TakesValuesThatBeginWithOneDash) {
  const auto parsed = parse({"export", "--influencer", "5", "--start", "-1h", "--output", "-"});

  EXPECT_EQ(parsed->config.start, TimeBound(std::chrono::milliseconds(1h)));
  EXPECT_EQ(parsed->config.output, "-");
}

TEST(CommandLine, TellsAllMistakesOfFlagsAndConfigAtOnce) {
  const auto exit =
      exit_of({"run", "--influencers", "1-5", "--intervall", "5m", "--pipelining", "--tick=9", "x"},
              {"IA_SPREAD=1h"});

  EXPECT_EQ(exit.code, 2);
  EXPECT_EQ(exit.output, "");
  EXPECT_EQ(exit.errors,
            "influencer-analytics: 5 mistakes\n"
            "  IA_SPREAD = \"1h\": must be 0s to 53s, with a unit (ms, s, m, h, d)\n"
            "  unknown option --intervall; did you mean --interval?\n"
            "  --pipelining needs a value: a whole number from 1 to 64\n"
            "  unexpected argument \"x\"\n"
            "  --tick = \"9\": must be 1ms to 100ms, with a unit (ms, s, m, h, d)\n"
            "Try: influencer-analytics run --help\n");
}

TEST(CommandLine, NamesOfOtherProgramsLeadToTheOption) {
  EXPECT_THAT(exit_of({"run", "--port", "80"}).errors,
              HasSubstr("unknown option --port; did you mean --listen ADDRESS:PORT?"));
  EXPECT_THAT(exit_of({"sink", "--port", "80"}).errors, Not(HasSubstr("--listen")));
  EXPECT_THAT(exit_of({"export", "--from=-1h"}).errors, HasSubstr("did you mean --start TIME?"));
}

TEST(CommandLine, AnArgumentThatLacksItsOptionGetsIt) {
  EXPECT_THAT(exit_of({"run", "1-10"}).errors,
              HasSubstr("unexpected argument \"1-10\"; did you mean --influencers 1-10?"));
  EXPECT_THAT(exit_of({"fetch", "http://h:3000"}).errors,
              HasSubstr("did you mean --mockstagram-url http://h:3000?"));
  EXPECT_THAT(exit_of({"api", "1-10"}).errors, Not(HasSubstr("did you mean")));
}

TEST(CommandLine, HelpIsACommandToo) {
  EXPECT_EQ(exit_of({"help"}).output, exit_of({"--help"}).output);
  EXPECT_EQ(exit_of({"help"}).code, 0);
  EXPECT_EQ(exit_of({"help", "run"}).output, exit_of({"run", "--help"}).output);
  EXPECT_EQ(exit_of({"run", "help"}).output, exit_of({"run", "--help"}).output);
  EXPECT_THAT(exit_of({"help", "rnu"}).errors, HasSubstr("did you mean run?"));
}

TEST(CommandLine, MistakesAreJsonWhereTheLogIs) {
  TempDir dir;
  const auto file = (dir.path() / "ia.toml").string();
  std::ofstream(file) << "log_format = \"json\"\n";
  for (const auto& [arguments, environment] :
       {std::pair{Words{"run", "--log-format", "json", "--tick", "9"}, Words{}},
        {Words{"run", "--tick", "9"}, Words{"IA_LOG_FORMAT=json"}},
        {Words{"run", "--tick", "9", "--config", file}, Words{}}}) {
    const auto exit = exit_of(arguments, environment);
    EXPECT_EQ(exit.code, 2);
    EXPECT_THAT(exit.errors, AllOf(StartsWith("{\"ts\":"), EndsWith("}\n"),
                                   HasSubstr(R"("level":"error","component":"config")"),
                                   HasSubstr(R"("msg":"--tick = \"9\": must be)")));
  }
  EXPECT_THAT(
      exit_of({"run", "--log-format", "text", "--tick", "9"}, {"IA_LOG_FORMAT=json"}).errors,
      StartsWith("influencer-analytics: "));
}

TEST(CommandLine, MistakesCannotWriteToTheTerminal) {
  for (const auto& arguments : {Words{"\x1b[31m"}, Words{"run", "--\x1b[31m", "1"},
                                Words{"run", "\x1b[31m"}, Words{"run", "--tick", "\x1b[31m"}}) {
    EXPECT_THAT(exit_of(arguments, {"IA_\x1b[31m=1"}).errors,
                AllOf(Not(HasSubstr("\x1b")), HasSubstr("\\x1b[31m")));
  }
}

TEST(CommandLine, APurgeMayBeConfirmed) {
  EXPECT_TRUE(parse({"queues", "purge", "--yes", "--data-dir", "d"})->is_confirmed);
  EXPECT_TRUE(parse({"queues", "purge", "--data-dir", "d", "--yes"})->is_confirmed);
  EXPECT_FALSE(parse({"queues", "purge"})->is_confirmed);
  EXPECT_THAT(exit_of({"queues", "show", "--yes"}).errors, HasSubstr("unknown option --yes"));
}

TEST(CommandLine, SaysWhoseOptionAFlagIs) {
  EXPECT_THAT(exit_of({"api", "--influencers", "1"}).errors,
              HasSubstr("--influencers is not an option of api, but of demo, run, seed"));
}

TEST(CommandLine, RefusesAFlagGivenTwice) {
  EXPECT_THAT(exit_of({"sink", "--visibility", "5s", "--visibility=6s"}).errors,
              HasSubstr("--visibility is given twice"));
}

TEST(CommandLine, TheSimulatorListensWhereListenSays) {
  const auto parsed = parse({"mockstagram", "--listen", "127.0.0.1:4000", "--seed", "7"});

  EXPECT_EQ(parsed->config.mockstagram_listen, (Address{"127.0.0.1", 4000}));
  EXPECT_EQ(parsed->config.simulator_seed, 7u);
}

TEST(CommandLine, FaultsHaveShortNames) {
  for (const auto* flag : {"--error-rate", "--fault-error-rate"}) {
    for (const auto* command : {"mockstagram", "demo"}) {
      EXPECT_EQ(parse({command, flag, "0.5"})->config.faults.error_rate, 0.5);
    }
  }
}

TEST(CommandLine, InTheDemoListenIsTheApis) {
  const auto parsed = parse({"demo", "--listen", "127.0.0.1:4000"});

  EXPECT_EQ(parsed->config.listen, (Address{"127.0.0.1", 4000}));
  EXPECT_EQ(parsed->config.mockstagram_listen.port, 0);
}

TEST(CommandLine, AnUnknownCommandGetsTheNearestOne) {
  const auto exit = exit_of({"mokstagram"});

  EXPECT_EQ(exit.code, 2);
  EXPECT_THAT(exit.errors, HasSubstr("unknown command \"mokstagram\"; did you mean mockstagram?"));
}

TEST(CommandLine, WithoutACommandItShowsThemAllAndFails) {
  const auto exit = exit_of({});

  EXPECT_EQ(exit.code, 2);
  EXPECT_THAT(exit.errors, HasSubstr("Usage: influencer-analytics COMMAND"));
}

TEST(CommandLine, HelpHasAnExampleAndOnlyTheCommandsSettings) {
  const auto exit = exit_of({"seed", "--help"});

  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(exit.errors, "");
  EXPECT_THAT(exit.output, AllOf(HasSubstr("Example: influencer-analytics seed"),
                                 HasSubstr("--shard-size N"), Not(HasSubstr("--listen"))));
}

TEST(CommandLine, HelpComesAlsoWhenOtherOptionsAreWrong) {
  EXPECT_EQ(exit_of({"run", "--nonsense", "--help"}, {"IA_NONSENSE=1"}).code, 0);
}

TEST(CommandLine, VersionIsOneLine) {
  EXPECT_THAT(exit_of({"version"}).output,
              AllOf(StartsWith("influencer-analytics "), EndsWith("\n")));
  EXPECT_EQ(exit_of({"--version"}).output, exit_of({"version"}).output);
}

TEST(CheckConfig, ShowsWhatIsInForceAndWhereItComesFrom) {
  const auto exit = exit_of({"check-config", "--tick", "7ms"}, {"IA_PIPELINING=3"});

  EXPECT_EQ(exit.code, 0);
  EXPECT_THAT(exit.output, AllOf(HasSubstr("tick                   7ms                          "
                                           "--tick\n"),
                                 HasSubstr("pipelining             3                            "
                                           "IA_PIPELINING\n"),
                                 HasSubstr("spread                 53s                          "
                                           "default\n"),
                                 EndsWith("all settings are valid\n")));
}

TEST(CheckConfig, ChecksAsTheNamedCommandWould) {
  EXPECT_EQ(exit_of({"check-config"}).code, 0);
  EXPECT_EQ(exit_of({"check-config", "run"}).code, 2);
  EXPECT_THAT(exit_of({"check-config", "demo"}).output,
              HasSubstr("influencers            1000000-1999999"));
}

TEST(CheckConfig, WarnsOnStandardError) {
  const auto exit = exit_of({"check-config", "api", "--listen", "0.0.0.0:80"});

  EXPECT_EQ(exit.code, 0);
  EXPECT_THAT(exit.errors, HasSubstr("warning: --listen 0.0.0.0:80"));
}

TEST(CommandLine, TouchesNothingOnDisk) {
  TempDir dir;
  const auto data = (dir.path() / "data").string();
  ASSERT_TRUE(parse({"run", "--influencers", "1", "--data-dir", data}).has_value());
  ASSERT_EQ(exit_of({"run", "--data-dir", data}).code, 2);

  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(ShownLine, HasNoSecretsHoweverTheyAreGiven) {
  EXPECT_EQ(shown_line(Words{"ia", "run", "--postgres-url", "postgresql://me:secret@db/x",
                             "--influencers=1-5"}),
            "ia run --postgres-url postgresql://me:***@db/x --influencers=1-5");
  EXPECT_EQ(shown_line(Words{"ia", "run", "--postgres-url=host=db password=secret", "--spread"}),
            "ia run --postgres-url=host=db password=*** --spread");
  EXPECT_EQ(shown_line(Words{"ia", "run", "--mockstagram-url", "http://me:secret@host"}),
            "ia run --mockstagram-url http://***@host");
  EXPECT_EQ(shown_line(Words{"ia", "api", "--api-token", "0123456789abcdef"}),
            "ia api --api-token ***");
}

TEST(ShownLine, LeavesTheRestAsItIs) {
  EXPECT_EQ(shown_line(Words{"ia", "queues", "show", "--", "--unknown=password=x", "-h"}),
            "ia queues show -- --unknown=password=x -h");
  EXPECT_EQ(shown_line({}), "");
}

}  // namespace
}  // namespace ia
