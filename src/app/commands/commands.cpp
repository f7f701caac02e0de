#include "app/commands/commands.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <tuple>
#include <utility>

#include "app/commands/doctor.h"
#include "app/commands/export_csv.h"
#include "app/commands/health.h"
#include "app/commands/prove_scale.h"
#include "app/config/listen_check.h"
#include "app/process/console.h"
#include "app/process/scratch_directory.h"
#include "app/process/stop_signals.h"
#include "app/service/metrics_server.h"
#include "app/service/service.h"
#include "app/wiring/upstream_probe.h"
#include "app/wiring/wiring.h"
#include "base/time_text.h"
#include "pipeline/seeder.h"
#include "simulator/mockstagram_server.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{200};
constexpr std::chrono::seconds kPatience{25};
constexpr Stages kAllStages{.seed = true, .fetch = true, .sink = true, .check = true, .api = true};

void say_addresses(const Service& service, const std::string& upstream, const std::string& data) {
  const auto url = service.api_url();
  if (!upstream.empty()) say("network     " + upstream);
  if (!url.empty()) {
    say("page        " + url + "/");
    say("API         " + url + "/api/v1/summary   (all of it: " + url + "/openapi.json)");
    say("metrics     " + url + "/metrics");
  }
  say("data        " + data);
}

std::string place_of_data(const Config& config) {
  if (config.store == StoreKind::kEmbedded) return config.data_dir.string();
  return "PostgreSQL " + mask_passwords(config.postgres_url);
}

// Until a signal, until as many whole minutes were reported as asked for, or until it has to be
// started again.
void tick_until_stopped(Service& service, const Config& config) {
  while (!wait_for_stop_signal(kTick)) {
    service.tick();
    if (config.minutes > 0 && service.whole_minutes() >= config.minutes) break;
    if (service.restart_reason()) break;
    // A demo is for whoever looks on; what fetches for good goes on in silence.
    if (config.is_demo && is_standard_output_gone()) break;
  }
  leave_at_next_signal_or_after(kPatience);
}

// The address for metrics alone. The environment, which all stages have in common, may name for it
// what the API listens on, and the API serves the same.
std::optional<Address> metrics_address(const Config& config, Stages stages) {
  const auto& address = config.metrics_listen;
  const bool is_served = stages.api && address && clash(config.listen, *address);
  return is_served ? std::nullopt : address;
}

// None where the settings name no address for it.
Result<std::unique_ptr<HttpServer>> serve_metrics(const Config& config, Stages stages,
                                                  const Service& service, Metrics& metrics,
                                                  Log& log, const Clock& clock) {
  const auto address = metrics_address(config, stages);
  if (!address) return std::unique_ptr<HttpServer>{};
  return start_metrics_server(
      *address,
      {.trouble = [&service] { return service.trouble(); },
       .not_ready_reasons = [&service] { return service.not_ready_reasons(); }},
      metrics, log, clock);
}

// Before anything is stored or seeded, which may take long.
Status check_addresses(const Config& config, Stages stages) {
  if (stages.api) {
    if (auto free = can_listen("--listen", config.listen); !free) return free;
  }
  const auto metrics = metrics_address(config, stages);
  return metrics ? can_listen("--metrics-listen", *metrics) : Status{};
}

int serve(const Config& config, Stages stages, const std::string& upstream, Log& log) {
  const auto files = raise_file_limit(files_needed(config));
  if (files.finding != Finding::kOk) log.warning("main", files.seen, {{"advice", files.advice}});
  if (auto free = check_addresses(config, stages); !free) {
    return report_failure(free.error(), config, log);
  }
  const SystemClock clock;
  Metrics metrics;
  auto service = Service::start(config, stages, clock, metrics, log);
  if (!service) return report_failure(service.error(), config, log);
  const auto metrics_server = serve_metrics(config, stages, **service, metrics, log, clock);
  if (!metrics_server) return report_failure(metrics_server.error(), config, log);
  if (config.report) say_addresses(**service, upstream, place_of_data(config));
  tick_until_stopped(**service, config);
  const auto restart = (*service)->restart_reason();
  if (restart) {
    log.error("main", "has to be started again: ends with exit code 75", {{"cause", *restart}});
  }
  log.info("main", "stopping: finishing what is in flight");
  (*service)->stop();
  log.info("main", "stopped");
  return restart ? kExitRestart : 0;
}

