// What a stored point costs once its hours are settled and its days are merged: bytes, CPU of
// writing, latency of reading. Two kinds of accounts, each with contiguous and with scattered ids:
// those of the mock network, whose counts change every minute, and slow ones, as accounts really
// are: sizes lognormal, changes Poisson, five minutes in a hundred bring one.
//
//   size_bench [--influencers N] [--days N] [--only mock|slow] [--ids contiguous|scattered]
//   size_bench --export FILE --only mock|slow [--influencers N]
//
// Stores `days` of full days and twelve hours more, which stay hour files. All minutes are settled;
// bytes are those of the files in segments/, SQLite's or the format's own overhead included. CPU is
// that of the thread that appends and maintains. Reads are warm, of random influencers.
//
// The second form writes the points of a day for another program (bench/size_peers.py): rows of
// influencer, minute, followers, following, each 8 bytes, little-endian, ordered by minute.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
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
constexpr int kSampledMinutes = 240;
constexpr int kHourFiles = 12;
const Minute kBegin{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};

struct Options {
  std::size_t influencers = 2000;
  int days = 3;
  std::string only;
  std::string ids;
  std::string export_to;
};

// Everyone's counts, moved on minute by minute.
class Population {
 public:
  virtual ~Population() = default;
  virtual void step() = 0;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
};

class MockPopulation final : public Population {
 public:
  explicit MockPopulation(std::size_t influencers) {
    std::normal_distribution<double> normal;
    for (auto& value : normals_) value = normal(random_);
    followers.resize(influencers);
    following.resize(influencers);
    for (auto& value : followers) value = moved(100'000, 100'000, 5'000);
    for (auto& value : following) value = moved(1'000, 1'000, 50);
  }
  void step() override {
    for (auto& value : followers) value = moved(value, 10'000, 5'000);
    for (auto& value : following) value = moved(value, 100, 50);
  }

 private:
  std::int64_t moved(std::int64_t from, double deviation, std::int64_t floor) {
    const auto normal = normals_[random_() % normals_.size()];
    return std::max<std::int64_t>(from + std::llround(deviation * normal), floor);
  }
  std::mt19937_64 random_{1};
  std::vector<double> normals_ = std::vector<double>(1 << 18);
};

// A minute brings followers gained (0.034 on average), lost (0.012) and following changed (0.006).
class SlowPopulation final : public Population {
 public:
  explicit SlowPopulation(std::size_t influencers) {
    std::lognormal_distribution<double> sizes(std::log(2'000), 2.0);
    std::lognormal_distribution<double> followed(std::log(400), 1.0);
    for (std::size_t i = 0; i < influencers; ++i) {
      followers.push_back(50 + std::llround(sizes(random_)));
      following.push_back(50 + std::llround(followed(random_)));
    }
  }
  void step() override {
    for (std::size_t i = 0; i < followers.size(); ++i) {
      followers[i] = std::max<std::int64_t>(0, followers[i] + gained_(random_) - lost_(random_));
      const auto turn = uniform_(random_);
      if (turn < 0.006) following[i] += turn < 0.004 ? 1 : following[i] > 0 ? -1 : 0;
    }
  }

 private:
  std::mt19937_64 random_{1};
  std::poisson_distribution<int> gained_{0.034};
  std::poisson_distribution<int> lost_{0.012};
  std::uniform_real_distribution<double> uniform_;
};

std::unique_ptr<Population> population_of(const std::string& kind, std::size_t influencers) {
  if (kind == "mock") return std::make_unique<MockPopulation>(influencers);
  return std::make_unique<SlowPopulation>(influencers);
}

class Bench {
 public:
  Bench(const Options& options, const std::string& kind, const std::string& ids)
      : options_(options),
        name_(kind + ", " + ids + " ids"),
        population_(population_of(kind, options.influencers)),
        ids_(make_ids(options.influencers, ids == "scattered")) {
    std::string pattern = std::filesystem::temp_directory_path() / "size_bench.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) check(fail(Errc::kInvalid, "no temporary directory"));
    directory_ = pattern;
  }
  ~Bench() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void run() {
    store_ = value_of(open_sqlite_store({.directory = directory_, .retention = days{400}}, log_));
    Registry registry;
    registry.epoch = 1;
    registry.influencers = InfluencerSet::of(ids_);
    check(store_->put_registry(registry));
    for (int hour = 0; hour < options_.days * 24 + kHourFiles; ++hour) {
      ingest_hour(kBegin + hours{hour});
      maintain(kBegin + hours{hour + 1});
    }
    print();
  }

 private:
  void ingest_hour(Minute begin) {
    for (auto minute = begin; minute < begin + hours{1}; minute += minutes{1}) {
      sample_and_step();
      const auto batches = batches_of(minute);
      const auto before = thread_cpu_seconds();
      points_ += value_of(store_->append(batches)).stored;
      append_cpu_ += thread_cpu_seconds() - before;
    }
  }

  void sample_and_step() {
    if (sampled_++ >= kSampledMinutes) return population_->step();
    const auto followers = population_->followers;
    const auto following = population_->following;
    population_->step();
    for (std::size_t i = 0; i < followers.size(); ++i) {
      followers_entropy_.add(population_->followers[i] - followers[i]);
      following_entropy_.add(population_->following[i] - following[i]);
    }
  }

  std::vector<PointBatch> batches_of(Minute minute) const {
    std::vector<PointBatch> batches;
    const auto part = [&](const auto& column, std::size_t begin, std::size_t end) {
      return std::vector(column.begin() + static_cast<std::ptrdiff_t>(begin),
                         column.begin() + static_cast<std::ptrdiff_t>(end));
    };
    for (std::size_t i = 0; i < ids_.size(); i += kBatchSize) {
      const auto end = std::min(i + kBatchSize, ids_.size());
      batches.push_back({.minute = minute,
                         .retrieved_at = minute + std::chrono::seconds{7},
                         .influencers = part(ids_, i, end),
                         .followers = part(population_->followers, i, end),
                         .following = part(population_->following, i, end),
                         .misses = {},
                         .usernames = {}});
    }
    return batches;
  }

  // All that there is to do by that time.
  void maintain(Minute end) {
    const auto before = thread_cpu_seconds();
    for (const int quiet : {0, 3, 6}) {
      while (value_of(store_->maintain(end + minutes{quiet}))) {
      }
    }
    maintain_cpu_ += thread_cpu_seconds() - before;
  }

  double bytes_a_point(const std::string& prefix, double minutes_each) const {
    std::uint64_t bytes = 0;
    double files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "segments")) {
      if (!entry.path().filename().string().starts_with(prefix)) continue;
      bytes += entry.file_size();
      ++files;
    }
    return static_cast<double>(bytes) / files / minutes_each / static_cast<double>(ids_.size());
  }

