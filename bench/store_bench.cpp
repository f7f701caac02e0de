// Ingest, size on disk, reads and restart of the embedded store, on the mock network's statistics.
//
//   store_bench [--influencers N] [--minutes N] [--open-minutes N] [--batches-per-call N]
//               [--ids contiguous|scattered|both] [--dir DIRECTORY]
//   store_bench --minutes-of DIRECTORY
//
// Stores `minutes` of full minutes in batches of 1,000, lets the store settle them while it goes
// on, then stores `open-minutes` more, which stay frames, while days are merged, and reads. Without
// options: a million influencers for an hour, whose ids are in a row, then a million whose ids are
// scattered below 2^53, then the ratios of the two.
//
// Ingest counts settled points only: the CPU of the threads that append and maintain until all of
// `minutes` are settled and merged, without that of appending the open ones. The longest append is
// that of the whole run. A cold read is the first one of a store that was opened for it, after the
// system forgot the pages of every file of the directory (fdatasync, posix_fadvise, mincore).
//
// The second form only reads minutes of everyone out of what an earlier run left in a directory.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "command_line.h"
#include "machine.h"
#include "storage/embedded_store.h"
#include "store_walk.h"

namespace {

using namespace ia;
using namespace ia::bench;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using SteadyClock = std::chrono::steady_clock;

constexpr int kAsked = 2000;
constexpr int kAskedCold = 40;
constexpr int kSampledMinutes = 60;
const Minute kBegin{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};

struct Options {
  std::size_t influencers = 1'000'000;
  int minutes = 60;
  int open_minutes = 45;
  std::size_t batches_per_call = 32;
  std::string ids = "both";
  std::filesystem::path dir;
};

// By what they are, in the order printed.
using Figures = std::vector<std::pair<std::string, double>>;

const GoOn kAlone;
const GoOn kHurried([] { return true; }, true);  // two threads, as the API reads

template <class Read>
void print_read(const std::string& what, Read read) {
  const auto start = SteadyClock::now();
  const auto cpu = process_cpu_seconds();
  const auto count = read();
  fmt::print("  {:44} {:7.3f} s, {:.3f} s of CPU ({})\n", what, seconds_since(start),
             process_cpu_seconds() - cpu, count);
}

void print_minute(const Store& store, const std::string& what, Minute minute, const GoOn& go_on) {
  print_read("everyone, " + what, [&] {
    return fmt::format("{} values", value_of(store.read_minute(minute, go_on)).size());
  });
}

void print_ranks(const Store& store, InfluencerId influencer, const std::string& what,
                 MinuteRange range, const GoOn& go_on) {
  std::vector<Minute> tenth_minutes;
  for (auto at = range.begin; at < range.end; at += minutes{10}) tenth_minutes.push_back(at);
  print_read("ranks, " + what, [&] {
    const auto ranks = value_of(store.read_ranks(influencer, tenth_minutes, go_on));
    return fmt::format("{} minutes", ranks.size());
  });
}

// The first, a middle and the last minute of each place that minutes can be in.
void print_minutes(const Store& store, const std::filesystem::path& directory) {
  const auto minutes_of_all = value_of(store.read_minutes({Minute::min(), Minute::max()}));
  const auto newest = value_of(store.read_latest());
  if (minutes_of_all.empty() || newest.values.influencers.empty()) return;
  const auto someone = newest.values.influencers.front();
  for (const auto& entry : std::filesystem::directory_iterator(directory / "segments")) {
    const auto name = entry.path().filename().string();
    const bool is_day = name.starts_with("day-");
    const Minute begin{minutes{std::atoll(name.c_str() + name.find('-') + 1)}};
    const minutes last{is_day ? 1439 : 59};
    const std::string of = is_day ? " of a day" : " of an hour";
    const std::pair<const char*, Minute> looks[] = {
        {"first", begin}, {"middle", begin + last / 2}, {"last", begin + last}};
    for (const auto& [which, minute] : looks) {
      print_minute(store, which + of, minute, kAlone);
      print_minute(store, which + of + ", two threads", minute, kHurried);
      forget_pages(directory);
      print_minute(store, which + of + ", two threads, cold", minute, kHurried);
    }
    print_ranks(store, someone, "every 10 min." + of, {begin, begin + last}, kAlone);
    print_ranks(store, someone, "every 10 min." + of + ", two threads", {begin, begin + last},
                kHurried);
  }
  print_minute(store, "out of frames", minutes_of_all.back().minute, kAlone);
  print_minute(store, "out of frames, again", minutes_of_all.back().minute, kAlone);
}

void read_minutes_of(const std::filesystem::path& directory) {
  Log log{LogLevel::kWarning, LogFormat::kText};
  const auto store = value_of(
      open_sqlite_store({.directory = directory, .retention = days{30}, .read_only = true}, log));
  print_minutes(*store, directory);
}

class Bench {
 public:
  Bench(const Options& options, bool is_scattered)
      : options_(options),
        is_scattered_(is_scattered),
        walk_(make_ids(options.influencers, is_scattered)) {}

