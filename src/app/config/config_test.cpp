#include "app/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "app/config/settings.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Everything that a config comes from; a good `run` unless a test changes it.
struct Sources {
  Command command = Command::kRun;
  std::vector<std::pair<std::string, std::string>> flags{{"influencers", "1-10"}};
  std::vector<std::string> environment = {};
  std::string file = {};
  TempDir dir = {};

  std::string file_path() const { return dir.path() / "ia.toml"; }

  std::expected<LoadedConfig, ConfigErrors> load() const {
    ReadValues given;
    for (const auto& [name, text] : flags) {
      given.values.push_back({name, text, find_setting(name)->flag()});
    }
    if (!file.empty()) {
      std::ofstream(file_path()) << file;
      given.values.push_back({"config", file_path(), "--config"});
    }
    return load_config(command, given, environment);
  }
  ConfigErrors errors() const {
    const auto loaded = load();
    return loaded ? ConfigErrors{} : loaded.error();
  }
};

std::string where_from(const LoadedConfig& loaded, std::string_view name) {
  for (const auto& value : loaded.effective) {
    if (value.name == name) return value.where;
  }
  return "not there";
}

TEST(Config, DefaultsAreThoseOfTheTable) {
  const auto config = Sources{}.load()->config;

  EXPECT_EQ(config.schedule.interval, 1min);
  EXPECT_EQ(config.schedule.spread, 53s);
  EXPECT_EQ(config.shard_size, 1000u);
  EXPECT_EQ(config.retention, 24h * 30);
  EXPECT_EQ(config.min_free_bytes, 536'870'912u);
  EXPECT_EQ(config.mockstagram_url, "http://127.0.0.1:3000");
  EXPECT_EQ(config.listen, (Address{"127.0.0.1", 8080}));
  EXPECT_EQ(config.max_rate, std::nullopt);
  EXPECT_EQ(config.tick, 4ms);
  EXPECT_EQ(config.log_level, LogLevel::kInfo);
  EXPECT_TRUE(config.report);
  EXPECT_EQ(config.signals, SignalThresholds{});
}

TEST(Config, TheDemoHasDefaultsOfItsOwn) {
  const auto config = Sources{.command = Command::kDemo, .flags = {}}.load()->config;

  EXPECT_EQ(config.influencers.size(), 1'000'000u);
  EXPECT_EQ(config.data_dir, "");
  EXPECT_EQ(config.mockstagram_listen, (Address{"127.0.0.1", 0}));
}

TEST(Config, FlagsWinOverEnvironmentOverFileOverDefault) {
  Sources sources;
  EXPECT_EQ(sources.load()->config.tick, 4ms);
  EXPECT_EQ(where_from(*sources.load(), "tick"), "default");

  sources.file = "# a comment\ntick = \"5ms\"\n";
  EXPECT_EQ(sources.load()->config.tick, 5ms);
  EXPECT_EQ(where_from(*sources.load(), "tick"), sources.file_path() + ":2");

  sources.environment = {"PATH=/bin", "IA_TICK=6ms"};
  EXPECT_EQ(sources.load()->config.tick, 6ms);
  EXPECT_EQ(where_from(*sources.load(), "tick"), "IA_TICK");

  sources.flags.emplace_back("tick", "7ms");
  EXPECT_EQ(sources.load()->config.tick, 7ms);
  EXPECT_EQ(where_from(*sources.load(), "tick"), "--tick");
}

TEST(Config, TheFileCanBeNamedInTheEnvironment) {
  Sources sources;
  std::ofstream(sources.file_path()) << "pipelining = 8\n";
  sources.environment = {"IA_CONFIG=" + sources.file_path()};

  EXPECT_EQ(sources.load()->config.pipelining, 8u);
}

TEST(Config, AFileMayHoldSettingsOfOtherCommands) {
  Sources sources{.command = Command::kSink, .flags = {}, .file = "listen = \"127.0.0.1:1\"\n"};

  EXPECT_THAT(sources.errors(), IsEmpty());
}

