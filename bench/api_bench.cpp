// The API's two hot reads, over HTTP against the real server, one thread, random influencers:
//   a day of one influencer   GET /influencer_analytics/{id}?start_time&end_time, 1,440 rows
//   latest value and rank     GET /api/v1/influencers/{id}
// Usage: api_bench [--influencers=20000] [--seconds=5] [--connections=64] [--last-24h] [--ram]
//                  [--gzip]
// Fills a fresh embedded store with a day that it has settled, or with the last 24 hours (hours
// not merged yet, and the newest in frames), or with --ram keeps the day in arrays: what is left
// then is HTTP and encoding. Drives the server with wrk. Pins the server to the first core and wrk
// to the others. Requests per CPU second of the server is the figure that another load of the
// machine does not change.
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string_view>
#include <utility>

#include "api/api.h"
#include "storage/embedded_store.h"

namespace {

using namespace ia;
using std::chrono::minutes;

constexpr std::uint64_t kFirstId = 1'000'000;
constexpr int kDayMinutes = 1'440;
constexpr int kLaterMinutes = 180;  // a day is settled when there is something newer

template <class T>
T value_of(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "api_bench: {}\n", result.error().message);
  std::exit(1);
}

struct Options {
  std::uint64_t influencers = 20'000;
  std::uint64_t seconds = 5;
  std::uint64_t connections = 64;
  bool last_24h = false;
  bool in_ram = false;
  bool with_gzip = false;
};

// A day of everybody in arrays: the cheapest store there can be.
class ArrayStore final : public Store {
 public:
  Result<Registry> registry() const override { return Registry{}; }
  Status put_registry(const Registry&) override { return {}; }
  Result<AppendResult> append(std::span<const PointBatch> batches) override {
    for (const auto& batch : batches) {
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto index = number_of(batch.influencers[i]) - kFirstId;
        if (index >= series_.size()) series_.resize(index + 1);
        auto& series = series_[index];
        series.minutes.push_back(batch.minute);
        series.followers.push_back(batch.followers[i]);
        series.following.push_back(batch.following[i]);
      }
    }
    return AppendResult{};
  }
  Status close_minutes(MinuteRange, MissReason) override { return {}; }
  Result<bool> maintain(const UpkeepTime&) override { return false; }
  Result<Series> read_series(InfluencerId id, MinuteRange) const override {
    return series_[number_of(id) - kFirstId];
  }
  Result<std::vector<MissAt>> read_misses(InfluencerId, std::span<const Minute>) const override {
    return std::vector<MissAt>{};
  }
  Result<MinuteColumns> read_minute(Minute, const GoOn&) const override { return MinuteColumns{}; }
  Result<std::vector<RankAt>> read_ranks(InfluencerId, std::span<const Minute>,
                                         const GoOn&) const override {
    return std::vector<RankAt>{};
  }
  Result<std::vector<MinuteStats>> read_minutes(MinuteRange) const override {
    return std::vector<MinuteStats>{};
  }
  Result<Latest> read_latest() const override { return Latest{}; }
  Result<Tail> read_tail(TailCursor) const override { return Tail{}; }
  Result<std::vector<Username>> find_usernames(std::string_view, std::size_t) const override {
    return std::vector<Username>{};
  }
  Result<Minute> horizon() const override { return Minute{}; }
  Result<StoreSize> size() const override { return StoreSize{}; }

 private:
  std::vector<Series> series_;
};

struct Filled {
  std::shared_ptr<const LeaderboardSnapshot> board;
  Minute begin;
};

Minute begin_of(const Options& options, WallTime now) {
  using std::chrono::days;
  if (options.last_24h) return minute_of(now) - minutes{kDayMinutes};
  return std::chrono::floor<days>(now) - days{2};
}