  void print() const {
    const auto points = static_cast<double>(points_);
    const auto entropy = (followers_entropy_.bits() + following_entropy_.bits()) / 8;
    fmt::print("{}: {} influencers, {} days and {} hours, {} points\n", name_, ids_.size(),
               options_.days, kHourFiles, points_);
    fmt::print("  bytes per point         {:8.4f} in hour files, {:.4f} in days; entropy {:.4f}\n",
               bytes_a_point("hour-", 60), bytes_a_point("day-", 1440), entropy);
    fmt::print("  CPU, ns per point       {:8.1f} to append, {:.1f} to settle and merge\n",
               append_cpu_ / points * 1e9, maintain_cpu_ / points * 1e9);
    const Minute last_day = kBegin + days{options_.days};
    print_read("an hour, hour file", {last_day + hours{3}, last_day + hours{4}});
    print_read("an hour of a day", {last_day - hours{7}, last_day - hours{6}});
    print_read("a day", {last_day - days{1}, last_day});
    if (options_.days > 1) print_read("all days", {kBegin, last_day});
    print_minute("hour file", last_day + hours{3} + minutes{30});
    print_minute("day", last_day - hours{7} + minutes{30});
  }

  static double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
  }

  void print_read(const char* what, MinuteRange range) const {
    std::mt19937_64 random(7);
    const auto asked = range.end - range.begin > days{1} ? kAsked / 10 : kAsked;
    std::vector<InfluencerId> ids;
    for (int i = 0; i < asked; ++i) ids.push_back(ids_[random() % ids_.size()]);
    std::vector<double> us;
    std::size_t points = 0;
    double cpu = 0;
    for (int round = 0; round < 2; ++round) {  // the second one is warm
      us.clear();
      cpu = thread_cpu_seconds();
      for (const auto id : ids) {
        const auto start = SteadyClock::now();
        points = value_of(store_->read_series(id, range)).size();
        us.push_back(std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
      }
    }
    cpu = (thread_cpu_seconds() - cpu) / asked;
    fmt::print("  read {:18} {:8.1f} us p50, {:.1f} us of CPU, {:.1f} ns per point ({} points)\n",
               what, median(us), cpu * 1e6, cpu * 1e9 / static_cast<double>(points), points);
  }

  void print_minute(const char* what, Minute minute) const {
    std::vector<double> ns;
    for (int round = 0; round < 20; ++round) {
      const auto before = thread_cpu_seconds();
      const auto count = value_of(store_->read_minute(minute, GoOn{})).size();
      ns.push_back((thread_cpu_seconds() - before) * 1e9 / static_cast<double>(count));
    }
    fmt::print("  everyone's minute, {:8}{:5.0f} ns of CPU per influencer\n", what, median(ns));
  }

  const Options options_;
  std::string name_;
  Log log_{LogLevel::kWarning, LogFormat::kText};
  std::unique_ptr<Population> population_;
  std::vector<InfluencerId> ids_;
  std::filesystem::path directory_;
  std::unique_ptr<Store> store_;
  Entropy followers_entropy_;
  Entropy following_entropy_;
  int sampled_ = 0;
  std::uint64_t points_ = 0;
  double append_cpu_ = 0;
  double maintain_cpu_ = 0;
};

void export_day(const Options& options) {
  const auto population = population_of(options.only, options.influencers);
  const auto ids = make_ids(options.influencers, false);
  std::ofstream out(options.export_to, std::ios::binary);
  for (std::uint64_t minute = 0; minute < 1440; ++minute) {
    population->step();
    const auto number = static_cast<std::uint64_t>(kBegin.time_since_epoch().count()) + minute;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::array<std::uint64_t, 4> row = {
          number_of(ids[i]), number, static_cast<std::uint64_t>(population->followers[i]),
          static_cast<std::uint64_t>(population->following[i])};
      out.write(reinterpret_cast<const char*>(row.data()), sizeof row);  // NOLINT
    }
  }
  if (!out.flush()) check(fail(Errc::kInvalid, options.export_to + ": cannot be written"));
}