SimulatorOptions simulator_options(const Config& config) {
  return {.listen = format_address(config.mockstagram_listen),
          .influencers = config.influencers,
          .seed = config.simulator_seed,
          .faults = config.faults,
          .answers_kept = config.simulator_answers_kept};
}

int demo(Config config, Log& log) {
  const SystemClock clock;
  auto simulator = MockstagramServer::start(simulator_options(config), clock, log);
  if (!simulator) return report_failure(simulator.error(), config, log);
  config.mockstagram_url = (*simulator)->url();
  config.is_demo = true;
  std::optional<ScratchDirectory> directory;
  if (config.data_dir.empty()) {
    for (const auto& gone : remove_orphaned_scratch_directories()) {
      log.info("main", "removed the data of a demo that was killed",
               {{"directory", gone.string()}});
    }
    auto made = ScratchDirectory::make();
    if (!made) return report_failure(made.error(), config, log);
    directory.emplace(std::move(*made));
    config.data_dir = directory->path();
  }
  const auto first = number_of(config.influencers.at(0));
  return serve(
      config, kAllStages,
      fmt::format("{}/api/v1/influencers/{}   (simulated, offline)", config.mockstagram_url, first),
      log);
}

int seed(const Config& config, Log& log) {
  const SystemClock clock;
  auto store = open_store(config, StoreAccess::kReadWrite, log);
  if (!store) return report_failure(store.error(), config, log);
  Metrics metrics;
  const auto queues = open_queues(config, clock, metrics, log);
  if (!queues) return report_failure(queues.error(), config, log);
  const bool is_terminal = isatty(STDERR_FILENO) != 0;
  const auto report = Seeder(**store, *queues->ids, clock)
                          .seed({.influencers = config.influencers,
                                 .schedule = config.schedule,
                                 .shard_size = shard_size_of(config)},
                                [&](std::uint32_t sent, std::uint32_t shards) {
                                  if (!is_terminal) return;
                                  fmt::print(stderr, "\rshards sent: {} of {}", sent, shards);
                                  if (sent == shards) fmt::print(stderr, "\n");
                                });
  if (!report) return report_failure(report.error(), config, log);
  say(fmt::format("seeded {} influencers in {} shards (epoch {})", report->influencers,
                  report->shards, report->epoch));
  return 0;
}

int simulate(const Config& config, Log& log) {
  const SystemClock clock;
  auto simulator = MockstagramServer::start(simulator_options(config), clock, log);
  if (!simulator) return report_failure(simulator.error(), config, log);
  say(fmt::format("network     {}/api/v1/influencers/{}", (*simulator)->url(),
                  number_of(config.influencers.at(0))));
  while (!wait_for_stop_signal(kTick)) {
  }
  (*simulator)->stop();
  return 0;
}

// A line for people, or a record of a JSON log.
void tell_damage(InfluencerId influencer, MinuteRange range, const Config& config, Log& log) {
  if (config.log_format != LogFormat::kJson) {
    return remark(damage_line(influencer, range), config, log);
  }
  log.warning("export", "stored values are damaged: some may be missing",
              {{"influencer", number_of(influencer)},
               {"start", timestamp_text(range.begin)},
               {"end", timestamp_text(range.end)}});
}