  // What of it is to be the same however the ids are spread.
  Figures run() {
    fmt::print("{} influencers, ids {}, {} + {} minutes, {} batches of {} per call\n",
               options_.influencers,
               is_scattered_ ? "scattered below 2^53" : "in a row from 1,000,000",
               options_.minutes, options_.open_minutes, options_.batches_per_call, kBatchSize);
    open();
    register_influencers();
    std::thread maintainer([this] { maintain(); });
    ingest();
    ingest_open();
    maintainer.join();
    print_ingest();
    print_size();
    print_reads();
    print_restart();
    return std::move(figures_);
  }

 private:
  void open() {
    store_ = value_of(open_sqlite_store({.directory = options_.dir, .retention = days{30}}, log_));
  }

  void register_influencers() {
    Registry registry;
    registry.epoch = 1;
    registry.influencers = InfluencerSet::of(walk_.ids());
    if (const auto put = store_->put_registry(registry); !put) value_of<int>(fail("", put.error()));
  }

  // Until everything of `minutes` is settled and merged, which takes two quiet minutes.
  void maintain() {
    while (true) {
      const bool is_last_look = all_stored_;
      const auto before = thread_cpu_seconds();
      const auto start = SteadyClock::now();
      const bool more = value_of(store_->maintain(now_.load() + minutes{quiet_minutes_}));
      slice_ms_.push_back(seconds_since(start) * 1e3);
      maintain_cpu_ += thread_cpu_seconds() - before;
      behind_ = more;
      if (more) continue;
      if (is_last_look && ++quiet_minutes_ > kQuietMinutes) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    is_settled_ = true;
  }

  void ingest() {
    const auto start = SteadyClock::now();
    for (int i = 0; i < options_.minutes; ++i) {
      const Minute minute = kBegin + minutes{i};
      if (i < kSampledMinutes) {
        sample_entropy();
      } else {
        walk_.step();
      }
      ingest_minute(minute);
      now_ = minute + minutes{1};
      // A backlog of frames would be read from disk instead of memory; real time leaves an hour.
      while (i % 60 == 50 && behind_) std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    wall_ = seconds_since(start);
    settled_points_ = points_;
    settled_append_cpu_ = append_cpu_;
    all_stored_ = true;
  }

  // Beside the last hour's settling and the day's merge; when there are no more minutes, these see
  // repeats. The newest values are checkpointed every ten minutes, so a restart finds them some
  // minutes old.
  void ingest_open() {
    const int checkpointed = std::max(1, options_.open_minutes - kSinceCheckpoint);
    for (int i = 0; i < checkpointed || !is_settled_; ++i) {
      ingest_open_minute(std::min(i, checkpointed - 1), i < checkpointed);
    }
    while (value_of(store_->maintain(now_.load() + minutes{options_.open_minutes}))) {
    }
    for (int i = checkpointed; i < options_.open_minutes; ++i) ingest_open_minute(i, true);
  }

  void ingest_open_minute(int offset, bool is_new) {
    if (is_new) walk_.step();
    ingest_minute(kBegin + minutes{options_.minutes + offset});
  }

  void sample_entropy() {
    const auto sampled = std::min<std::size_t>(options_.influencers, 20'000);
    std::vector<std::pair<std::int64_t, std::int64_t>> before;
    for (std::size_t i = 0; i < sampled; ++i) {
      before.emplace_back(walk_.followers(i), walk_.following(i));
    }
    walk_.step();
    for (std::size_t i = 0; i < sampled; ++i) {
      followers_entropy_.add(walk_.followers(i) - before[i].first);
      following_entropy_.add(walk_.following(i) - before[i].second);
    }
  }

  void ingest_minute(Minute minute) {
    std::vector<PointBatch> batches;
    const auto store_batches = [&] {
      const auto before = thread_cpu_seconds();
      const auto queued = queued_seconds();
      const auto start = SteadyClock::now();
      points_ += value_of(store_->append(batches)).stored;
      append_ms_.push_back(seconds_since(start) * 1e3);
      append_own_ms_.push_back(append_ms_.back() - (queued_seconds() - queued) * 1e3);
      append_cpu_ += thread_cpu_seconds() - before;
      batches.clear();
    };
    for (std::size_t i = 0; i < options_.influencers; i += kBatchSize) {
      batches.push_back(walk_.batch(i, minute));
      if (batches.size() == options_.batches_per_call) store_batches();
    }
    if (!batches.empty()) store_batches();
  }

  static double quantile(std::vector<double> values, double q) {
    const auto index = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1));
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(index));
    return values[index];
  }

