#include "app/wiring/wiring.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <map>
#include <random>

#include "adapters/mockstagram/judge.h"
#include "adapters/mockstagram/provider.h"
#include "adapters/postgres/alert_store.h"
#include "adapters/postgres/fleet.h"
#include "adapters/postgres/jobs.h"
#include "adapters/postgres/migrate.h"
#include "adapters/postgres/store.h"
#include "adapters/postgres/trial_database.h"
#include "adapters/postgres/verdict_store.h"
#include "adapters/sqlite/alert_store.h"
#include "adapters/sqlite/queue.h"
#include "adapters/sqlite/verdict_store.h"
#include "adapters/sqs/admin.h"
#include "adapters/sqs/client.h"
#include "adapters/sqs/credentials.h"
#include "adapters/sqs/queue.h"
#include "adapters/webhook/sender.h"
#include "adapters/webhook/target.h"
#include "app/commands/doctor.h"
#include "app/config/cli.h"
#include "app/process/lock_file.h"
#include "storage/backup.h"
#include "storage/embedded_store.h"

namespace ia {
namespace {

std::string user_agent_of(const Config& config) {
  if (!config.user_agent.empty()) return config.user_agent;
  return "influencer-analytics/" + version_number();
}

// A demo's network is this process.
Proxies network_proxies(const Config& config) {
  return config.is_demo ? Proxies() : Proxies::of_process();
}

// The one that the provider's probe asks for.
InfluencerId probed_influencer(const Config& config) {
  return config.influencers.empty() ? InfluencerId{1'000'000} : config.influencers.at(0);
}

HttpLaneOptions lane_options(const Config& config, std::size_t influencers) {
  return {.url = config.mockstagram_url,
          .ca_file = config.ca_file.string(),
          .user_agent = user_agent_of(config),
          .max_connections = config.max_connections,
          .pipelining = config.pipelining,
          .rate_per_second = rate_limit(config, influencers),
          .tick = config.tick,
          .connect_timeout = config.connect_timeout,
          .request_timeout = config.request_timeout,
          .seed = std::random_device{}(),
          .probe_influencer = probed_influencer(config)};
}

// Depths are asked for by every scrape and page, and each costs two requests.
constexpr std::chrono::seconds kSqsDepthAgeMax{10};
constexpr std::chrono::days kSqsRetention{10};
constexpr std::size_t kLettersShown = 1'000;

// What both queues at SQS are reached by.
struct SqsConnection {
  std::unique_ptr<SqsCredentialSource> credentials;
  std::unique_ptr<SqsClient> client;
};

Result<std::shared_ptr<SqsConnection>> connect_to_sqs(const Config& config, const Clock& clock,
                                                      Metrics& metrics, Log& log) {
  const auto here = SqsSurroundings::of_process();
  auto connection = std::make_shared<SqsConnection>();
  connection->credentials = make_sqs_credentials(here, clock, log);
  auto client = SqsClient::make(
      {.endpoint = config.sqs_endpoint.empty() ? sqs_endpoint(here) : config.sqs_endpoint,
       .region = config.sqs_region.empty() ? sqs_region(here) : config.sqs_region,
       .ca_file = config.ca_file.string(),
       .user_agent = user_agent_of(config),
       .proxies = here.proxies},
      *connection->credentials, clock, metrics);
  if (!client) return std::unexpected(client.error());
  connection->client = std::move(*client);
  return connection;
}

struct QueuePlan {
  const char* name;
  std::uint32_t receives_max;
  bool tolerates_policy;
  const char* over_limit_advice;
};

// A shard's message is received every minute for ever: a limit would bury it.
std::array<QueuePlan, 2> queue_plans(const Config& config) {
  return {{{kIdQueueName, 0, false, "make fewer and larger shards with --shard-size"},
           {kPointQueueName, config.queue_receives_max, true, "start more sinks"}}};
}

Result<std::unique_ptr<Queue>> open_queue(const QueuePlan& plan, const Config& config,
                                          const Clock& clock, Log& log) {
  auto queue = SqliteQueue::open(
      {.directory = config.data_dir, .name = plan.name, .receives_max = plan.receives_max}, clock,
      log);
  if (!queue) return std::unexpected(queue.error());
  return std::unique_ptr<Queue>(std::move(*queue));
}

Result<std::unique_ptr<Queue>> open_queue(const QueuePlan& plan, const Config& config,
                                          SqsClient& client, const Clock& clock, Log& log) {
  auto queue = SqsQueue::open({.name = plan.name,
                               .prefix = config.sqs_prefix,
                               .receives_max = plan.receives_max,
                               .tolerates_policy = plan.tolerates_policy,
                               .over_limit_advice = plan.over_limit_advice,
                               .depth_age_max = kSqsDepthAgeMax},
                              client, clock, log);
  if (!queue) return std::unexpected(queue.error());
  return std::unique_ptr<Queue>(std::move(*queue));
}

std::string text_of(const SqsQueueInfo& info) {
  if (!info.exists) return fmt::format("{:<32} does not exist\n", info.name);
  return fmt::format(
      "{:<32} {} visible, {} in flight, {} delayed; {} days kept{}\n", info.name, info.visible,
      info.in_flight, info.delayed, std::chrono::floor<std::chrono::days>(info.retention).count(),
      info.receives_max == 0 ? std::string()
                             : fmt::format("; dead letters after {} receives", info.receives_max));
}

std::string text_of(const std::string& name, const QueueDepth& depth,
                    const std::vector<DeadLetter>& letters) {
  auto text = fmt::format("{:<32} {} visible, {} in flight, {} delayed; {} dead letters\n", name,
                          depth.visible, depth.in_flight, depth.delayed, depth.dead);
  std::map<std::string, std::size_t> by_reason;
  for (const auto& letter : letters) ++by_reason[letter.reason];
  for (const auto& [reason, count] : by_reason) {
    text += fmt::format("  of the newest dead letters {}: {}\n", count, reason);
  }
  return text;
}

Result<std::string> administer(SqliteQueue& queue, const std::string& action,
                               const std::string& name) {
  if (action == "purge") {
    if (const auto purged = queue.purge(); !purged) return std::unexpected(purged.error());
    return fmt::format("{:<32} purged\n", name);
  }
  if (action == "redrive") {
    const auto moved = queue.redrive();
    if (!moved) return std::unexpected(moved.error());
    return fmt::format("{:<32} {} dead letters sent back\n", name, *moved);
  }
  const auto depth = queue.depth();
  if (!depth) return std::unexpected(depth.error());
  const auto letters = queue.dead_letters(kLettersShown);
  if (!letters) return std::unexpected(letters.error());
  return text_of(name, *depth, *letters);
}

// Any number of processes may have these open.
Result<std::string> administer_embedded(const std::string& action, const Config& config,
                                        const Clock& clock, Log& log) {
  if (action == "create" || action == "remove") {
    return fail(Errc::kInvalid,
                "the queues in a data directory are made by the commands that use "
                "them; name --queue sqs for those at SQS");
  }
  std::string said = fmt::format("data directory {}\n", config.data_dir.string());
  for (const auto& plan : queue_plans(config)) {
    const auto file = config.data_dir / (std::string(plan.name) + ".db");
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
      return fail(Errc::kNotFound,
                  fmt::format("{} {}: name the data directory with --data-dir, or --queue sqs",
                              file.string(),
                              error ? "cannot be looked at (" + error.message() + ")"
                                    : std::string("does not exist")));
    }
    auto queue = SqliteQueue::open({.directory = config.data_dir, .name = plan.name}, clock, log);
    if (!queue) return std::unexpected(queue.error());
    const auto done = administer(**queue, action, plan.name);
    if (!done) return std::unexpected(done.error());
    said += *done;
  }
  return said;
}

QueueBill bill_of(const SqsBillReport& report) {
  QueueBill bill{.billed_per_day = report.billed_per_day,
                 .usd_per_request = kSqsUsdPerMillion / 1e6,
                 .message_each_usd_per_day = report.message_each_usd_per_day};
  for (const auto count : report.requests) bill.requests += count;
  return bill;
}

Result<std::string> administer(SqsAdmin& admin, const std::string& action, const QueuePlan& plan) {
  if (action == "purge") {
    if (const auto purged = admin.purge(plan.name); !purged) return std::unexpected(purged.error());
    return fmt::format("{:<32} purged\n", plan.name);
  }
  if (action == "remove") {
    if (const auto gone = admin.remove(plan.name); !gone) return std::unexpected(gone.error());
    return fmt::format("{:<32} removed\n", plan.name);
  }
  if (action == "redrive") {
    const auto redriven = admin.redrive(plan.name);
    if (!redriven) return std::unexpected(redriven.error());
    return fmt::format("{:<32} {} dead letters {}\n", plan.name, redriven->moved,
                       redriven->in_background ? "are being sent back" : "sent back");
  }
  const auto pair =
      action == "create"
          ? admin.create(
                {.name = plan.name, .receives_max = plan.receives_max, .retention = kSqsRetention})
          : admin.show(plan.name);
  if (!pair) return std::unexpected(pair.error());
  return text_of(pair->queue) + text_of(pair->dead_letters);
}

class PostgresTrialStore final : public TrialStore {
 public:
  explicit PostgresTrialStore(std::unique_ptr<postgres::TrialDatabase> database)
      : database_(std::move(database)) {}
  std::string postgres_url() const override { return database_->dsn(); }
  Result<StoreLoad> load() const override {
    const auto load = database_->load();
    if (!load) return std::unexpected(load.error());
    return StoreLoad{load->busy, load->commits};
  }