// A day in batches of 1,000, as the pipeline writes it: followers jump by N(0, 10,000).
Filled fill(Store& store, const Options& options, const Clock& clock) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> jump;
  std::vector<double> followers(options.influencers);
  std::vector<double> following(options.influencers);
  for (auto& count : followers) count = std::max(5'000.0, 100'000 * (1 + jump(random)));
  for (auto& count : following) count = std::max(50.0, 1'000 * (1 + jump(random)));
  Leaderboard leaderboard;
  const auto begin = begin_of(options, clock.wall());
  const int end = kDayMinutes + (options.last_24h || options.in_ram ? 0 : kLaterMinutes);
  for (int m = 0; m < end; ++m) {
    std::vector<PointBatch> batches;
    for (std::uint64_t first = 0; first < options.influencers; first += 1'000) {
      auto& batch = batches.emplace_back();
      batch.minute = begin + minutes{m};
      batch.retrieved_at = batch.minute + std::chrono::seconds{30};
      for (auto i = first; i < std::min(first + 1'000, options.influencers); ++i) {
        followers[i] = std::max(5'000.0, followers[i] + 10'000 * jump(random));
        following[i] = std::max(50.0, following[i] + 100 * jump(random));
        batch.influencers.push_back(InfluencerId{kFirstId + i});
        batch.followers.push_back(static_cast<std::int64_t>(followers[i]));
        batch.following.push_back(static_cast<std::int64_t>(following[i]));
      }
      if (m == end - 1) leaderboard.apply(batch);
    }
    value_of(store.append(batches));
  }
  // The store settles what nobody has added to for two minutes: by a clock that runs ahead.
  for (const auto ahead : {minutes{0}, minutes{3}, minutes{6}}) {
    while (value_of(store.maintain(clock.wall() + ahead))) {
    }
  }
  for (std::uint64_t i = 0; i < options.influencers; ++i) {
    leaderboard.set_username(InfluencerId{kFirstId + i},
                             fmt::format("influencer-{}", kFirstId + i));
  }
  return {leaderboard.publish(clock.wall()), begin};
}

std::unique_ptr<Store> make_store(const Options& options, const std::filesystem::path& directory,
                                  Log& log) {
  if (options.in_ram) return std::make_unique<ArrayStore>();
  return value_of(open_sqlite_store({.directory = directory}, log));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void write_script(const std::filesystem::path& path, const Options& options,
                  const std::string& target_end, const std::string& target_begin) {
  std::ofstream(path) << fmt::format(
      R"(local count = 0
function setup(thread) count = count + 1; thread:set("seed", count) end
function init(args) math.randomseed(seed) end
local headers = {{}}
{0}
function request()
  local id = {1} + math.random(0, {2} - 1)
  return wrk.format("GET", "{3}" .. id .. "{4}", headers)
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.bytes,
    e.connect + e.read + e.write + e.status + e.timeout))
end
)",
      options.with_gzip ? R"(headers["Accept-Encoding"] = "gzip")" : "", kFirstId,
      options.influencers, target_begin, target_end);
}

struct Measured {
  double requests = 0, seconds = 0, p50_us = 0, p99_us = 0, bytes = 0, errors = 0, cpu = 0;
};

Measured drive(const std::string& address, const std::filesystem::path& script,
               const Options& options) {
  const auto command = fmt::format("taskset -c 1-{} wrk -t1 -c{} -d{}s -s {} http://{}",
                                   std::max(1L, sysconf(_SC_NPROCESSORS_ONLN) - 1),
                                   options.connections, options.seconds, script.string(), address);
  Measured m;
  const auto cpu_before = cpu_seconds();
  std::FILE* out = popen(command.c_str(), "r");
  std::array<char, 512> line;
  while (out != nullptr && std::fgets(line.data(), line.size(), out) != nullptr) {
    double micros = 0;
    if (std::sscanf(line.data(), "RESULT %lf %lf %lf %lf %lf %lf", &m.requests, &micros, &m.p50_us,
                    &m.p99_us, &m.bytes, &m.errors) == 6) {
      m.seconds = micros / 1e6;
    }
  }
  if (out != nullptr) pclose(out);
  m.cpu = cpu_seconds() - cpu_before;
  return m;
}

