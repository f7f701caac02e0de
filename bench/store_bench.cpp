// Ingest, size on disk, reads and restart of the embedded store, on the mock network's statistics.
//
//   store_bench [--influencers N] [--minutes N] [--open-minutes N] [--batches-per-call N]
//               [--dir DIRECTORY]
//   store_bench --minutes-of DIRECTORY
//
// Stores `minutes` of full minutes in batches of 1,000, lets the store settle them while it goes
// on, then leaves `open-minutes` more as frames, and reads. Without options: 100,000 influencers
// for a day, then 1,000,000 for an hour. CPU is that of the threads that append and maintain.
//
// The second form only reads minutes of everyone out of what an earlier run left in a directory:
// warm, and cold, which is after the system was asked to forget the segments' pages.
#include <fcntl.h>
#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sqlite_store.h"

namespace {

using namespace ia;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBatchSize = 1000;
constexpr std::uint64_t kFirstId = 1'000'000;
constexpr int kAsked = 2000;
constexpr int kSampledMinutes = 60;
const Minute kBegin{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};

struct Options {
  std::size_t influencers = 100'000;
  int minutes = 1440;
  int open_minutes = 45;
  std::size_t batches_per_call = 32;
  std::filesystem::path dir;
};

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

template <class T>
T value_of(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "store_bench: {}\n", result.error().message);
  std::exit(1);
}

// Everyone's counts, moved on minute by minute as the mock network does.
class Walk {
 public:
  explicit Walk(std::size_t influencers) : followers_(influencers), following_(influencers) {
    std::normal_distribution<double> normal;
    for (auto& step : normals_) step = normal(random_);
    for (auto& value : followers_) value = moved(0, 100'000, 100'000, 5'000);
    for (auto& value : following_) value = moved(0, 1'000, 1'000, 50);
  }

  void step() {
    for (auto& value : followers_) value = moved(value, 0, 10'000, 5'000);
    for (auto& value : following_) value = moved(value, 0, 100, 50);
  }

  std::int64_t followers(std::size_t index) const { return followers_[index]; }
  std::int64_t following(std::size_t index) const { return following_[index]; }

  PointBatch batch(std::size_t first, Minute minute) const {
    const auto end = std::min(first + kBatchSize, followers_.size());
    const auto part = static_cast<double>(first) / static_cast<double>(followers_.size());
    PointBatch batch{.minute = minute,
                     .retrieved_at = minute + std::chrono::milliseconds{2'000 + int(part * 55'000)},
                     .influencers = {},
                     .followers = {},
                     .following = {},
                     .misses = {},
                     .usernames = {}};
    for (auto i = first; i < end; ++i) {
      batch.influencers.push_back(InfluencerId{kFirstId + i});
      batch.followers.push_back(followers_[i]);
      batch.following.push_back(following_[i]);
    }
    return batch;
  }

 private:
  std::int64_t moved(std::int64_t from, double by, double deviation, std::int64_t floor) {
    const auto normal = normals_[random_() % normals_.size()];
    return std::max<std::int64_t>(from + std::llround(by + deviation * normal), floor);
  }

  std::mt19937_64 random_{1};
  std::vector<double> normals_ = std::vector<double>(1 << 18);
  std::vector<std::int64_t> followers_;
  std::vector<std::int64_t> following_;
};

// Of the changes from minute to minute: what no codec without knowledge of the source can beat.
class Entropy {
 public:
  void add(std::int64_t change) {
    ++counts_[change];
    ++total_;
  }
  double bits() const {
    double sum = 0;
    for (const auto& [change, count] : counts_) {
      const auto share = static_cast<double>(count) / static_cast<double>(total_);
      sum -= share * std::log2(share);
    }
    return sum;
  }