TEST(Config, TomlValuesMayBeTextNumbersOrBooleans) {
  Sources sources;
  sources.file = "report = false\napi_rate_limit = 2.5\nshard_size = 7\nspread = \"1s\"\n";
  const auto config = sources.load()->config;

  EXPECT_FALSE(config.report);
  EXPECT_EQ(config.api_rate_limit, 2.5);
  EXPECT_EQ(config.shard_size, 7u);
  EXPECT_EQ(config.schedule.spread, 1s);
}

TEST(Config, HostsAndProxiesAreLists) {
  Sources sources;
  sources.flags.emplace_back("allowed_hosts", "IA.example.org, *.example.net,*");
  sources.flags.emplace_back("trusted_proxies", "127.0.0.1, 10.0.0.0/8,fd00::/8");
  const auto config = sources.load()->config;

  EXPECT_THAT(config.allowed_hosts, ElementsAre("ia.example.org", "*.example.net", "*"));
  ASSERT_EQ(config.trusted_proxies.size(), 3u);
  EXPECT_TRUE(config.trusted_proxies[1].contains(IpAddress::parse("10.1.2.3").value()));
}

TEST(Config, HostsHaveNoPortsAndProxiesAreAddresses) {
  for (const auto* hosts : {"a,", "a:80", "a b", "http://a", "*a", "a.*", "[::1]"}) {
    Sources sources;
    sources.flags.emplace_back("allowed_hosts", hosts);
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("without ports"))) << hosts;
  }
  for (const auto* proxies : {"nginx", "10.0.0.0/33", "127.0.0.1,,", "10.0.0"}) {
    Sources sources;
    sources.flags.emplace_back("trusted_proxies", proxies);
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("IP addresses and networks"))) << proxies;
  }
}

TEST(Config, QuotesAValueOnOneLine) {
  Sources sources;
  sources.flags = {{"influencers", "1\n\"\\ü\x1b\x7f"}};
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr(R"(--influencers = "1\n\"\\ü\x1b\x7f": )")));
}

// Somebody with five mistakes must not need five attempts.
TEST(Config, TellsAllMistakesAtOnceEachWithItsPlaceValueAndRange) {
  Sources sources;
  sources.flags = {{"influencers", "9-5"}, {"spread", "2m"}};
  sources.environment = {"IA_TICK=fast"};
  sources.file = "\nshard_size = 0\n";

  EXPECT_THAT(
      sources.errors(),
      ElementsAre(AllOf(HasSubstr("ia.toml:2: shard_size = \"0\""), HasSubstr("from 1 to 5000")),
                  AllOf(HasSubstr("IA_TICK = \"fast\""), HasSubstr("1ms to 100ms")),
                  AllOf(HasSubstr("--influencers = \"9-5\""), HasSubstr("not a list of ids")),
                  AllOf(HasSubstr("--spread = \"2m\""), HasSubstr("0s to 53s"))));
}

TEST(Config, AlsoChecksAValueThatAnotherOverrides) {
  Sources sources;
  sources.environment = {"IA_TICK=fast"};
  sources.flags.emplace_back("tick", "5ms");

  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("IA_TICK")));
}

TEST(Config, UnknownNamesAreErrorsWithTheNearestName) {
  Sources sources;
  sources.environment = {"IA_INTERVALL=60s", "IAX=1"};
  sources.file = "tick = \"5ms\"\nlitsen = \"127.0.0.1:1\"\n[api]\nthreads = 1\n";

  EXPECT_THAT(sources.errors(),
              ElementsAre(AllOf(HasSubstr("ia.toml:3"), HasSubstr("\"api\"")),
                          AllOf(HasSubstr("ia.toml:2"), HasSubstr("did you mean listen?")),
                          AllOf(HasSubstr("IA_INTERVALL"), HasSubstr("mean IA_INTERVAL?"))));
}

TEST(Config, AValueOfAWrongTomlTypeNamesItsLine) {
  Sources sources;
  sources.file = "tick = [\"5ms\"]\n";

  EXPECT_THAT(sources.errors(),
              ElementsAre(AllOf(HasSubstr("ia.toml:1"), HasSubstr("tick must be text"))));
}