  void print_ingest() {
    const auto points = static_cast<double>(settled_points_);
    const auto cpu = settled_append_cpu_ + maintain_cpu_;
    fmt::print(
        "  ingest, settled       {:8.1f} M points/s of CPU ({} points, all settled; append {:.1f} "
        "ns per point, housekeeping {:.1f} ns)\n",
        points / cpu / 1e6, settled_points_, settled_append_cpu_ / points * 1e9,
        maintain_cpu_ / points * 1e9);
    fmt::print("  by the clock          {:8.1f} M points/s, with the making of the data\n",
               points / wall_ / 1e6);
    for (const auto& [what, ms] : {std::pair("append, one call     ", &append_ms_),
                                   std::pair("  without other work ", &append_own_ms_)}) {
      fmt::print("  {} {:8.2f} ms p50, {:.2f} p99, {:.2f} max of {} calls\n", what,
                 quantile(*ms, 0.5), quantile(*ms, 0.99), quantile(*ms, 1), ms->size());
    }
    fmt::print("  maintain, one slice   {:8.2f} ms p50, {:.2f} p99, {:.2f} max\n",
               quantile(slice_ms_, 0.5), quantile(slice_ms_, 0.99), quantile(slice_ms_, 1));
    figures_.emplace_back("CPU per settled point", cpu / points * 1e9);
  }

  void print_size() {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.dir / "segments")) {
      bytes += entry.file_size();
      fmt::print("  segment               {} {}\n", entry.path().filename().string(),
                 entry.file_size());
    }
    const auto settled =
        static_cast<double>(options_.minutes / 60 * 60) * static_cast<double>(options_.influencers);
    figures_.emplace_back("bytes per settled point", static_cast<double>(bytes) / settled);
    fmt::print("  settled               {:8.3f} bytes a point; entropy of the changes {:.3f}\n",
               static_cast<double>(bytes) / settled,
               (followers_entropy_.bits() + following_entropy_.bits()) / 8);
    fmt::print("  on disk, all told     {:8.1f} MB\n",
               static_cast<double>(value_of(store_->size()).bytes) / 1e6);
  }

  std::vector<InfluencerId> some_ids(int count) const {
    std::mt19937_64 random(7);
    std::vector<InfluencerId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(walk_.ids()[random() % walk_.ids().size()]);
    return ids;
  }

  static double read_us(const Store& store, InfluencerId id, MinuteRange range,
                        std::size_t& points) {
    const auto start = SteadyClock::now();
    points = value_of(store.read_series(id, range)).size();
    return seconds_since(start) * 1e6;
  }

  void print_read(const std::string& what, MinuteRange range) {
    std::vector<double> us;
    std::size_t points = 0;
    for (int round = 0; round < 2; ++round) {  // the second one is warm
      us.clear();
      for (const auto id : some_ids(kAsked)) us.push_back(read_us(*store_, id, range, points));
    }
    fmt::print("  read {:16} {:8.1f} us p50, {:.1f} p99 ({} points)\n", what, quantile(us, 0.5),
               quantile(us, 0.99), points);
    figures_.emplace_back("read of " + what, quantile(us, 0.5));
  }

  void print_cold_read(const std::string& what, MinuteRange range) {
    std::vector<double> us;
    std::size_t points = 0;
    std::size_t kept = 0;
    for (const auto id : some_ids(kAskedCold)) {
      const auto store = value_of(open_sqlite_store(
          {.directory = options_.dir, .retention = days{30}, .read_only = true}, log_));
      kept = std::max(kept, forget_pages(options_.dir));
      us.push_back(read_us(*store, id, range, points));
    }
    fmt::print("  cold {:16} {:8.0f} us p50, {:.0f} max ({} points; {} bytes stayed cached)\n",
               what, quantile(us, 0.5), quantile(us, 1), points, kept);
  }

  void print_reads() {
    const Minute settled_end = kBegin + minutes{options_.minutes};
    const MinuteRange hour{kBegin, kBegin + hours{1}};
    const MinuteRange day{kBegin, kBegin + days{1}};
    print_read("a settled hour", hour);
    if (options_.minutes >= 1440) print_read("a settled day", day);
    print_read("the open hour", {settled_end, settled_end + hours{1}});
    print_read("everything", {kBegin, settled_end + hours{1}});
    print_cold_read("a settled hour", hour);
    if (options_.minutes >= 1440) print_cold_read("a settled day", day);
    print_minutes(*store_, options_.dir);
  }

  static std::string resident() {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
      if (line.starts_with("VmHWM:")) return line.substr(line.find_first_of("0123456789"));
    }
    return "unknown";
  }

  void print_restart() {
    store_.reset();
    auto start = SteadyClock::now();
    open();
    const auto open_s = seconds_since(start);
    start = SteadyClock::now();
    const auto latest = value_of(store_->read_latest());
    const auto latest_s = seconds_since(start);
    fmt::print("  reopen                {:8.3f} s, latest values {:.3f} s ({})\n", open_s, latest_s,
               latest.values.influencers.size());
    figures_.emplace_back("restart", open_s + latest_s);
    const int last = options_.minutes + options_.open_minutes - 1;
    const auto batch = walk_.batch(0, kBegin + minutes{last});
    start = SteadyClock::now();
    const auto again = value_of(store_->append(std::span(&batch, 1)));
    fmt::print("  first append          {:8.2f} ms ({} repeats of {})\n",
               seconds_since(start) * 1e3, again.repeats, batch.size());
    fmt::print("  largest resident set  {}\n", resident());
  }

  static constexpr int kQuietMinutes = 3;
  static constexpr int kSinceCheckpoint = 9;  // minutes

  const Options options_;
  const bool is_scattered_;
  Log log_{LogLevel::kWarning, LogFormat::kText};
  Walk walk_;
  std::unique_ptr<Store> store_;
  std::atomic<WallTime> now_ = WallTime{kBegin};
  std::atomic<bool> all_stored_ = false;  // of `minutes`
  std::atomic<bool> is_settled_ = false;
  std::atomic<bool> behind_ = false;
  int quiet_minutes_ = 0;
  Entropy followers_entropy_;
  Entropy following_entropy_;
  std::uint64_t points_ = 0;
  std::uint64_t settled_points_ = 0;
  double append_cpu_ = 0;
  double settled_append_cpu_ = 0;
  double maintain_cpu_ = 0;
  double wall_ = 0;
  std::vector<double> append_ms_;
  std::vector<double> append_own_ms_;  // without waiting for a core that another program has
  std::vector<double> slice_ms_;
  Figures figures_;
};