 private:
  std::map<std::int64_t, std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

void forget_pages(const std::filesystem::path& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

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

void print_ranks(const Store& store, const std::string& what, MinuteRange range,
                 const GoOn& go_on) {
  std::vector<Minute> tenth_minutes;
  for (auto at = range.begin; at < range.end; at += minutes{10}) tenth_minutes.push_back(at);
  print_read("ranks, " + what, [&] {
    const auto ranks = value_of(store.read_ranks(InfluencerId{kFirstId}, tenth_minutes, go_on));
    return fmt::format("{} minutes", ranks.size());
  });
}

// The first, a middle and the last minute of each place that minutes can be in.
void print_minutes(const Store& store, const std::filesystem::path& directory) {
  const auto minutes_of_all = value_of(store.read_minutes({Minute::min(), Minute::max()}));
  if (minutes_of_all.empty()) return;
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
      forget_pages(directory / "segments");
      print_minute(store, which + of + ", two threads, cold", minute, kHurried);
    }
    print_ranks(store, "every 10 min." + of, {begin, begin + last}, kAlone);
    print_ranks(store, "every 10 min." + of + ", two threads", {begin, begin + last}, kHurried);
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
  explicit Bench(const Options& options) : options_(options), walk_(options.influencers) {}

  void run() {
    open();
    register_influencers();
    std::thread maintainer([this] { maintain(); });
    ingest();
    stopping_ = true;
    maintainer.join();
    settle_all();
    print_ingest();
    print_size();
    print_reads();
    print_restart();
  }

 private:
  void open() {
    store_ = value_of(open_sqlite_store({.directory = options_.dir, .retention = days{30}}, log_));
  }

  void register_influencers() {
    Registry registry;
    registry.epoch = 1;
    registry.influencers = InfluencerSet(std::vector<IdRange>{
        {InfluencerId{kFirstId}, InfluencerId{kFirstId + options_.influencers - 1}}});
    if (const auto put = store_->put_registry(registry); !put) value_of<int>(fail("", put.error()));
  }

  void maintain() {
    while (!stopping_) {
      const auto before = thread_cpu_seconds();
      const auto start = SteadyClock::now();
      const bool more = value_of(store_->maintain(now_.load()));
      slice_ms_.push_back(seconds_since(start) * 1e3);
      maintain_cpu_ += thread_cpu_seconds() - before;
      behind_ = more;
      if (!more) std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
  }

  void ingest() {
    const auto start = SteadyClock::now();
    const int total = options_.minutes + options_.open_minutes;
    for (int i = 0; i < total; ++i) {
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
      const auto start = SteadyClock::now();
      points_ += value_of(store_->append(batches)).stored;
      append_ms_.push_back(seconds_since(start) * 1e3);
      append_cpu_ += thread_cpu_seconds() - before;
      batches.clear();
    };
    for (std::size_t i = 0; i < options_.influencers; i += kBatchSize) {
      batches.push_back(walk_.batch(i, minute));
      if (batches.size() == options_.batches_per_call) store_batches();
    }
    if (!batches.empty()) store_batches();
  }

  void settle_all() {
    const auto before = thread_cpu_seconds();
    const auto start = SteadyClock::now();
    while (value_of(store_->maintain(now_.load() + minutes{2}))) {
    }
    maintain_cpu_ += thread_cpu_seconds() - before;
    settle_wall_ = seconds_since(start);
  }

  static double quantile(std::vector<double> values, double q) {
    const auto index = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1));
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(index));
    return values[index];
  }

  void print_ingest() const {
    const auto points = static_cast<double>(points_);
    const auto cpu = append_cpu_ + maintain_cpu_;
    fmt::print("{} influencers, {} + {} minutes: {} points, {} batches of {} a call\n",
               options_.influencers, options_.minutes, options_.open_minutes, points_,
               options_.batches_per_call, kBatchSize);
    fmt::print(
        "  ingest, settled       {:8.1f} M points/s of CPU (append {:.1f} ns a point, "
        "housekeeping {:.1f} ns)\n",
        points / cpu / 1e6, append_cpu_ / points * 1e9, maintain_cpu_ / points * 1e9);
    fmt::print(
        "  the same, by the clock{:8.1f} M points/s with the making of the data, and {:.1f} s to "
        "settle the rest\n",
        points / wall_ / 1e6, settle_wall_);
    fmt::print("  append, one call      {:8.2f} ms p50, {:.2f} p99, {:.2f} max\n",
               quantile(append_ms_, 0.5), quantile(append_ms_, 0.99), quantile(append_ms_, 1));
    fmt::print("  maintain, one slice   {:8.2f} ms p50, {:.2f} p99, {:.2f} max\n",
               quantile(slice_ms_, 0.5), quantile(slice_ms_, 0.99), quantile(slice_ms_, 1));
  }

  void print_size() const {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.dir / "segments")) {
      bytes += entry.file_size();
      fmt::print("  segment               {} {}\n", entry.path().filename().string(),
                 entry.file_size());
    }
    const auto settled =
        static_cast<double>(options_.minutes / 60 * 60) * static_cast<double>(options_.influencers);
    fmt::print("  settled               {:8.3f} bytes a point; entropy of the changes {:.3f}\n",
               static_cast<double>(bytes) / settled,
               (followers_entropy_.bits() + following_entropy_.bits()) / 8);
    fmt::print("  on disk, all told     {:8.1f} MB\n",
               static_cast<double>(value_of(store_->size()).bytes) / 1e6);
  }

  void print_read(const char* what, MinuteRange range) const {
    std::mt19937_64 random(7);
    std::vector<InfluencerId> ids;
    for (int i = 0; i < kAsked; ++i)
      ids.push_back(InfluencerId{kFirstId + random() % options_.influencers});
    std::vector<double> us;
    std::size_t points = 0;
    for (int round = 0; round < 2; ++round) {  // the second one is warm
      us.clear();
      for (const auto id : ids) {
        const auto start = SteadyClock::now();
        points = value_of(store_->read_series(id, range)).size();
        us.push_back(seconds_since(start) * 1e6);
      }
    }
    fmt::print("  read {:16} {:8.1f} us p50, {:.1f} p99 ({} points)\n", what, quantile(us, 0.5),
               quantile(us, 0.99), points);
  }

  void print_reads() const {
    const Minute settled_end = kBegin + minutes{options_.minutes};
    print_read("a settled hour", {kBegin, kBegin + hours{1}});
    if (options_.minutes >= 1440) print_read("a settled day", {kBegin, kBegin + days{1}});
    print_read("the open hour", {settled_end, settled_end + hours{1}});
    print_read("everything", {kBegin, settled_end + hours{1}});
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
    fmt::print("  reopen                {:8.3f} s, latest values {:.3f} s ({})\n", open_s,
               seconds_since(start), latest.values.influencers.size());
    const auto batch = walk_.batch(0, minute_of(now_.load()) - minutes{1});
    start = SteadyClock::now();
    const auto again = value_of(store_->append(std::span(&batch, 1)));
    fmt::print("  first append          {:8.2f} ms ({} repeats of {})\n",
               seconds_since(start) * 1e3, again.repeats, batch.size());
    fmt::print("  largest resident set  {}\n", resident());
  }

  const Options options_;
  Log log_{LogLevel::kWarning, LogFormat::kText};
  Walk walk_;
  std::unique_ptr<Store> store_;
  std::atomic<WallTime> now_ = WallTime{kBegin};
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> behind_ = false;
  Entropy followers_entropy_;
  Entropy following_entropy_;
  std::uint64_t points_ = 0;
  double append_cpu_ = 0;
  double maintain_cpu_ = 0;
  double wall_ = 0;
  double settle_wall_ = 0;
  std::vector<double> append_ms_;
  std::vector<double> slice_ms_;
};