int export_series(const Config& config, Log& log) {
  const SystemClock clock;
  auto store = open_store(config, StoreAccess::kReadOnly, log);
  if (!store) return report_failure(store.error(), config, log);
  const auto range = export_range(config, clock.wall());
  if (!range) return report_failure(range.error(), config, log);
  const auto influencers = export_influencers(config);
  Result<std::uint64_t> written;
  std::vector<MinuteStats> open;
  std::uint64_t damaged = 0;
  if (config.what == ExportKind::kPoints) {
    auto found = open_minutes(**store, *range);
    if (!found) return report_failure(found.error(), config, log);
    open = std::move(*found);
    const std::span<const MinuteStats> without(open);
    written = export_csv(**store, influencers, *range, config.output,
                         config.partial ? without.first(0) : without,
                         [&](InfluencerId influencer, std::span<const MinuteRange> ranges) {
                           ++damaged;
                           for (const auto& lost : ranges) {
                             tell_damage(influencer, lost, config, log);
                           }
                         });
  } else {
    const auto verdicts = open_verdict_store(config, StoreAccess::kReadOnly);
    if (!verdicts) return report_failure(verdicts.error(), config, log);
    written = export_verdicts_csv(**verdicts, influencers, config.output);
  }
  if (!written) return report_failure(written.error(), config, log);
  for (const auto& line : open_lines(open, config.partial)) remark(line, config, log);
  remark(fmt::format("{} rows", *written), config, log);
  const auto size = (*store)->size();
  if (damaged == 0 && size && size->damaged > 0) {
    return report_failure(
        {Errc::kCorrupt, "some stored values are damaged and missing: see the log above"}, config,
        log);
  }
  if (damaged == 0) return 0;
  return report_failure(
      {Errc::kCorrupt,
       fmt::format("stored values of {} influencers are damaged and left out, as said above; all "
                   "others are exported: run `influencer-analytics verify`, and restore a backup "
                   "for the rest",
                   damaged)},
      config, log);
}

// Messages that are purged are gone, values that no sink has stored yet among them.
Status confirm_purge(bool is_confirmed) {
  constexpr auto kQuestion =
      "This deletes every message of both queues, with the values that are not stored yet.";
  if (is_confirmed || is_confirmed_by_user(kQuestion)) return {};
  if (has_terminal()) return fail(Errc::kCancelled, "nothing was purged");
  return fail(Errc::kInvalid,
              "queues purge deletes every message of both queues, with the values that are not "
              "stored yet: add --yes to do it");
}

int queues(const Invocation& invocation, Log& log) {
  const auto& [action, config] = std::tie(invocation.action, invocation.config);
  const auto may = action == "purge" ? confirm_purge(invocation.is_confirmed) : Status{};
  if (!may) return report_failure(may.error(), config, log);
  const SystemClock clock;
  Metrics metrics;
  const auto done = administer_queues(action, config, clock, metrics, log);
  if (!done) return report_failure(done.error(), config, log);
  say_text(*done);
  return 0;
}

int migrate(const Config& config, Log& log) {
  const auto done = migrate_store(config);
  if (!done) return report_failure(done.error(), config, log);
  say_text(*done);
  return 0;
}

// What is watched and stored already, where a store of this directory says it.
std::optional<StoredPlan> stored_plan(const Config& config, Log& log) {
  const auto store = open_store(config, StoreAccess::kReadOnly, log);
  if (!store) return std::nullopt;
  const auto registry = (*store)->registry();
  const auto size = (*store)->size();
  if (!registry || !size) return std::nullopt;
  return StoredPlan{.influencers = registry->influencers.size(),
                    .interval = registry->schedule.interval,
                    .bytes = size->bytes};
}

