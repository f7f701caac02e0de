#include "app/commands/trial_round.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "app/process/child_process.h"
#include "app/process/scratch_directory.h"
#include "app/process/text_file.h"
#include "app/wiring/wiring.h"
#include "pipeline/seeder.h"

namespace ia {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::uint64_t kFirst = 1'000'000;
constexpr double kSecondsOfWork = 52;
// Shards become due faster than they can be fetched, so that no fetcher ever waits for work, and
// are small, so that all fetchers come to their end together.
constexpr milliseconds kSpread{40'000};
constexpr std::uint32_t kShardSize = 250;
constexpr milliseconds kStartTime{12'000};   // for all processes to be at work
constexpr milliseconds kSettleTime{30'000};  // for the last batches
constexpr milliseconds kSpeakTime{10'000};
constexpr milliseconds kStopTime{25'000};

// Busy and all time of the machine's cores, in ticks.
struct MachineTime {
  double busy = 0;
  double all = 0;
};

MachineTime machine_time() {
  std::istringstream fields(read_text_file("/proc/stat").value_or(""));
  std::string name;
  fields >> name;
  MachineTime time;
  double ticks = 0;
  for (int i = 0; i < 8 && fields >> ticks; ++i) {
    time.all += ticks;
    if (i != 3 && i != 4) time.busy += ticks;  // idle, waiting for a disk
  }
  return time;
}

struct Reading {
  std::vector<microseconds> fetchers;
  microseconds sinks{0};
  StoreLoad store;
  MachineTime machine;
  std::vector<FleetEntry> fleet;
};

std::uint64_t queue_requests(const std::vector<FleetEntry>& entries) {
  std::uint64_t sum = 0;
  for (const auto& entry : entries) sum += entry.report.queue_requests;
  return sum;
}

// What the busiest fetcher has asked for between two readings, over that of the idlest.
double evenness(const std::vector<FleetEntry>& before, const std::vector<FleetEntry>& after) {
  std::vector<double> asked;
  for (const auto& entry : after) {
    if (entry.report.stage != "fetch") continue;
    const auto then = std::ranges::find(before, entry.process, &FleetEntry::process);
    const auto begun = then == before.end() ? 0 : then->report.upstream_requests;
    asked.push_back(static_cast<double>(entry.report.upstream_requests - begun));
  }
  if (asked.empty()) return 0;
  const auto [least, most] = std::ranges::minmax(asked);
  return most / std::max(least, 1.0);
}

microseconds sum_of(const std::vector<microseconds>& times) {
  microseconds sum{0};
  for (const auto time : times) sum += time;
  return sum;
}

class TrialRound {
 public:
  TrialRound(const Config& config, std::uint32_t workers, const TrialSurroundings& surroundings)
      : config_(config), workers_(workers), around_(surroundings) {}
  ~TrialRound() { remove(); }
  TrialRound(const TrialRound&) = delete;
  TrialRound& operator=(const TrialRound&) = delete;

  Result<ScaleRound> run() {
    for (const auto step : {&TrialRound::make_place, &TrialRound::seed, &TrialRound::start_all}) {
      if (auto done = (this->*step)(); !done) return std::unexpected(done.error());
    }
    return measure();
  }

 private:
  Status make_place() {
    const auto name = fmt::format("{}_{}", getpid(), workers_);
    auto directory = ScratchDirectory::make();
    if (!directory) return std::unexpected(directory.error());
    directory_.emplace(std::move(*directory));
    auto trial = make_trial_store(config_, "ia_scale_" + name);
    if (!trial) return std::unexpected(trial.error());
    trial_ = std::move(*trial);
    config_.postgres_url = trial_->postgres_url();
    config_.partition_hours = 1;
    if (const auto made = migrate_store(config_); !made) return std::unexpected(made.error());
    config_.sqs_prefix += "prove-scale-" + name + "-";
    has_queues_ = true;
    if (const auto made = administer("create"); !made) return std::unexpected(made.error());
    return {};
  }

  Result<std::string> administer(const std::string& action) {
    Metrics metrics;
    return administer_queues(action, config_, around_.clock, metrics, around_.log);
  }

  Status seed() {
    auto store = open_store(config_, StoreAccess::kReadWrite, around_.log);
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    fleet_ = open_fleet(config_);
    Metrics metrics;
    const auto queues = open_queues(config_, around_.clock, metrics, around_.log);
    if (!queues) return std::unexpected(queues.error());
    const auto count = static_cast<std::uint64_t>(workers_ * config_.worker_rate * kSecondsOfWork);
    config_.influencers = InfluencerSet({{InfluencerId{kFirst}, InfluencerId{kFirst + count - 1}}});
    const auto seeded =
        Seeder(*store_, *queues->ids, around_.clock)
            .seed({.influencers = config_.influencers,
                   .schedule = {.interval = minutes{1}, .spread = kSpread},
                   .shard_size = kShardSize},
                  [this](std::uint32_t sent, std::uint32_t shards) {
                    around_.progress(fmt::format("shards sent: {} of {}", sent, shards));
                  });
    if (!seeded) return std::unexpected(seeded.error());
    return {};
  }

  Status start_all() {
    if (config_.trial_url.empty()) {
      if (auto started = start_simulator(); !started) return started;
    }
    for (std::uint32_t i = 0; i < config_.sinks; ++i) {
      if (auto started = start_stage("sink", {}, sinks_); !started) return started;
    }
    for (std::uint32_t i = 0; i < workers_; ++i) {
      const std::vector<std::string> own{
          "--mockstagram-url", config_.trial_url,
          "--max-rate",        fmt::format("{}", config_.worker_rate),
          "--pipelining",      fmt::format("{}", config_.pipelining),
          "--max-connections", fmt::format("{}", config_.max_connections)};
      if (auto started = start_stage("fetch", own, fetchers_); !started) return started;
    }
    return {};
  }

  Status start_simulator() {
    const auto last = kFirst + config_.influencers.size() - 1;
    auto child = ChildProcess::start(
        {.arguments = {"mockstagram", "--listen", "127.0.0.1:0", "--influencers",
                       fmt::format("{}-{}", kFirst, last), "--log-level", "warning"},
         .environment = {},
         .speaks = true});
    if (!child) return std::unexpected(child.error());
    const auto line = child->next_line(kSpeakTime);
    if (!line) return std::unexpected(line.error());
    const auto begin = line->find("http://");
    config_.trial_url = line->substr(begin, line->find('/', begin + 7) - begin);
    simulator_.emplace(std::move(*child));
    return {};
  }

  static std::string no_proxy() {
    for (const auto* name : {"no_proxy", "NO_PROXY"}) {
      if (const auto* value = std::getenv(name)) return value;
    }
    return {};
  }

  // The connection string may have a password: others can read arguments, not the environment.
  Status start_stage(const std::string& stage, const std::vector<std::string>& own,
                     std::vector<ChildProcess>& to) {
    const auto data = directory_->path() / fmt::format("{}-{}", stage, to.size());
    std::vector<std::string> arguments{
        stage,      "--queue",    "sqs",         "--sqs-prefix", config_.sqs_prefix, "--store",
        "postgres", "--data-dir", data.string(), "--log-level",  "warning"};
    const auto add = [&arguments](const char* flag, const std::string& value) {
      if (!value.empty()) arguments.insert(arguments.end(), {flag, value});
    };
    add("--sqs-endpoint", config_.sqs_endpoint);
    add("--sqs-region", config_.sqs_region);
    add("--user-agent", config_.user_agent);
    if (stage == "fetch") add("--ca-file", config_.ca_file.string());
    arguments.insert(arguments.end(), own.begin(), own.end());
    std::vector<std::string> environment{"IA_POSTGRES_URL=" + config_.postgres_url};
    if (simulator_) environment.push_back("no_proxy=" + no_proxy() + ",127.0.0.1");
    auto child = ChildProcess::start({.arguments = arguments, .environment = environment});
    if (!child) return std::unexpected(child.error());
    to.push_back(std::move(*child));
    return {};
  }

  Result<ScaleRound> measure() {
    const auto begin = minute_of(around_.clock.wall() + kStartTime) + minutes{1};
    const MinuteRange range{begin, begin + minutes{config_.trial_minutes}};
    if (auto waited = wait_for(begin, "warming up"); !waited) {
      return std::unexpected(waited.error());
    }
    const auto before = read();
    if (!before) return std::unexpected(before.error());
    if (auto waited = wait_for(range.end, "measuring"); !waited) {
      return std::unexpected(waited.error());
    }
    const auto after = read();
    if (!after) return std::unexpected(after.error());
    const auto rows = settled(range);
    if (!rows) return std::unexpected(rows.error());
    return result_of(*rows, *before, *after);
  }

  Status wait_for(WallTime until, const char* doing) {
    while (around_.clock.wall() < until) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(until - around_.clock.wall());
      around_.progress(fmt::format("{}, {} s left", doing, left.count()));
      if (!around_.go_on()) return fail(Errc::kCancelled, "stopped");
      if (auto well = check_processes(); !well) return well;
    }
    return {};
  }

  Status check_processes() {
    const auto has_ended = [](ChildProcess& child) { return child.has_ended(); };
    const bool is_well = std::ranges::none_of(sinks_, has_ended) &&
                         std::ranges::none_of(fetchers_, has_ended) &&
                         !(simulator_ && simulator_->has_ended());
    if (is_well) return {};
    return fail(Errc::kUnavailable, "a process that was started has ended: see what it said above");
  }

  Result<Reading> read() {
    Reading reading;
    for (const auto& fetcher : fetchers_) reading.fetchers.push_back(fetcher.cpu());
    for (const auto& sink : sinks_) reading.sinks += sink.cpu();
    reading.machine = machine_time();
    const auto load = trial_->load();
    if (!load) return std::unexpected(load.error());
    reading.store = *load;
    auto entries = fleet_->read();
    if (!entries) return std::unexpected(entries.error());
    reading.fleet = std::move(*entries);
    return reading;
  }

  // The minutes' accounts, once nothing of them is under way any more.
  Result<std::vector<MinuteStats>> settled(MinuteRange range) {
    const auto is_over = [](const MinuteStats& row) {
      return row.closed || row.stored + row.missed_total() >= row.due;
    };
    const auto end = around_.clock.mono() + kSettleTime;
    while (true) {
      auto rows = store_->read_minutes(range);
      const bool is_whole =
          rows && rows->size() == config_.trial_minutes && std::ranges::all_of(*rows, is_over);
      if (is_whole || around_.clock.mono() > end) return rows;
      around_.progress("waiting for the last batches");
      if (!around_.go_on()) return fail(Errc::kCancelled, "stopped");
    }
  }

  Result<ScaleRound> result_of(const std::vector<MinuteStats>& rows, const Reading& before,
                               const Reading& after) const {
    ScaleRound round{
        .workers = workers_, .worker_rate = config_.worker_rate, .sinks = config_.sinks};
    double seconds = 0;
    for (const auto& row : rows) {
      round.due += row.due;
      round.stored += row.stored;
      seconds +=
          std::chrono::duration<double>(row.last_retrieved_at - row.first_retrieved_at).count();
    }
    if (round.stored == 0 || seconds <= 0) {
      return fail(Errc::kUnavailable, "nothing was stored: see what the processes said above");
    }
    const auto points = static_cast<double>(round.stored);
    round.rate = points / seconds;
    std::vector<microseconds> used;
    for (std::size_t i = 0; i < after.fetchers.size(); ++i) {
      used.push_back(after.fetchers[i] - before.fetchers[i]);
    }
    round.evenness = evenness(before.fleet, after.fleet);
    round.queue_calls =
        static_cast<double>(queue_requests(after.fleet) - queue_requests(before.fleet)) /
        (60.0 * config_.trial_minutes);
    round.fetch_us = static_cast<double>(sum_of(used).count()) / points;
    round.sink_us = static_cast<double>((after.sinks - before.sinks).count()) / points;
    const auto store_busy = static_cast<double>((after.store.busy - before.store.busy).count());
    round.store_us = store_busy / points;
    round.commit_ms =
        store_busy / 1e3 / static_cast<double>(after.store.commits - before.store.commits);
    round.machine_busy =
        (after.machine.busy - before.machine.busy) / (after.machine.all - before.machine.all);
    round.cores = std::thread::hardware_concurrency();
    return round;
  }

  // In the order that lets nobody complain: who asks first, then what is asked.
  void remove() {
    for (auto* group : {&fetchers_, &sinks_}) {
      for (auto& child : *group) child.ask_to_stop();
      for (auto& child : *group) (void)child.wait(kStopTime);
      group->clear();
    }
    simulator_.reset();
    store_.reset();
    fleet_.reset();
    trial_.reset();
    if (!has_queues_) return;
    if (const auto removed = administer("remove"); !removed) {
      around_.log.warning("prove-scale", "queues are left behind",
                          {{"prefix", config_.sqs_prefix}, {"cause", removed.error().message}});
    }
  }

  Config config_;  // of this round
  const std::uint32_t workers_;
  const TrialSurroundings& around_;
  std::optional<ScratchDirectory> directory_;
  std::unique_ptr<TrialStore> trial_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Fleet> fleet_;
  bool has_queues_ = false;
  std::optional<ChildProcess> simulator_;
  std::vector<ChildProcess> sinks_;
  std::vector<ChildProcess> fetchers_;
};

}  // namespace

Result<ScaleRound> run_trial_round(const Config& config, std::uint32_t workers,
                                   const TrialSurroundings& surroundings) {
  return TrialRound(config, workers, surroundings).run();
}

}  // namespace ia