// In the given directory, or one that is removed again.
void run_in_fresh_directory(Options options) {
  const bool keep = !options.dir.empty();
  if (!keep) {
    std::string pattern = std::filesystem::temp_directory_path() / "store_bench.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      fmt::print(stderr, "store_bench: cannot create {}\n", pattern);
      std::exit(1);
    }
    options.dir = pattern;
  }
  Bench(options).run();
  if (!keep) std::filesystem::remove_all(options.dir);
}

[[noreturn]] void refuse(std::string_view argument) {
  fmt::print(stderr,
             "store_bench: cannot use '{}'\nusage: store_bench [--influencers N] [--minutes N] "
             "[--open-minutes N] [--batches-per-call N] [--dir DIRECTORY]\n"
             "       store_bench --minutes-of DIRECTORY\n",
             argument);
  std::exit(2);
}

template <class Number>
void set_number(Number& target, std::string_view text) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
  if (error != std::errc{} || end != text.data() + text.size() || target < 1) refuse(text);
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 == count) refuse(name);
    const std::string_view value = arguments[i + 1];
    if (name == "--influencers") {
      set_number(options.influencers, value);
    } else if (name == "--minutes") {
      set_number(options.minutes, value);
    } else if (name == "--open-minutes") {
      set_number(options.open_minutes, value);
    } else if (name == "--batches-per-call") {
      set_number(options.batches_per_call, value);
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
  if (count > 1) {
    run_in_fresh_directory(parse(count, arguments));
    return 0;
  }
  run_in_fresh_directory({});
  run_in_fresh_directory({.influencers = 1'000'000, .minutes = 60, .dir = {}});
}