int doctor(const Config& config, Log& log) {
  const SystemClock clock;
  const DoctorCalls calls{.probe_upstream = [&] { return probe_upstream(config, clock, log); },
                          .check_stored_version = [&](const std::filesystem::path& dir) -> Status {
                            auto looked_at = config;
                            looked_at.data_dir = dir;
                            looked_at.store = StoreKind::kEmbedded;
                            const auto store = open_store(looked_at, StoreAccess::kReadOnly, log);
                            return store ? Status{} : std::unexpected(store.error());
                          },
                          .unlisted_files = unlisted_store_files,
                          .known_damage = known_store_damage,
                          .check_queues = [&]() -> Result<std::string> {
                            Metrics metrics;
                            return administer_queues("show", config, clock, metrics, log);
                          },
                          .check_store_server = [&] { return describe_store_server(config); },
                          .stored_plan = [&] { return stored_plan(config, log); }};
  const auto checks = examine(config, clock, calls);
  say_text(report_of(checks));
  return exit_code_of(checks);
}

int backup(const Config& config, Log& log) {
  const auto done = back_up_data(config);
  if (!done) return report_failure(done.error(), config, log);
  say(*done);
  return 0;
}

int restore(const std::filesystem::path& from, const Config& config, Log& log) {
  const auto done = restore_data(from, config);
  if (!done) return report_failure(done.error(), config, log);
  say(*done);
  return 0;
}

int verify(const Invocation& invocation, Log& log) {
  const auto& named = invocation.action;
  const auto& config = invocation.config;
  const std::filesystem::path data = named.empty() ? config.data_dir.string() : named;
  const auto done = verify_stored_data(data, invocation.repair);
  if (!done) return report_failure(done.error(), config, log);
  say_text(done->text);
  return done->is_whole ? 0 : kExitFailure;
}

int health(const Config& config, Log& log) {
  const auto said = ask_health(config.health_url);
  if (!said) return report_failure(said.error(), config, log);
  say_text(*said);
  return 0;
}

bool serves(Command command) {
  constexpr auto kServing = Command::kDemo | Command::kRun | Command::kFetch | Command::kSink |
                            Command::kCheck | Command::kApi | Command::kMockstagram |
                            Command::kProveScale;
  return (kServing & bit(command)) != 0;
}

// What a command writes for its user has the user's mode; all that is stored is private.
void prepare_process(Command command) {
  const bool writes_for_user = command == Command::kExport || command == Command::kProveScale;
  if (!writes_for_user) umask(S_IRWXG | S_IRWXO);
  if (serves(command)) {
    block_stop_signals();
  } else {
    discard_unfinished_at_stop_signal();
  }
}

}  // namespace

int run_command(const Invocation& invocation) {
  prepare_process(invocation.command);
  const auto& config = invocation.config;
  Log log(config.log_level, config.log_format);
  for (const auto& warning : invocation.warnings) log.warning("config", warning);
  switch (invocation.command) {
    case Command::kDemo:
      return demo(config, log);
    case Command::kRun:
      return serve(config, kAllStages, config.mockstagram_url, log);
    case Command::kSeed:
      return seed(config, log);
    case Command::kFetch:
      return serve(config, {.fetch = true}, config.mockstagram_url, log);
    case Command::kSink:
      return serve(config, {.sink = true}, "", log);
    case Command::kCheck:
      return serve(config, {.check = true}, config.mockstagram_url, log);
    case Command::kApi:
      return serve(config, {.api = true}, "", log);
    case Command::kMockstagram:
      return simulate(config, log);
    case Command::kExport:
      return export_series(config, log);
    case Command::kDoctor:
      return doctor(config, log);
    case Command::kBackup:
      return backup(config, log);
    case Command::kVerify:
      return verify(invocation, log);
    case Command::kRestore:
      return restore(invocation.action, config, log);
    case Command::kHealth:
      return health(config, log);
    case Command::kQueues:
      return queues(invocation, log);
    case Command::kMigrate:
      return migrate(config, log);
    case Command::kProveScale:
      return prove_scale(config, SystemClock(), log);
    case Command::kCheckConfig:
    case Command::kVersion:
      break;  // answered by the command line itself
  }
  return 0;
}

}  // namespace ia