// In the given directory, or one that is removed again.
Figures run_in_fresh_directory(Options options, bool is_scattered) {
  const bool keep = !options.dir.empty();
  if (!keep) {
    std::string pattern = std::filesystem::temp_directory_path() / "store_bench.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      fmt::print(stderr, "store_bench: cannot create {}\n", pattern);
      std::exit(1);
    }
    options.dir = pattern;
  }
  auto figures = Bench(options, is_scattered).run();
  if (!keep) std::filesystem::remove_all(options.dir);
  return figures;
}

// In a directory that was given, each kind of ids has its own.
void run(const Options& options) {
  fmt::print("the machine: {:.0f} ms of CPU for the calibration loop\n", calibration_ms());
  std::vector<Figures> of_kinds;
  for (const bool is_scattered : {false, true}) {
    if (options.ids == (is_scattered ? "contiguous" : "scattered")) continue;
    auto one = options;
    if (options.ids == "both" && !one.dir.empty()) one.dir /= is_scattered ? "scattered" : "row";
    of_kinds.push_back(run_in_fresh_directory(one, is_scattered));
  }
  fmt::print("the machine: {:.0f} ms of CPU for the calibration loop\n", calibration_ms());
  if (of_kinds.size() < 2) return;
  fmt::print("scattered / contiguous:");
  for (std::size_t i = 0; i < of_kinds[0].size(); ++i) {
    const auto& [what, contiguous] = of_kinds[0][i];
    fmt::print("{} {} {:.2f}", i == 0 ? "" : ",", what, of_kinds[1][i].second / contiguous);
  }
  fmt::print("\n");
}

[[noreturn]] void refuse(std::string_view argument) {
  fmt::print(stderr,
             "store_bench: cannot use '{}'\nusage: store_bench [--influencers N] [--minutes N] "
             "[--open-minutes N] [--batches-per-call N]\n                   "
             "[--ids contiguous|scattered|both] [--dir DIRECTORY]\n"
             "       store_bench --minutes-of DIRECTORY\n",
             argument);
  std::exit(2);
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 == count) refuse(name);
    const std::string_view value = arguments[i + 1];
    if (name == "--influencers") {
      if (!take_number(value, options.influencers)) refuse(value);
    } else if (name == "--minutes") {
      if (!take_number(value, options.minutes)) refuse(value);
    } else if (name == "--open-minutes") {
      if (!take_number(value, options.open_minutes)) refuse(value);
    } else if (name == "--batches-per-call") {
      if (!take_number(value, options.batches_per_call)) refuse(value);
    } else if (name == "--ids") {
      if (value != "contiguous" && value != "scattered" && value != "both") refuse(value);
      options.ids = value;
    } else if (name == "--dir") {
      options.dir = value;
    } else {
      refuse(name);
    }
  }
  return options;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::string_view(arguments[1]) == "--minutes-of") {
    read_minutes_of(arguments[2]);
    return 0;
  }
  run(parse(count, arguments));
}