[[noreturn]] void refuse(std::string_view argument) {
  fmt::print(stderr,
             "size_bench: cannot use '{}'\nusage: size_bench [--influencers N] [--days N] "
             "[--only mock|slow] [--ids contiguous|scattered]\n"
             "       size_bench --export FILE --only mock|slow [--influencers N]\n",
             argument);
  std::exit(2);
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 == count) refuse(name);
    const std::string value = arguments[i + 1];
    if (name == "--influencers") {
      if (!take_number(value, options.influencers)) refuse(value);
    } else if (name == "--days") {
      if (!take_number(value, options.days)) refuse(value);
    } else if (name == "--only" && (value == "mock" || value == "slow")) {
      options.only = value;
    } else if (name == "--ids" && (value == "contiguous" || value == "scattered")) {
      options.ids = value;
    } else if (name == "--export") {
      options.export_to = value;
    } else {
      refuse(name);
    }
  }
  if (!options.export_to.empty() && options.only.empty()) refuse("--export without --only");
  return options;
}

}  // namespace

int main(int count, char** arguments) {
  const auto options = parse(count, arguments);
  if (!options.export_to.empty()) {
    export_day(options);
    return 0;
  }
  for (const std::string kind : {"mock", "slow"}) {
    if (!options.only.empty() && options.only != kind) continue;
    for (const std::string ids : {"contiguous", "scattered"}) {
      if (options.ids.empty() || options.ids == ids) Bench(options, kind, ids).run();
    }
  }
}