TEST(Config, AFileThatIsNoTomlNamesTheLine) {
  Sources sources;
  sources.file = "tick = \"5ms\"\nspread 5s\n";

  EXPECT_THAT(sources.errors(), ElementsAre(AllOf(HasSubstr("ia.toml:2"), HasSubstr("not TOML"))));
}

TEST(Config, AFileThatCannotBeReadIsAnError) {
  Sources sources;
  for (const auto& path : {sources.dir.path() / "none.toml", sources.dir.path()}) {
    sources.flags = {{"influencers", "1"}, {"config", path}};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("cannot be read"))) << path;
  }
}

TEST(Config, InfluencersMayComeFromAFile) {
  Sources sources;
  const auto path = sources.dir.path() / "ids";
  std::ofstream(path) << "# two\n5\n7\n";
  sources.flags = {{"influencers", path}};

  EXPECT_EQ(sources.load()->config.influencers.to_string(), "5,7");
}

// As editors on Windows write them, and in several encodings.
TEST(Config, AListOfInfluencersMayHaveAByteOrderMark) {
  Sources sources;
  const auto path = sources.dir.path() / "ids";
  std::ofstream(path) << "\xef\xbb\xbf" << "5\r\n7\r\n";
  sources.flags = {{"influencers", path}};
  EXPECT_EQ(sources.load()->config.influencers.to_string(), "5,7");
}

TEST(Config, AFileInUtf16IsNamedAsOne) {
  using namespace std::string_literals;
  for (const auto& text : {"\xff\xfe"
                           "5\0\n\0"s,
                           "\xfe\xff\0"
                           "5"s,
                           "5\0\n\0"s}) {
    Sources sources;
    const auto path = sources.dir.path() / "ids";
    std::ofstream(path) << text;
    sources.flags = {{"influencers", path}};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("is text in UTF-16: save it as UTF-8")));
    sources.flags = {{"influencers", "1"}, {"config", path}};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("is text in UTF-16: save it as UTF-8")));
  }
}

TEST(Config, AListOfInfluencersCannotWriteToTheTerminal) {
  using namespace std::string_literals;
  for (const auto& [text, shown] : {std::pair{"5\n\x1b[31m6\n"s, "'\\x1b[31m6'"},
                                    {"5 6\0 7"s, "'6\\x00'"},
                                    {"5\n\xef\xbb\xbf"
                                     "6"s,
                                     "'\\u{feff}6'"},
                                    {"9\x1b-1"s, "'9\\x1b-1'"}}) {
    Sources sources;
    const auto path = sources.dir.path() / "ids";
    std::ofstream(path) << text;
    sources.flags = {{"influencers", path}};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr(shown))) << shown;
  }
}

TEST(Config, AWordForTheInfluencersIsNeitherIdsNorAFile) {
  const Sources sources{.flags = {{"influencers", "abc"}}};
  EXPECT_THAT(sources.errors(),
              ElementsAre(AllOf(HasSubstr("--influencers = \"abc\": is no list of ids"),
                                HasSubstr("1000000-1999999,5,7"), HasSubstr("No such file"))));
}

TEST(Config, NoValueMayHoldANul) {
  Sources sources;
  sources.file = "data_dir = \"a\\u0000b\"\n";
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("ia.toml:1: data_dir = \"a\\x00b\": must not "
                                                      "hold a NUL")));
}

