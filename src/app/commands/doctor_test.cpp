#include "app/commands/doctor.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "app/process/lock_file.h"
#include "ports/job_health.h"
#include "testing/manual_clock.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

DoctorCalls healthy() {
  return {.probe_upstream = [] { return UpstreamReply(); },
          .check_stored_version = [](const std::filesystem::path&) { return Status(); }};
}

Check named(const std::vector<Check>& checks, std::string_view subject) {
  for (const auto& check : checks) {
    if (check.subject == subject) return check;
  }
  return {.subject = "not there", .finding = Finding::kFailure, .seen = {}, .advice = {}};
}

// A port of this machine that somebody listens on.
class TakenPort {
 public:
  TakenPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket_, any, length) != 0 || listen(socket_, 1) != 0) return;
    getsockname(socket_, any, &length);
    port_ = ntohs(address.sin_port);
  }
  ~TakenPort() { close(socket_); }
  Address address() const { return {"127.0.0.1", port_}; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

TEST(Doctor, FindsNothingWrongWithAFreshDirectory) {
  TempDir dir;
  for (const auto& check : check_data_directory(dir.path(), 1, healthy())) {
    EXPECT_EQ(check.finding, Finding::kOk) << check.subject << check.seen;
    EXPECT_EQ(check.advice, "");
  }
}

TEST(Doctor, DoesNotMakeADirectoryThatIsNotThere) {
  TempDir dir;
  const auto checks = check_data_directory(dir.path() / "a" / "b", 1, healthy());

  EXPECT_EQ(named(checks, "data directory").finding, Finding::kOk);
  EXPECT_THAT(named(checks, "data directory").seen, HasSubstr("can be made"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(Doctor, RefusesAFileAsDataDirectory) {
  TempDir dir;
  const auto file = dir.path() / "file";
  std::ofstream(file) << "x";

  for (const auto& path : {file, file / "below"}) {
    const auto check = named(check_data_directory(path, 1, healthy()), "data directory");
    EXPECT_EQ(check.finding, Finding::kFailure) << path;
    EXPECT_THAT(check.advice, Not(IsEmpty()));
  }
}

TEST(Doctor, RefusesADiskWithTooLittleSpace) {
  TempDir dir;
  const auto check =
      named(check_data_directory(dir.path(), std::uint64_t{1} << 62, healthy()), "free space");

  EXPECT_EQ(check.finding, Finding::kFailure);
}

TEST(Doctor, RefusesDataOfANewerVersion) {
  TempDir dir;
  auto calls = healthy();
  calls.check_stored_version = [](const auto&) -> Status {
    return fail(Errc::kInvalid, "written by version 9");
  };
  EXPECT_EQ(named(check_data_directory(dir.path(), 1, calls), "stored version").finding,
            Finding::kOk);  // nothing there to be of a version
  std::ofstream(dir.path() / "store") << "x";
  const auto check = named(check_data_directory(dir.path(), 1, calls), "stored version");

  EXPECT_EQ(check.finding, Finding::kFailure);
  EXPECT_EQ(check.seen, "written by version 9");
}

TEST(Doctor, NamesTheFilesThatTheStoreDoesNotKnow) {
  TempDir dir;
  auto calls = healthy();
  calls.unlisted_files = [](const auto&) { return std::vector<std::string>{"hour-1-2.db.orig"}; };
  const auto check = named(check_data_directory(dir.path(), 1, calls), "files of the store");

  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.seen, HasSubstr("hour-1-2.db.orig"));
}

TEST(Doctor, NamesTheProcessThatUsesTheDirectory) {
  TempDir dir;
  const auto lock = LockFile::acquire(dir.path(), "sink");
  const auto check = named(check_data_directory(dir.path(), 1, healthy()), "in use");

  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.seen,
              AllOf(HasSubstr("sink"), HasSubstr(std::to_string(getpid())), HasSubstr("app_test")));
}

TEST(Doctor, SeesWhetherAPortIsTaken) {
  const TakenPort taken;
  ASSERT_NE(taken.address().port, 0);

  EXPECT_EQ(check_address("API", taken.address()).finding, Finding::kFailure);
  EXPECT_EQ(check_address("API", {"127.0.0.1", 0}).finding, Finding::kOk);
}

TEST(Doctor, RefusesAnAddressOfAnotherMachine) {
  EXPECT_EQ(check_address("API", {"192.0.2.1", 0}).finding, Finding::kFailure);
}

TEST(Doctor, RefusesAClockThatCannotBeRight) {
  const ManualClock clock(WallTime{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}});
  EXPECT_EQ(check_clock(clock, std::nullopt).finding, Finding::kFailure);
}

TEST(Doctor, ComparesTheClockWithTheNetworks) {
  const ManualClock clock;
  EXPECT_EQ(check_clock(clock, clock.wall() - 1s).finding, Finding::kOk);
  EXPECT_EQ(check_clock(clock, clock.wall()).seen, "2026-01-01 00:00:00 UTC, as the network's");
  EXPECT_EQ(check_clock(clock, clock.wall() - 2'500ms).seen,
            "2026-01-01 00:00:00 UTC, +2.5 s from the network's");
  for (const auto skew : {5s, -5s}) {
    EXPECT_EQ(check_clock(clock, clock.wall() + skew).finding, Finding::kWarning);
  }
}

TEST(Doctor, RaisesTheLimitOfOpenFiles) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  auto lower = before;
  lower.rlim_cur = std::min<rlim_t>(64, before.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);

  EXPECT_EQ(raise_file_limit(1).finding, Finding::kOk);

  rlimit after{};
  getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(raise_file_limit(after.rlim_max).finding, Finding::kOk);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Doctor, CountsTheFilesThatConnectionsNeed) {
  Config config;
  config.max_connections = 1000;
  config.api_max_connections = 500;
  config.api_max_streams = 7000;
  EXPECT_EQ(files_needed(config), 8600u);
}

TEST(Doctor, FailsWhenTheNetworkDoesNotAnswer) {
  TempDir dir;
  Config config;
  config.data_dir = dir.path();
  config.listen = {"127.0.0.1", 0};
  config.mockstagram_url = "http://h:1";
  EXPECT_EQ(exit_code_of(examine(config, SystemClock(), healthy())), 0);

  auto calls = healthy();
  calls.probe_upstream = []() -> Result<UpstreamReply> {
    return fail(Errc::kUnavailable, "does not answer: connection refused");
  };
  const auto checks = examine(config, SystemClock(), calls);

  EXPECT_EQ(exit_code_of(checks), 1);
  EXPECT_THAT(report_of(checks), HasSubstr("FAIL  network: http://h:1 does not answer: "
                                           "connection refused\n      Start the server"));
}

TEST(Doctor, HandsTheNetworksTimeToTheClocksCheck) {
  TempDir dir;
  Config config;
  config.data_dir = dir.path();
  config.listen = {"127.0.0.1", 0};
  const SystemClock clock;
  auto calls = healthy();
  calls.probe_upstream = [&] { return UpstreamReply{.time = clock.wall() - 90s}; };
  const auto check = named(examine(config, clock, calls), "clock");

  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.seen, HasSubstr("+90.0 s from the network's"));
}

