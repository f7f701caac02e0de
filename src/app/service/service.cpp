#include "app/service/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

#include "app/config/cli.h"
#include "app/process/console.h"
#include "app/process/lock_file.h"
#include "app/service/alert_lane.h"
#include "app/service/api_port.h"
#include "app/service/housekeeping.h"
#include "app/service/minute_report.h"
#include "app/service/pace.h"
#include "app/service/presence.h"
#include "app/service/queue_gauges.h"
#include "app/service/restart_watch.h"
#include "app/service/store_gauges.h"
#include "app/wiring/wiring.h"
#include "base/backoff.h"
#include "base/stage_thread.h"
#include "base/trusted_clock.h"
#include "pipeline/checker.h"
#include "pipeline/fetcher.h"
#include "pipeline/leaderboard_feed.h"
#include "pipeline/movers_feed.h"
#include "pipeline/seed_schedule.h"
#include "pipeline/seeder.h"
#include "pipeline/sink.h"
#include "pipeline/verdict_feed.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Batches that come within this are stored in one transaction.
constexpr milliseconds kSinkRest{100};
constexpr milliseconds kCheckerWait{50};
constexpr double kUnlimitedRate = 1e6;
constexpr milliseconds kDrainGrace{5'000};
constexpr seconds kEpochEvery{1}, kDiskEvery{1};
constexpr milliseconds kStepMax{120'000};
// A provider's 0 is no limit.
constexpr double kLeastRate = 1e-3;
// Below it nothing can be stored, whatever --min-free-bytes says.
constexpr std::uint64_t kLeastFreeBytes = std::uint64_t{4} << 20;
// Reads are served, but the data is old: readiness says so.
constexpr seconds kLagMax{180};

}  // namespace

struct Service::State {
  State(const Config& config_in, Stages stages_in, const Clock& machine_in, Metrics& metrics_in,
        Log& log_in)
      : config(config_in),
        stages(stages_in),
        clock(machine_in, metrics_in, log_in),
        metrics(metrics_in),
        log(log_in),
        housekeeping_state(log_in, "housekeeping"),
        started_at(clock.wall()) {}

  const Config config;
  const Pace pace = config.queue == QueueKind::kSqs ? kSqsPace : kEmbeddedPace;
  const Stages stages;
  TrustedClock clock;  // of all stages
  Metrics& metrics;
  Log& log;
  StateLog housekeeping_state;
  const WallTime started_at;
  const std::string process = name_of_process();

  // In the order of making; destroyed in reverse.
  std::vector<LockFile> locks;
  std::unique_ptr<Store> store;
  std::unique_ptr<VerdictStore> verdict_store;
  std::unique_ptr<Judge> judge;
  Queues queues;
  std::unique_ptr<Fleet> fleet;  // none with the embedded store
  std::unique_ptr<Provider> provider;
  std::unique_ptr<Fetcher> fetcher;
  std::unique_ptr<Sink> sink;
  std::unique_ptr<LeaderboardFeed> feed;
  std::unique_ptr<VerdictFeed> verdict_feed;
  std::unique_ptr<Checker> checker;
  std::unique_ptr<MoversFeed> movers;
  std::unique_ptr<AlertLane> alerts;
  std::unique_ptr<ApiPort> port;
  std::unique_ptr<MinuteReport> report;
  std::unique_ptr<Presence> presence;
  std::unique_ptr<SeedSchedule> seed_schedule;  // none where it is another process's affair
  std::unique_ptr<StageThread> seeder_thread, fetcher_thread, sink_thread, housekeeping_thread;
  std::unique_ptr<StageThread> leaderboard_thread, checker_thread, movers_thread;

  std::atomic<std::uint64_t> epoch = 0;
  std::atomic<std::uint64_t> registered = 0;
  std::atomic<std::uint32_t> shard_size = 0;
  std::atomic<std::chrono::minutes> interval{};
  std::atomic<double> share = 0;  // requests/s of --max-rate-total
  double rate_set = -1;
  mutable std::mutex pause_mutex;
  std::optional<std::string> pause_reason;
  MonoTime epoch_read_at{};
  Backoff epoch_backoff{clock};
  MonoTime disk_read_at{};
  std::atomic<bool> stopped = false;
  RestartWatch restart_watch;

  Status lock_stages();
  Status open_parts();
  Status seed_if_needed();
  SeedOrder seed_order() const;
  Status seed();
  Result<Registry> fresh_registry();
  Status read_registry();
  FetcherGuards fetcher_guards();
  // The influencers are to be checked by this process.
  bool checks() const { return stages.check && config.check_interval > milliseconds{0}; }
  Status start_feeds();
  void start_checker();
  Status start_api();
  void start_seeder();
  void start_threads();
  std::string stage_names() const;
  ProcessReport report_of_process() const;
  void join_fleet();
  void take_share();
  void set_rate();
  void check_disk();
  std::optional<FetchPause> pause() const;
  void hear_network();
  std::vector<std::string> not_ready_reasons() const;
  PipelineSummary pipeline_summary() const;
  std::optional<std::vector<FleetEntry>> workers() const;
  std::optional<QueueCost> queue_cost(std::span<const FleetEntry> workers) const;
  void add_gauges();
};

Status Service::State::lock_stages() {
  if (auto there = stages.seed ? Status{} : find_seeded_data(config); !there) return there;
  if (auto made = make_data_directory(config.data_dir); !made) return made;
  // Of what works on a server, any number may run side by side.
  const bool own_queue = config.queue == QueueKind::kEmbedded;
  const bool own_store = config.store == StoreKind::kEmbedded;
  const std::pair<bool, const char*> wanted[] = {{stages.fetch && own_queue, "fetch"},
                                                 {stages.sink && own_store, "sink"},
                                                 {checks() && own_store, "check"},
                                                 {stages.api && own_store, "api"},
                                                 {stages.seed && own_store, "seed"}};
  for (const auto& [runs, name] : wanted) {
    if (!runs) continue;
    auto lock = LockFile::acquire(config.data_dir, name);
    if (!lock) return std::unexpected(lock.error());
    locks.push_back(std::move(*lock));
  }
  return {};
}

Status Service::State::open_parts() {
  auto opened_store = open_store(config, StoreAccess::kReadWrite, log);
  if (!opened_store) return std::unexpected(opened_store.error());
  store = std::move(*opened_store);
  fleet = open_fleet(config);
  const bool needs_queues = stages.seed || stages.fetch || stages.sink || stages.api;
  if (!needs_queues) return {};
  auto opened_queues = open_queues(config, clock, metrics, log);
  if (!opened_queues) return std::unexpected(opened_queues.error());
  queues = std::move(*opened_queues);
  return {};
}

// Any thread.
Result<Registry> Service::State::fresh_registry() {
  auto registry = store->registry();
  if (!registry) return registry;
  shard_size = registry->shard_size;
  interval = registry->schedule.interval;
  epoch = registry->epoch;
  return registry;
}

FetcherGuards Service::State::fetcher_guards() {
  FetcherGuards guards{.epoch = [this] { return epoch.load(); },
                       .pause = [this] { return pause(); },
                       .stored_epoch = [this]() -> Result<std::uint64_t> {
                         const auto registry = fresh_registry();
                         if (!registry) return std::unexpected(registry.error());
                         return registry->epoch;
                       },
                       .shard_size_max = [this] { return std::size_t{shard_size.load()}; },
                       .hear_network = [this] { hear_network(); },
                       .knows_minute = [this] { return clock.knows_minute(); }};
  if (config.queue == QueueKind::kSqs) guards.give_back_max = [this] { return interval.load(); };
  return guards;
}

Status Service::State::read_registry() {
  const auto registry = fresh_registry();
  if (!registry) return std::unexpected(registry.error());
  const auto before = registered.exchange(registry->influencers.size());
  if (registered == before) return {};
  set_rate();
  if (queues.note_watched) queues.note_watched(registered, registry->schedule.interval);
  return {};
}

Status Service::State::seed_if_needed() {
  if (!stages.seed) return {};
  const auto needed = Seeder(*store, *queues.ids, clock).needs_seeding(seed_order());
  if (!needed) return std::unexpected(needed.error());
  return *needed ? seed() : Status{};
}

SeedOrder Service::State::seed_order() const {
  return {.influencers = config.influencers,
          .schedule = config.schedule,
          .shard_size = shard_size_of(config)};
}

Status Service::State::seed() {
  const auto report_of = Seeder(*store, *queues.ids, clock).seed(seed_order());
  if (!report_of) return std::unexpected(report_of.error());
  log.info("seeder", "seeded",
           {{"epoch", report_of->epoch},
            {"influencers", report_of->influencers},
            {"shards", report_of->shards}});
  return {};
}

// The leaderboard and the verdicts, which both the API and the checker need.
Status Service::State::start_feeds() {
  if (port) port->say("reading the newest values of all influencers");
  feed = std::make_unique<LeaderboardFeed>(*store, clock, metrics, log, config.signals);
  if (const auto loaded = feed->load(); !loaded) return loaded;
  auto opened = open_verdict_store(config, StoreAccess::kReadWrite);
  if (!opened) return std::unexpected(opened.error());
  verdict_store = std::move(*opened);
  if (stages.api) verdict_feed = std::make_unique<VerdictFeed>(*verdict_store, clock, log);
  if (verdict_feed) return verdict_feed->step();
  return {};
}

void Service::State::start_checker() {
  judge = make_judge(config, clock);
  checker = std::make_unique<Checker>(
      CheckerOptions{.interval = config.check_interval,
                     .rate = config.check_rate == 0 ? kUnlimitedRate : config.check_rate,
                     .in_flight_max = config.check_connections},
      [this] { return feed->snapshot(); }, [this] { return feed->jumps(); }, *verdict_store, *judge,
      clock, metrics, log);
}

Status Service::State::start_api() {
  movers = std::make_unique<MoversFeed>(
      MoversOptions{.percent_base_min = config.movers_base_min}, *store,
      [this] { return feed->snapshot(); }, clock, metrics, log);
  auto opened = AlertLane::open(config,
                                {.board = [this] { return feed->snapshot(); },
                                 .board_looks = [this] { return feed->looks(); },
                                 .verdicts = verdict_feed->book(),
                                 .history = *store},
                                clock, metrics, log);
  if (!opened) return std::unexpected(opened.error());
  alerts = std::move(*opened);
  ApiContext context{.store = *store,
                     .leaderboard = [this] { return feed->snapshot(); },
                     .movers = [this] { return movers->snapshot(); },
                     .not_ready_reasons = [this] { return not_ready_reasons(); },
                     .pipeline = [this] { return pipeline_summary(); },
                     .metrics = metrics,
                     .log = log,
                     .clock = clock,
                     .version = version_number(),
                     .verdicts = &verdict_feed->book(),
                     .signals = config.signals,
                     .jumps = [this] { return feed->jumps(); },
                     .alerts = alerts->context(),
                     .writes = write_access(config),
                     .reads_may_wait = config.store != StoreKind::kEmbedded ||
                                       config.queue != QueueKind::kEmbedded};
  port->serve(std::move(context));
  alerts->start();
  movers_thread = std::make_unique<StageThread>(
      "movers", [this] { return movers->step(); }, StageThread::Priority::kLow);
  return {};
}

// Fetchers seed what the registry says where no process knows better.
void Service::State::start_seeder() {
  if (!stages.seed && !stages.fetch && !stages.api) return;
  SeedScheduleOptions options{.seeds = stages.seed || stages.fetch, .every = config.reseed};
  if (stages.seed) options.order = seed_order();
  seed_schedule =
      std::make_unique<SeedSchedule>(std::move(options), *store, *queues.ids, clock, log);
  seeder_thread = std::make_unique<StageThread>("seeder", [this] { return seed_schedule->step(); });
}

void Service::State::start_threads() {
  if (stages.sink) {
    sink_thread = std::make_unique<StageThread>("sink", [this] {
      const auto stored = sink->step(pace.sink_wait);
      return std::max(stored > 0 ? kSinkRest : milliseconds{0}, sink->rest());
    });
    housekeeping_thread = std::make_unique<StageThread>(
        "housekeeping", [this] { return keep_house(*store, clock, housekeeping_state); });
  }
  if (feed) {
    leaderboard_thread = std::make_unique<StageThread>("leaderboard", [this] {
      const auto began = clock.mono();
      const auto may_step = [](const auto& one) { return one && one->rest() == milliseconds{0}; };
      if (may_step(feed)) (void)feed->step();  // said once by the feed; the old snapshot stays
      if (may_step(verdict_feed)) (void)verdict_feed->step();
      const auto took = std::chrono::ceil<milliseconds>(clock.mono() - began);
      return std::clamp(took * kFollowRestFactor, kFollowEvery, kFollowRestMax);
    });
  }
  if (checker) {
    checker_thread = std::make_unique<StageThread>("checker", [this] {
      checker->step(kCheckerWait);
      return milliseconds{0};
    });
  }
  if (stages.fetch) {
    fetcher_thread = std::make_unique<StageThread>("fetcher", [this] {
      fetcher->step(pace.fetcher_wait);
      return pace.fetcher_rest;
    });
  }
}

// In a demo the network is this process, whose clock is the machine's.
void Service::State::hear_network() {
  if (!provider || config.is_demo) return;
  const auto heard = provider->health().network_time;
  if (heard) clock.note({.said = heard->said, .read_at = heard->read_at});
}

std::string Service::State::stage_names() const {
  std::string names;
  for (const auto& [runs, name] : {std::pair{stages.seed, "seed"}, std::pair{stages.fetch, "fetch"},
                                   std::pair{stages.sink, "sink"}, std::pair{checks(), "check"},
                                   std::pair{stages.api, "api"}}) {
    if (runs) names += (names.empty() ? "" : " ") + std::string(name);
  }
  return names;
}

ProcessReport Service::State::report_of_process() const {
  ProcessReport told{.stage = stage_names(), .upstream_limit = config.max_rate_total};
  if (!stages.fetch) told.upstream_limit = 0;
  if (provider) told.upstream_requests = provider->health().requests_total;
  if (queues.bill) {
    const auto bill = queues.bill();
    told.queue_requests = bill.requests;
    told.queue_billed_per_day = bill.billed_per_day;
  }
  return told;
}

void Service::State::join_fleet() {
  share = config.max_rate_total;  // with the embedded store there is nobody else
  if (!fleet) return;
  presence = std::make_unique<Presence>(process, *fleet, clock, log,
                                        [this] { return report_of_process(); });
  take_share();
}

void Service::State::take_share() {
  presence->step();
  share = presence->share();
  set_rate();
}

void Service::State::set_rate() {
  if (!provider) return;
  auto rate = rate_limit(config, registered);
  if (config.max_rate_total > 0) {
    const auto most = std::max(share.load(), kLeastRate);
    rate = rate == 0 ? most : std::min(rate, most);
  }
  if (rate == rate_set) return;  // a new rate begins with an empty bucket
  provider->set_rate(rate);
  rate_set = rate;
}

void Service::State::check_disk() {
  std::error_code error;
  const auto space = std::filesystem::space(config.data_dir, error);
  std::optional<std::string> reason;
  if (!error && space.available < std::max(config.min_free_bytes, kLeastFreeBytes)) {
    reason = fmt::format("{} has {} free, less than {}: free some space, or lower --min-free-bytes",
                         config.data_dir.string(), format_size(space.available),
                         format_size(std::max(config.min_free_bytes, kLeastFreeBytes)));
  }
  const std::scoped_lock lock(pause_mutex);
  pause_reason = std::move(reason);
}

std::optional<FetchPause> Service::State::pause() const {
  if (stages.fetch && config.max_rate_total > 0 && share == 0) {
    return FetchPause{"the other fetchers have all of --max-rate-total; some comes in seconds"};
  }
  const std::scoped_lock lock(pause_mutex);
  if (!pause_reason) return std::nullopt;
  return FetchPause{*pause_reason, MissReason::kDiskFull};
}

std::vector<std::string> Service::State::not_ready_reasons() const {
  std::vector<std::string> reasons;
  if (stopped) reasons.push_back("stopping");
  if (const auto why = restart_watch.reason()) reasons.push_back("restart needed: " + *why);
  if (const auto paused = pause()) reasons.push_back("fetching pauses: " + paused->cause);
  if (fetcher && fetcher->is_sending_failing()) {
    reasons.push_back("the points queue takes no batches: the log has the cause");
  }
  if (sink && sink->is_storing_failing()) {
    reasons.push_back("the store takes no batches, which wait in the queue: the log has the cause");
  }
  const auto trouble = seed_schedule ? seed_schedule->trouble() : std::nullopt;
  if (trouble) reasons.push_back(*trouble);
  if (auto doubt = clock.doubt()) reasons.push_back(std::move(*doubt));
  if (!stages.api) return reasons;  // how old the data is tells nothing of this process
  const auto now = clock.wall();
  const auto newest = feed->snapshot()->newest_retrieved_at();
  const auto watched_since = std::max(newest, started_at);
  const auto allowed = std::max<milliseconds>(kLagMax, 3 * config.schedule.interval);
  if (now - watched_since > allowed) {
    reasons.push_back(fmt::format("the newest value is {} s old",
                                  std::chrono::floor<seconds>(now - watched_since).count()));
  }
  return reasons;
}

PipelineSummary Service::State::pipeline_summary() const {
  PipelineSummary summary;
  summary.registered = registered;
  if (provider) summary.failure_examples = provider->failure_examples();
  if (const auto depth = queues.ids->depth()) summary.id_queue = *depth;
  if (const auto depth = queues.points->depth()) summary.point_queue = *depth;
  summary.workers = workers();
  if (summary.workers) {
    const std::span<const FleetEntry> all(*summary.workers);
    summary.queue_cost = queue_cost(fleet ? all : all.first(1));
  }
  return summary;
}

// With the embedded store this process, and those of the other stages on its data directory.
std::optional<std::vector<FleetEntry>> Service::State::workers() const {
  if (!fleet) {
    auto all = neighbours(config.data_dir, stage_names(), clock.wall());
    all.insert(all.begin(), FleetEntry{process, report_of_process(), share, clock.wall()});
    return all;
  }
  auto entries = fleet->read();
  return entries ? std::optional(std::move(*entries)) : std::nullopt;
}

std::optional<QueueCost> Service::State::queue_cost(std::span<const FleetEntry> workers) const {
  if (!queues.bill) return std::nullopt;
  const auto own = queues.bill();
  QueueCost cost{.processes = workers.size(),
                 .message_each_usd_per_day = own.message_each_usd_per_day};
  for (const auto& worker : workers) cost.requests_per_day += worker.report.queue_billed_per_day;
  cost.usd_per_day = cost.requests_per_day * own.usd_per_request;
  return cost;
}

void Service::State::add_gauges() {
  if (queues.ids) add_queue_gauges(metrics, kIdQueueName, *queues.ids);
  if (queues.points) add_queue_gauges(metrics, kPointQueueName, *queues.points);
  add_store_gauges(metrics, *store, job_health_of(config));
  auto influencers = metrics.gauge("ia_influencers_registered", "Influencers that are watched.");
  metrics.before_exposition(
      [=, this]() mutable { influencers.set(static_cast<double>(registered.load())); });
  metrics.gauge("ia_build_info", "Always 1.", {{"version", version_number()}}).set(1);
}

Result<std::unique_ptr<Service>> Service::start(const Config& config, Stages stages,
                                                const Clock& clock, Metrics& metrics, Log& log) {
  auto state = std::make_unique<State>(config, stages, clock, metrics, log);
  auto& s = *state;
  if (const auto locked = s.lock_stages(); !locked) return std::unexpected(locked.error());
  if (stages.api) {
    auto opened = ApiPort::open(config, metrics, log, s.clock);
    if (!opened) return std::unexpected(opened.error());
    s.port = std::move(*opened);
  }
  if (const auto opened = s.open_parts(); !opened) return std::unexpected(opened.error());
  if (const auto seeded = s.seed_if_needed(); !seeded) return std::unexpected(seeded.error());
  if (const auto read = s.read_registry(); !read) return std::unexpected(read.error());
  s.check_disk();
  s.add_gauges();
  s.start_seeder();
  if (stages.fetch) {
    auto provider = make_provider(config, s.registered, s.clock, metrics, log);
    if (!provider) return std::unexpected(provider.error());
    s.provider = std::move(*provider);
    s.fetcher = std::make_unique<Fetcher>(
        FetcherOptions{.visibility = config.visibility,
                       .gather = s.pace.fetcher_gather,
                       .full_call = s.pace.fetcher_full_call,
                       .take_apart = s.pace.fetcher_take_apart},
        s.fetcher_guards(), *s.queues.ids, *s.queues.points, *s.provider, s.clock, metrics, log);
  }
  s.join_fleet();
  s.set_rate();
  if (stages.sink) {
    SinkOptions sink_options;
    sink_options.pause = [&s] { return s.stages.fetch ? s.pause() : std::nullopt; };
    s.sink = std::make_unique<Sink>(std::move(sink_options), *s.queues.points, *s.store, s.clock,
                                    metrics, log);
    if (config.report) {
      s.report = std::make_unique<MinuteReport>(*s.store, s.clock,
                                                [](const std::string& line) { say(line); });
    }
  }
  if (stages.api || s.checks()) {
    if (const auto started = s.start_feeds(); !started) return std::unexpected(started.error());
  }
  if (s.checks()) s.start_checker();
  if (stages.api) {
    if (const auto started = s.start_api(); !started) return std::unexpected(started.error());
  }
  s.start_threads();
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}

Service::~Service() { stop(); }

void Service::tick() {
  auto& s = *state_;
  s.hear_network();
  const auto now = s.clock.mono();
  if (now - s.epoch_read_at >= kEpochEvery && s.epoch_backoff.may_call()) {
    s.epoch_read_at = now;
    s.epoch_backoff.note(s.read_registry().has_value());  // the known epoch stays good
  }
  if (now - s.disk_read_at >= kDiskEvery) {
    s.disk_read_at = now;
    s.check_disk();
  }
  if (s.presence) s.take_share();
  if (s.report) s.report->step();
}

void Service::stop() {
  auto& s = *state_;
  if (s.stopped.exchange(true)) return;
  if (s.seeder_thread) s.seeder_thread->stop();
  if (s.fetcher_thread) s.fetcher_thread->stop();
  if (s.fetcher) s.fetcher->drain(kDrainGrace);
  if (s.presence) s.presence->leave();
  if (s.sink_thread) s.sink_thread->stop();
  if (s.sink) s.sink->drain();
  if (s.housekeeping_thread) s.housekeeping_thread->stop();
  if (s.checker_thread) s.checker_thread->stop();
  if (s.checker) s.checker->drain();
  if (s.port) s.port->stop();
  if (s.alerts) s.alerts->stop();
  if (s.movers) s.movers->abandon();
  if (s.movers_thread) s.movers_thread->stop();
  if (s.leaderboard_thread) s.leaderboard_thread->stop();
}

std::optional<std::string> Service::restart_reason() const {
  return state_->restart_watch.reason();
}

std::string Service::api_url() const {
  return state_->port ? state_->port->url() : "";
}

std::string Service::trouble() const {
  const auto& s = *state_;
  const auto step_max = std::max<milliseconds>(kStepMax, 3 * s.config.postgres_timeout);
  std::string text;
  for (const auto* thread : {&s.fetcher_thread, &s.sink_thread, &s.checker_thread}) {
    if (*thread) text += (*thread)->standstill(step_max);
  }
  return text;
}

std::vector<std::string> Service::not_ready_reasons() const { return state_->not_ready_reasons(); }

std::uint64_t Service::whole_minutes() const {
  return state_->report ? state_->report->whole_minutes() : 0;
}

}  // namespace ia