// Kubernetes sets these in every pod that starts after a service of such a name.
TEST(Config, VariablesOfKubernetesAreNotedAndIgnored) {
  Sources sources;
  sources.environment = {"IA_PORT=tcp://10.0.0.1:80",
                         "IA_PORT_80_TCP=tcp://10.0.0.1:80",
                         "IA_PORT_80_TCP_ADDR=10.0.0.1",
                         "IA_PORT_80_TCP_PORT=80",
                         "IA_PORT_80_TCP_PROTO=tcp",
                         "IA_PORT_53_UDP=udp://10.0.0.1:53",
                         "IA_SERVICE_HOST=10.0.0.1",
                         "IA_SERVICE_PORT=80",
                         "IA_SERVICE_PORT_HTTP_METRICS=80",
                         "IA_API_V2_PORT=tcp://[fd00::1]:8080",
                         "IA_API_V2_SERVICE_HOST=fd00::1",
                         "IA_API_V2_PORT_8080_TCP_ADDR=fd00::1",
                         "IA_TICK=5ms"};
  const auto loaded = sources.load();
  ASSERT_TRUE(loaded.has_value()) << loaded.error().front();
  EXPECT_EQ(loaded->config.tick, 5ms);
  EXPECT_THAT(loaded->warnings, ElementsAre(AllOf(HasSubstr("IA_PORT, IA_PORT_80_TCP,"),
                                                  HasSubstr("enableServiceLinks"))));
}

TEST(Config, VariablesThatOnlyResembleThoseOfKubernetesAreMistakes) {
  for (const auto* variable :
       {"IA_PORT=8080", "IA_PORT=", "IA_PORTS=tcp://10.0.0.1:80", "IA_SERVICE_HOST=my-host",
        "IA_PORT_80_TCP_ADRESS=x y", "IA_LISTEN_PORT=8080", "IA_LISTEM=127.0.0.1:80", "IA_PORT"}) {
    Sources sources;
    sources.environment = {variable};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("unknown setting"))) << variable;
  }
}

TEST(Config, NamesOfOtherProgramsLeadToTheSetting) {
  Sources sources;
  sources.environment = {"IA_PORT=8080"};
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("did you mean IA_LISTEN?")));
  sources.environment = {};
  sources.file = "port = 8080\n";
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("did you mean listen?")));
}

TEST(Config, SystemdNamesTheDataDirectoryUnlessTheSettingsDo) {
  Sources sources;
  sources.environment = {"STATE_DIRECTORY=/var/lib/ia:/var/lib/more"};
  EXPECT_EQ(sources.load()->config.data_dir, "/var/lib/ia");
  EXPECT_EQ(where_from(*sources.load(), "data_dir"), "STATE_DIRECTORY");
  sources.file = "data_dir = \"/srv/ia\"\n";
  EXPECT_EQ(sources.load()->config.data_dir, "/srv/ia");

  sources.command = Command::kDemo;
  sources.file.clear();
  EXPECT_EQ(sources.load()->config.data_dir, "");
}

TEST(Config, InfluencersMustBeNamed) {
  for (const auto command : {Command::kRun, Command::kSeed}) {
    const Sources sources{.command = command, .flags = {}};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("--influencers is missing")));
  }
}

TEST(Config, RefusesListsOfInfluencersThatCannotBe) {
  for (const auto* list : {"0-9223372036854775807", "9223372036854775808", ",", "/no/such/file"}) {
    const Sources sources{.flags = {{"influencers", list}}};
    EXPECT_THAT(sources.errors(), SizeIs(1)) << list;
  }
}

TEST(Config, MasksCredentialsWhereverAValueIsShown) {
  Sources sources;
  sources.flags.emplace_back("mockstagram_url", "http://me:hunter2@host");

  EXPECT_THAT(sources.errors(),
              ElementsAre(AllOf(HasSubstr("http://***@host"), Not(HasSubstr("hunter2")))));
}

TEST(Config, NeverShowsTheToken) {
  Sources sources;
  sources.flags.emplace_back("api_token", "hunter2");
  EXPECT_THAT(sources.errors(),
              ElementsAre(AllOf(HasSubstr("at least 16"), Not(HasSubstr("hunter2")))));
}

TEST(Config, TheUrlIsAServerAndNoMore) {
  for (const auto* url : {"http://h", "https://h:1", "http://h/", "http://[::1]:3000"}) {
    Sources sources;
    sources.flags.emplace_back("mockstagram_url", url);
    EXPECT_THAT(sources.errors(), IsEmpty()) << url;
  }
  for (const auto* url :
       {"h:3000", "ftp://h", "http://", "http://h/api", "http://h?x", "http://:1", "http://h:0",
        "http://h:65536", "http://[::1", "http://[]:1", "http:///", "http://h:"}) {
    Sources sources;
    sources.flags.emplace_back("mockstagram_url", url);
    EXPECT_THAT(sources.errors(), SizeIs(1)) << url;
  }
}