Check size_of(std::size_t influencers, std::chrono::milliseconds retention,
              std::uint64_t stored = 0) {
  TempDir dir;
  Config config;
  config.data_dir = dir.path() / "not there yet";
  config.retention = retention;
  return check_size(config, {.influencers = influencers, .interval = 1min, .bytes = stored});
}

TEST(Doctor, SaysHowMuchDiskTheInfluencersTake) {
  const auto check = size_of(1'000, 24h);
  EXPECT_EQ(check.finding, Finding::kOk);
  EXPECT_THAT(check.seen, HasSubstr("1000 influencers every 1m take up to 4.7MiB over 1d"));
}

TEST(Doctor, WarnsWhenTheDiskIsTooSmallForTheRetention) {
  const auto check = size_of(1'000'000'000, 24h * 3650);
  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.advice,
              AllOf(HasSubstr("Fetching would pause after some"), HasSubstr("--retention")));
}

// What is stored already needs no room any more.
TEST(Doctor, CountsWhatIsStoredAlready) {
  const auto terabytes = std::uint64_t{8'000} << 40;
  EXPECT_EQ(size_of(1'000'000'000, 24h * 365, terabytes).finding, Finding::kOk);
}

TEST(Doctor, LooksAtTheSizeOfWhatTheStoreWatches) {
  TempDir dir;
  Config config;
  config.data_dir = dir.path();
  config.listen = {"127.0.0.1", 0};
  config.retention = 24h;
  auto calls = healthy();
  EXPECT_EQ(named(examine(config, SystemClock(), calls), "size").subject, "not there");

  calls.stored_plan = [] { return StoredPlan{.influencers = 7, .interval = 5min, .bytes = 1}; };
  EXPECT_THAT(named(examine(config, SystemClock(), calls), "size").seen,
              HasSubstr("7 influencers every 5m"));
  config.influencers = InfluencerSet::parse("1-9").value();
  EXPECT_THAT(named(examine(config, SystemClock(), calls), "size").seen,
              HasSubstr("9 influencers every 1m"));
}

// "sudo chown 0" helps nobody, and "/" is not to be given away.
TEST(Doctor, AdviceOnADirectoryFitsTheUserAndThePlace) {
  const fs::path read_only = "/proc/self/data";
  const auto check = named(check_data_directory(read_only, 1, healthy()), "data directory");
  EXPECT_EQ(check.finding, Finding::kFailure);
  EXPECT_THAT(check.advice, AllOf(Not(HasSubstr("chown 0")), Not(HasSubstr("chown -R")),
                                  HasSubstr("--data-dir")));
}

TEST(Doctor, ATmpdirThatIsNotThereIsAWarning) {
  const auto check = check_temporary_directory(fail(Errc::kInvalid, "/none is not a directory"));
  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.seen, HasSubstr("/none"));
}

Config with_postgres(const TempDir& dir) {
  Config config;
  config.data_dir = dir.path();
  config.listen = {"127.0.0.1", 0};
  config.store = StoreKind::kPostgres;
  return config;
}

TEST(Doctor, AsksTheDatabaseOnceAndOnlyWhenThePointsAreThere) {
  TempDir dir;
  auto config = with_postgres(dir);
  auto calls = healthy();
  int asked = 0;
  calls.check_store_server = [&]() -> Result<StoreServer> {
    ++asked;
    return fail(Errc::kInvalid, "the schema is missing: run migrate");
  };
  auto check = named(examine(config, SystemClock(), calls), "PostgreSQL");
  EXPECT_EQ(check.finding, Finding::kFailure);
  EXPECT_THAT(check.seen, HasSubstr("run migrate"));
  EXPECT_THAT(check.advice, HasSubstr("--postgres-url"));
  EXPECT_EQ(asked, 1);

  config.store = StoreKind::kEmbedded;
  EXPECT_EQ(named(examine(config, SystemClock(), calls), "PostgreSQL").subject, "not there");
}

TEST(Doctor, TellsOfTheDatabasesOwnJobs) {
  TempDir dir;
  const auto config = with_postgres(dir);
  auto calls = healthy();
  JobHealth health;
  calls.check_store_server = [&]() -> Result<StoreServer> {
    return StoreServer{.seen = "15", .jobs_concern = concern_of(health)};
  };
  EXPECT_EQ(named(examine(config, SystemClock(), calls), "TimescaleDB").subject, "not there");
  health = {.failed = 2, .failure = "Policy: no"};
  auto check = named(examine(config, SystemClock(), calls), "TimescaleDB");
  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.seen, HasSubstr("2 jobs of the database failed when last run (Policy: no)"));
  health = {.uncompressed = std::chrono::hours{9}};
  check = named(examine(config, SystemClock(), calls), "TimescaleDB");
  EXPECT_THAT(check.seen, HasSubstr("9 h ago and is not compressed"));
  EXPECT_EQ(concern_of({.uncompressed = std::chrono::hours{4}}), std::nullopt);
}

TEST(Doctor, TellsOfPagesThatTheDatabaseFoundDamaged) {
  TempDir dir;
  const auto config = with_postgres(dir);
  auto calls = healthy();
  StoreServer server{.seen = "15", .has_checksums = true};
  calls.check_store_server = [&]() -> Result<StoreServer> { return server; };
  EXPECT_EQ(named(examine(config, SystemClock(), calls), "damaged pages").finding, Finding::kOk);
  server.damaged_reads = 3;
  const auto check = named(examine(config, SystemClock(), calls), "damaged pages");
  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.seen, HasSubstr("3 times"));
  EXPECT_THAT(check.advice, HasSubstr("pg_amcheck"));
}

TEST(Doctor, TellsOfKnownDamageWithItsMinutesAndTheCommandThatReadsEverything) {
  TempDir dir;
  auto calls = healthy();
  KnownDamage damage;
  calls.known_damage = [&](const auto&) { return damage; };
  auto check = named(check_data_directory(dir.path(), 1, calls), "damage");
  EXPECT_EQ(check.finding, Finding::kOk);
  EXPECT_THAT(check.seen, HasSubstr("verify"));

  const Minute midnight{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};
  damage.ranges = {{midnight, midnight + 1h}};
  for (int i = 0; i < 8; ++i) damage.places.push_back("place " + std::to_string(i));
  check = named(check_data_directory(dir.path(), 1, calls), "damage");
  EXPECT_EQ(check.finding, Finding::kWarning);
  EXPECT_THAT(check.seen, AllOf(HasSubstr("8 places are known: place 0; "), HasSubstr("3 more"),
                                HasSubstr("2024-03-05T00:00:00Z/2024-03-05T01:00:00Z")));
  EXPECT_THAT(check.advice, HasSubstr("influencer-analytics verify " + dir.path().string()));
}

}  // namespace
}  // namespace ia