 private:
  std::unique_ptr<postgres::TrialDatabase> database_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_store(const Config& config, StoreAccess access, Log& log) {
  const auto days = std::chrono::ceil<std::chrono::days>(config.retention);
  if (config.store == StoreKind::kPostgres) {
    return open_postgres_store({.dsn = config.postgres_url,
                                .retention = days,
                                .pool_size = config.postgres_connections,
                                .statement_timeout = config.postgres_timeout},
                               log);
  }
  return open_sqlite_store({.directory = config.data_dir,
                            .retention = days,
                            .read_only = access == StoreAccess::kReadOnly},
                           log);
}

Status find_seeded_data(const Config& config) {
  if (config.store == StoreKind::kEmbedded) {
    return find_sqlite_store(config.data_dir);
  }
  if (config.queue != QueueKind::kEmbedded) return {};
  const auto file = config.data_dir / (std::string(kIdQueueName) + ".db");
  std::error_code error;
  if (std::filesystem::exists(file, error)) return {};
  return fail(Errc::kUnavailable,
              fmt::format("{} {}: seed first, or check --data-dir", file.string(),
                          error ? "cannot be looked at (" + error.message() + ")"
                                : std::string("is not there")));
}

Result<std::unique_ptr<VerdictStore>> open_verdict_store(const Config& config, StoreAccess access) {
  if (config.store == StoreKind::kPostgres) {
    return open_postgres_verdict_store(config.postgres_url);
  }
  return open_sqlite_verdict_store(config.data_dir, access == StoreAccess::kReadOnly);
}

Result<std::unique_ptr<AlertStore>> open_alert_store(const Config& config, Log& log) {
  if (config.store == StoreKind::kPostgres) {
    return open_postgres_alert_store(config.postgres_url, config.postgres_timeout, &log);
  }
  return open_sqlite_alert_store(config.data_dir, &log);
}

std::unique_ptr<WebhookSender> make_alert_sender(const Config& config, const Clock& clock) {
  return make_webhook_sender({.allow_private = config.alert_allow_private,
                              .ca_file = config.ca_file.string(),
                              .user_agent = user_agent_of(config),
                              .proxies = Proxies::of_process()},
                             clock);
}

std::optional<std::string> refused_alert_url(const Config& config, const std::string& url) {
  return config.alert_allow_private ? std::nullopt : private_target(url);
}

std::unique_ptr<Judge> make_judge(const Config& config, const Clock& clock) {
  return make_mockstagram_judge({.url = config.mockstagram_url,
                                 .ca_file = config.ca_file.string(),
                                 .user_agent = user_agent_of(config),
                                 .proxies = network_proxies(config),
                                 .max_connections = config.check_connections,
                                 .connect_timeout = config.connect_timeout,
                                 .timeout = config.check_timeout},
                                clock);
}

AskJobHealth job_health_of(const Config& config) {
  if (config.store == StoreKind::kEmbedded) return {};
  return postgres::job_health_of(config.postgres_url);
}

std::unique_ptr<Fleet> open_fleet(const Config& config) {
  if (config.store == StoreKind::kEmbedded) return nullptr;
  return open_postgres_fleet(config.postgres_url);
}

Result<std::string> migrate_store(const Config& config) {
  const auto report = migrate_postgres({.dsn = config.postgres_url,
                                        .partition_hours = config.partition_hours,
                                        .grant_to = config.grant_to,
                                        .without_timescaledb = !config.timescaledb});
  if (!report) return std::unexpected(report.error());
  std::string said;
  for (const auto& name : report->applied) said += fmt::format("applied {}\n", name);
  for (const auto& note : report->notes) said += note + "\n";
  return said + fmt::format("schema version {}{}, layout {}\n", report->to,
                            report->from == report->to ? " as before" : "", report->layout);
}

Result<std::unique_ptr<TrialStore>> make_trial_store(const Config& config,
                                                     const std::string& name) {
  auto database = postgres::TrialDatabase::make(config.postgres_url, name);
  if (!database) return std::unexpected(database.error());
  return std::make_unique<PostgresTrialStore>(std::move(*database));
}

Result<std::vector<std::string>> unlisted_store_files(const std::filesystem::path& data_dir) {
  return unlisted_segments(data_dir);
}

Result<KnownDamage> known_store_damage(const std::filesystem::path& data_dir) {
  return known_damage(data_dir);
}

Result<StoreServer> describe_store_server(const Config& config) {
  const auto facts = inspect_postgres(config.postgres_url);
  if (!facts) return std::unexpected(facts.error());
  if (const auto known = check_postgres_schema(facts->schema_version); !known) {
    return std::unexpected(known.error());
  }
  if (facts->is_read_only) {
    return fail(Errc::kInvalid, "this server is a standby: name the primary in --postgres-url");
  }
  auto seen = fmt::format(
      "{} as {}{}, {}, schema version {}, {} of {} h", facts->server_version, facts->role,
      facts->is_superuser ? " (superuser: more than is needed)" : "",
      facts->is_encrypted ? "encrypted" : "not encrypted", facts->schema_version,
      facts->layout == "timescaledb" ? "TimescaleDB " + facts->timescaledb + ", chunks"
                                     : "plain partitions",
      facts->partition_hours);
  return StoreServer{.seen = std::move(seen),
                     .jobs_concern = concern_of(facts->jobs),
                     .damaged_reads = facts->damaged_reads,
                     .has_checksums = facts->has_checksums};
}

Result<std::unique_ptr<Provider>> make_provider(const Config& config, std::size_t influencers,
                                                const Clock& clock, Metrics& metrics, Log& log) {
  auto options = lane_options(config, influencers);
  auto proxy = network_proxies(config).find(options.url);
  if (!proxy) return std::unexpected(proxy.error());
  options.proxy = *std::move(proxy);
  return make_mockstagram_provider(std::move(options), clock, metrics, log);
}

Result<Queues> open_queues(const Config& config, const Clock& clock, Metrics& metrics, Log& log) {
  Queues queues;
  SqsClient* client = nullptr;
  if (config.queue == QueueKind::kSqs) {
    auto connection = connect_to_sqs(config, clock, metrics, log);
    if (!connection) return std::unexpected(connection.error());
    client = (*connection)->client.get();
    queues.connection = std::move(*connection);
    queues.note_watched = [client](std::uint64_t influencers, std::chrono::minutes interval) {
      client->bill().set_watched(influencers, interval);
    };
  }
  if (client != nullptr) queues.bill = [client] { return bill_of(client->bill().report()); };
  for (const auto& plan : queue_plans(config)) {
    auto queue = client == nullptr ? open_queue(plan, config, clock, log)
                                   : open_queue(plan, config, *client, clock, log);
    if (!queue) return std::unexpected(queue.error());
    (plan.name == kIdQueueName ? queues.ids : queues.points) = std::move(*queue);
  }
  return queues;
}

Result<std::string> administer_queues(const std::string& action, const Config& config,
                                      const Clock& clock, Metrics& metrics, Log& log) {
  if (config.queue == QueueKind::kEmbedded) {
    return administer_embedded(action, config, clock, log);
  }
  const auto connection = connect_to_sqs(config, clock, metrics, log);
  if (!connection) return std::unexpected(connection.error());
  SqsAdmin admin(*(*connection)->client, config.sqs_prefix);
  std::string said;
  for (const auto& plan : queue_plans(config)) {
    const auto done = administer(admin, action, plan);
    if (!done) return std::unexpected(done.error());
    said += *done;
  }
  // The source is known once something was signed.
  return fmt::format("endpoint {}, credentials: {}\n{}", (*connection)->client->endpoint(),
                     (*connection)->credentials->source(), said);
}

namespace {

std::string lines_of(std::string_view title, const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += fmt::format("{}: {}\n", title, line);
  return text;
}

std::string text_of(std::string_view what, const BackupReport& report,
                    const std::filesystem::path& target) {
  return lines_of("damaged", report.findings) + fmt::format("{} {}: {} files, {} bytes", what,
                                                            target.string(), report.files,
                                                            report.bytes);
}

}  // namespace

Result<std::string> back_up_data(const Config& config) {
  if (config.backup_to.empty()) {
    return fail(Errc::kInvalid, "backup: say where to: --to DIR, which must not exist");
  }
  const auto report = back_up(config.data_dir, config.backup_to);
  if (!report) return fail("backup", report.error());
  return text_of("backed up to", *report, config.backup_to);
}

Result<std::string> restore_data(const std::filesystem::path& backup, const Config& config) {
  const auto report = restore_backup(backup, config.data_dir);
  if (!report) return fail("restore", report.error());
  return text_of("restored to", *report, config.data_dir);
}

Result<VerifiedData> verify_stored_data(const std::filesystem::path& data, bool repair) {
  std::vector<LockFile> locks;
  for (const auto* stage : {"fetch", "sink", "check", "api", "seed"}) {
    if (!repair) break;
    auto lock = LockFile::acquire(data, stage);
    if (!lock) return fail("verify --repair", lock.error());
    locks.push_back(std::move(*lock));
  }
  const auto report = verify_data(data, repair);
  if (!report) return fail("verify", report.error());
  VerifiedData done{.is_whole = report->findings.empty(), .text = {}};
  done.text = lines_of("damaged", report->findings) + lines_of("repaired", report->repairs);
  done.text += fmt::format("{}: {} frames, {} segments with {} chunks, {} values\n",
                           done.is_whole ? "whole" : "damaged", report->frames, report->segments,
                           report->chunks, report->values);
  return done;
}

}  // namespace ia