TEST(Config, TheIntervalIsWholeMinutes) {
  const auto errors_of = [](const char* interval) {
    Sources sources;
    sources.flags.emplace_back("interval", interval);
    return sources.errors();
  };
  EXPECT_THAT(errors_of("120s"), IsEmpty());
  EXPECT_THAT(errors_of("24h"), IsEmpty());
  for (const auto* interval : {"90s", "0s", "30s", "25h"}) {
    EXPECT_THAT(errors_of(interval), ElementsAre(HasSubstr("1m to 1d in whole minutes")));
  }
}

TEST(Config, RetentionIsAtLeastADay) {
  Sources sources;
  sources.flags.emplace_back("retention", "23h");
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("1d to 3650d")));
}

TEST(Config, RefusesAConnectTimeoutBeyondTheRequestTimeout) {
  Sources sources;
  sources.flags.emplace_back("connect_timeout", "6s");
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("--request-timeout 5s")));
}

TEST(Config, RefusesTheSamePortForApiAndSimulator) {
  Sources sources{.command = Command::kDemo, .flags = {}};
  sources.flags = {{"listen", "127.0.0.1:4000"}, {"mockstagram_listen", "0.0.0.0:4000"}};
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("the same port")));
}

TEST(Config, RefusesToFetchFromItself) {
  Sources sources;
  sources.flags.emplace_back("mockstagram_url", "http://127.0.0.1:8080");
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("this program itself")));
}

TEST(Config, WarnsOfAnAddressThatOthersCanReach) {
  Sources sources;
  EXPECT_THAT(sources.load()->warnings, IsEmpty());
  sources.flags.emplace_back("listen", "0.0.0.0:8080");
  EXPECT_THAT(sources.load()->warnings, ElementsAre(HasSubstr("--listen 0.0.0.0:8080")));
}

TEST(Config, WarnsOfARateThatCannotBeEnough) {
  Sources sources;
  sources.flags = {{"influencers", "1-600"}, {"max_rate", "5"}};
  EXPECT_THAT(sources.load()->warnings, ElementsAre(HasSubstr("600 influencers a minute")));
  sources.flags.back().second = "11";
  EXPECT_THAT(sources.load()->warnings, IsEmpty());
}

TEST(Config, ARateOfAllFetchersNeedsAPlaceToShareIt) {
  Sources sources{.command = Command::kFetch, .flags = {}};
  sources.flags = {{"max_rate_total", "500"}, {"queue", "sqs"}};
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("give --store postgres")));
  sources.flags.push_back({"store", "postgres"});
  EXPECT_EQ(sources.load()->config.max_rate_total, 500);
  sources.flags = {{"max_rate_total", "500"}};  // embedded queues: one fetcher
  EXPECT_EQ(sources.load()->config.max_rate_total, 500);
}

TEST(Config, TheProofOfScaleNeedsServersToBeShared) {
  Sources sources{.command = Command::kProveScale, .flags = {}};
  for (const auto& flags : {std::vector<std::pair<std::string, std::string>>{},
                            {{"queue", "sqs"}},
                            {{"store", "postgres"}}}) {
    sources.flags = {flags.begin(), flags.end()};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("bench/scale_bench.py starts both")));
  }
  sources.flags = {{"queue", "sqs"}, {"store", "postgres"}, {"workers", "1,16"}};
  EXPECT_THAT(sources.load()->config.workers, ElementsAre(1, 16));
}

TEST(Config, NumbersOfWorkersAreWholeAndFew) {
  Sources sources{.command = Command::kProveScale, .flags = {}};
  for (const auto* wrong : {"0", "65", "1,", "1,x", "-1", "1.5"}) {
    sources.flags = {{"queue", "sqs"}, {"store", "postgres"}, {"workers", wrong}};
    EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("from 1 to 64"))) << wrong;
  }
}