// What the store takes of a day's answer: its part of the CPU time below.
void report_reads(const Store& store, const Filled& filled, const Options& options) {
  constexpr int kReads = 5'000;
  std::mt19937_64 random(2);
  const MinuteRange day{filled.begin, filled.begin + minutes{kDayMinutes}};
  std::size_t points = 0;
  const auto before = cpu_seconds();
  for (int i = 0; i < kReads; ++i) {
    const auto series =
        store.read_series(InfluencerId{kFirstId + random() % options.influencers}, day);
    if (series) points += series->size();
  }
  fmt::print("{:<26} {:.1f} us CPU, {} points each\n", "a day from the store alone",
             (cpu_seconds() - before) / kReads * 1e6, points / kReads);
}

void report(std::string_view name, const Measured& m) {
  if (m.requests == 0) {
    fmt::print("{:<26} no result from wrk\n", name);
    return;
  }
  fmt::print(
      "{:<26} {:>8.0f} requests/s  {:>8.0f} per CPU s  {:>6.1f} us CPU  p50 {:>6.2f} ms  "
      "p99 {:>6.2f} ms  {:>6.0f} bytes  {:.0f} errors\n",
      name, m.requests / m.seconds, m.requests / m.cpu, m.cpu / m.requests * 1e6, m.p50_us / 1e3,
      m.p99_us / 1e3, m.bytes / m.requests, m.errors);
}

Options parse(int argc, char** argv) {
  Options options;
  const auto number = [](std::string_view text, std::uint64_t& to) {
    return std::from_chars(text.data(), text.data() + text.size(), to).ec == std::errc{};
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = argument.substr(std::min(argument.find('=') + 1, argument.size()));
    bool known = true;
    if (argument == "--last-24h") {
      options.last_24h = true;
    } else if (argument == "--ram") {
      options.in_ram = true;
    } else if (argument == "--gzip") {
      options.with_gzip = true;
    } else if (argument.starts_with("--influencers=")) {
      known = number(value, options.influencers) && options.influencers > 0;
    } else if (argument.starts_with("--seconds=")) {
      known = number(value, options.seconds) && options.seconds > 0;
    } else if (argument.starts_with("--connections=")) {
      known = number(value, options.connections) && options.connections > 0;
    } else {
      known = false;
    }
    if (!known) {
      fmt::print(stderr, "api_bench: {} is not understood; see the top of bench/api_bench.cpp\n",
                 argument);
      std::exit(2);
    }
  }
  return options;
}

void pin_to_first_core() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(0, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (std::system("command -v wrk >/dev/null && command -v taskset >/dev/null") != 0) {
    fmt::print("api_bench: skipped: it needs wrk and taskset (apt-get install wrk util-linux)\n");
    return 0;
  }
  pin_to_first_core();
  const auto directory =
      std::filesystem::temp_directory_path() / fmt::format("ia_api_bench.{}", getpid());
  std::filesystem::create_directories(directory);
  const SystemClock clock;
  Log log(LogLevel::kWarning, LogFormat::kText);
  Metrics metrics;
  auto store = make_store(options, directory / "data", log);
  const auto filled = fill(*store, options, clock);
  report_reads(*store, filled, options);
  auto server =
      start_api({.port = 0}, {.store = *store,
                              .leaderboard = [&] { return filled.board; },
                              .movers = [] { return MoversSnapshot{}; },
                              .not_ready_reasons = [] { return std::vector<std::string>{}; },
                              .pipeline = [] { return PipelineSummary{}; },
                              .metrics = metrics,
                              .log = log,
                              .clock = clock,
                              .version = "bench"});
  if (!server) {
    fmt::print(stderr, "api_bench: {}\n", server.error().message);
    return 1;
  }
  const auto address = (*server)->address();
  const auto begin_s =
      std::chrono::floor<std::chrono::seconds>(filled.begin).time_since_epoch().count();
  const auto script = directory / "requests.lua";
  write_script(script, options,
               fmt::format("?start_time={}&end_time={}", begin_s, begin_s + 60 * (kDayMinutes - 1)),
               "/influencer_analytics/");
  report("day of one influencer", drive(address, script, options));
  write_script(script, options, "", "/api/v1/influencers/");
  report("latest value and rank", drive(address, script, options));
  (*server)->stop();
  std::filesystem::remove_all(directory);
  return 0;
}