TEST(Config, AutomaticRateIsATenthMoreThanIsDue) {
  Config config;
  config.schedule = {.interval = 1min, .spread = 50s};
  EXPECT_DOUBLE_EQ(rate_limit(config, 1'000'000), 22'000);
  config.schedule.interval = 10min;
  EXPECT_DOUBLE_EQ(rate_limit(config, 1'000'000), 2'200);
  config.schedule.spread = 0s;
  EXPECT_EQ(rate_limit(config, 1'000'000), 0);
  config.max_rate = 7;
  EXPECT_EQ(rate_limit(config, 1'000'000), 7);
}

TEST(Config, ExportWantsOneWayToSayWhat) {
  const auto errors_of = [](std::vector<std::pair<std::string, std::string>> flags) {
    return Sources{.command = Command::kExport, .flags = std::move(flags)}.errors();
  };
  EXPECT_THAT(errors_of({{"influencer", "5"}}), IsEmpty());
  EXPECT_THAT(errors_of({{"influencers", "5-6"}}), IsEmpty());
  EXPECT_THAT(errors_of({}), ElementsAre(HasSubstr("one of them")));
  EXPECT_THAT(errors_of({{"influencer", "5"}, {"influencers", "5-6"}}),
              ElementsAre(HasSubstr("not both")));
}

TEST(Config, ExportRangeIsTheLastDayUnlessTold) {
  const WallTime now{1'700'000'030'000ms};  // 22:13:50
  Config config;
  EXPECT_EQ(export_range(config, now)->begin, Minute{28'331'893min});
  EXPECT_EQ(export_range(config, now)->end, Minute{28'333'334min});

  config.end = WallTime{1'700'000'000'000ms};
  config.start = 1h;
  EXPECT_EQ(export_range(config, now)->begin, Minute{28'333'273min});
  config.start = 0ms;
  EXPECT_EQ(export_range(config, now).error().code, Errc::kInvalid);
}

TEST(Config, FaultsOfTheSimulatorAreSettings) {
  Sources sources{.command = Command::kMockstagram, .flags = {}};
  sources.flags = {{"fault_error_rate", "0.25"}, {"fault_latency", "fixed:5ms"}};
  const auto faults = sources.load()->config.faults;

  EXPECT_EQ(faults.error_rate, 0.25);
  EXPECT_EQ(faults.latency.low, 5ms);
}

TEST(Config, RefusesFaultsThatExceedCertainty) {
  Sources sources{.command = Command::kMockstagram, .flags = {}};
  sources.flags = {{"fault_error_rate", "2"}};
  EXPECT_THAT(sources.errors(), ElementsAre(AllOf(HasSubstr("--fault-error-rate = \"2\""),
                                                  HasSubstr("a probability from 0 to 1"))));
  sources.flags = {{"fault_error_rate", "0.6"}, {"fault_hang_rate", "0.6"}};
  EXPECT_THAT(sources.errors(), ElementsAre(HasSubstr("a sum of at most 1")));
}

TEST(Settings, AreOfCommandsAndHaveDefaultsThatTheyAllow) {
  for (const auto& setting : settings()) {
    EXPECT_NE(setting.commands, 0u) << setting.name;
    for (const auto& info : commands()) {
      Config config;
      const auto text = fallback_of(setting, info.command);
      if (!text.empty()) {
        EXPECT_TRUE(setting.value.apply(text, config).has_value()) << setting.name;
      }
    }
  }
}

TEST(ShardSize, IsSmallerWhenInfluencersAreFew) {
  Config config;
  config.shard_size = 1'000;
  const auto of = [&](const char* influencers) {
    config.influencers = InfluencerSet::parse(influencers).value();
    return shard_size_of(config);
  };
  EXPECT_EQ(of("7"), 1u);
  EXPECT_EQ(of("1-600"), 10u);
  EXPECT_EQ(of("1-60000"), 1'000u);
  EXPECT_EQ(of("1-1000000"), 1'000u);
}

}  // namespace
}  // namespace ia
