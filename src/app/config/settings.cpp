#include "app/config/settings.h"

#include <algorithm>
#include <cctype>

#include "app/config/setting_kinds.h"

namespace ia {
namespace {

using namespace std::chrono_literals;
using enum Command;

constexpr CommandBits kFetching = kDemo | kRun | kFetch;
constexpr CommandBits kSeeding = kDemo | kRun | kSeed;
constexpr CommandBits kServing = kDemo | kRun | kApi;
constexpr CommandBits kSimulating = kDemo | kMockstagram;
constexpr CommandBits kChecking = kDemo | kRun | kCheck;
constexpr CommandBits kStaged = kFetching | kSeed | kSink | kApi | kCheck;
constexpr CommandBits kNetworked = kRun | kFetch | kCheck | kDoctor;
constexpr CommandBits kProving = bit(kProveScale);
constexpr CommandBits kLogging =
    kStaged | kMockstagram | kExport | kQueues | kMigrate | kProveScale;
constexpr CommandBits kConfigured = kLogging | kDoctor | kHealth | kBackup | kVerify | kRestore;
constexpr CommandBits kQueued = kRun | kSeed | kFetch | kSink | kApi | kDoctor | kProveScale;
constexpr CommandBits kSqs = kQueued | kQueues;
constexpr CommandBits kStored = kQueued | kCheck | kExport;
constexpr CommandBits kMigrating = bit(kMigrate);
constexpr CommandBits kAsking = bit(kHealth);
constexpr CommandBits kExporting = bit(kExport);
constexpr CommandBits kKeeping = kBackup | kVerify | kRestore;

constexpr std::string_view kMillion = "1000000-1999999";

using Group = std::vector<Setting>;

// A row: name, default, value, help, commands; then alias and default of some commands.

Group data_settings() {
  return {
      {"config", "", text_value("FILE", "a TOML file", [](Config&, const std::string&) {}),
       "A TOML file with settings. Flags and IA_... variables override it.", kConfigured},
      {"data_dir",
       "influencer-analytics-data",
       text_value("DIR", "a directory", into(&Config::data_dir)),
       "Directory for all data. By default the demo uses a new temporary directory.",
       kStaged | kExport | kDoctor | kQueues | kKeeping,
       "",
       {bit(kDemo), ""}},
      {"to", "", text_value("DIR", "a directory that does not exist", into(&Config::backup_to)),
       "Directory to create the backup in.", bit(kBackup)},
      {"retention", "30d", duration_value({24h, 24h * 3650}, into(&Config::retention)),
       "How long points are kept before they are deleted.", kDemo | kRun | kSink | kDoctor},
      {"min_free_bytes", "512MiB",
       size_value(std::uint64_t{16} << 40, into(&Config::min_free_bytes)),
       "Fetching pauses while the data directory's disk has less free space than this.",
       kFetching | kSink | kDoctor},
  };
}

Group store_settings() {
  return {
      {"store", "embedded",
       choice_value<StoreKind>(
           {{"embedded", StoreKind::kEmbedded}, {"postgres", StoreKind::kPostgres}},
           into(&Config::store)),
       "Where points are stored: in files in the data directory, or in PostgreSQL.", kStored},
      {"postgres_url", "", postgres_url_value(into(&Config::postgres_url)),
       "The database. Parts that are not given come from PGHOST, PGUSER, PGPASSFILE and so on.",
       kStored | kMigrate},
      {"postgres_connections", "8",
       whole_number_value(1, 1000, into(&Config::postgres_connections)),
       "Maximum read connections per process; writers and alerts may open up to five more.",
       kStored},
      {"postgres_timeout", "30s", duration_value({100ms, 10min}, into(&Config::postgres_timeout)),
       "Maximum time for one statement.", kStored},
      {"grant_to", "", names_value(into(&Config::grant_to)),
       "Roles to grant the rights to run the program, separated by commas.", kMigrating},
      {"partition_hours", "",
       choice_value<int>(
           {{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"6", 6}, {"8", 8}, {"12", 12}, {"24", 24}},
           [](Config& config, int hours) { config.partition_hours = hours; }),
       "Hours of points per table, for tables created from now on. If not given, it stays as it "
       "is (24 for a new database).",
       kMigrating},
      {"timescaledb", "on", switch_value(into(&Config::timescaledb)),
       "Use the TimescaleDB extension if the database has it. Affects new tables only.",
       kMigrating},
  };
}

Group watched_settings() {
  return {
      {"influencers",
       "",
       influencers_value(into(&Config::influencers)),
       "The influencers: ids and ranges of ids, or a file that lists them.",
       kSeeding | kMockstagram | kExport | kDoctor,
       "",
       {kSimulating, kMillion}},
      {"interval", "60s", duration_value({1min, 24h, 1min}, into(&Schedule::interval)),
       "How often each influencer is fetched.", kSeeding | kDoctor},
      {"spread", "53s", duration_value({0ms, kSpreadMax}, into(&Schedule::spread)),
       "The part of each minute over which requests are spread; 0s sends them all at once.",
       kSeeding},
      {"shard_size", "1000", whole_number_value(1, 5000, into(&Config::shard_size)),
       "Maximum number of influencers per queue message, which are fetched together.",
       kSeeding},
      {"reseed", "24h", duration_value({0ms, 24h * 14, 1min}, into(&Config::reseed)),
       "How often the id queue is reseeded to replace lost messages; with 0s, only when messages "
       "are missing.",
       kDemo | kRun | kFetch},
  };
}

Group network_settings() {
  return {
      {"mockstagram_url", "http://127.0.0.1:3000", server_url_value(into(&Config::mockstagram_url)),
       "The Mockstagram server to fetch from.", kNetworked},
      {"max_rate", "auto", rate_value(into(&Config::max_rate)),
       "Maximum requests per second; auto is 1.1 times the rate needed to fetch everything within "
       "the spread.", kFetching},
      {"max_rate_total", "0", number_value(0, 1e9, into(&Config::max_rate_total)),
       "Maximum requests per second for all fetchers together, which share it evenly through "
       "PostgreSQL; 0 means no limit.",
       kRun | kFetch},
      {"max_connections", "1024", whole_number_value(1, 65'535, into(&Config::max_connections)),
       "Maximum connections to the network; only as many as needed are opened.",
       kFetching | kDoctor | kProveScale},
      {"pipelining", "1", whole_number_value(1, 64, into(&Config::pipelining)),
       "Number of requests sent on a connection before waiting for a reply; 1 disables pipelining.",
       kFetching | kProveScale},
      {"connect_timeout", "1s", duration_value({10ms, 30s}, into(&Config::connect_timeout)),
       "Maximum time to establish a connection.", kFetching | kCheck | kDoctor},
      {"request_timeout", "5s", duration_value({10ms, 55s}, into(&Config::request_timeout)),
       "Maximum time for a complete reply.", kFetching | kDoctor},
      {"tick", "4ms", duration_value({1ms, 100ms}, into(&Config::tick)),
       "How often requests are released; a longer tick uses less CPU.", kFetching},
      {"ca_file", "", readable_file_value(into(&Config::ca_file)),
       "PEM file with the certificates to trust for https. Default: the system's.",
       kNetworked | kSqs},
      {"user_agent", "", header_value(into(&Config::user_agent)),
       "User-Agent of all requests: to the network, to webhooks and to SQS. Default: "
       "influencer-analytics/VERSION. Networks appreciate a contact address in it.",
       kNetworked | kServing | kSqs},
  };
}

Group check_settings() {
  return {
      {"check_interval", "24h",
       duration_value({0ms, 24h * 30, 1min}, into(&Config::check_interval)),
       "How often the network is asked whether an influencer is suspicious; 0s disables checks.",
       kChecking},
      {"check_rate", "auto", rate_value(into(&Config::check_rate)),
       "Maximum checks per second; auto is 1.5 times the rate that the interval requires, at "
       "least 1.",
       kChecking},
      {"check_connections", "256", whole_number_value(1, 4096, into(&Config::check_connections)),
       "Maximum concurrent checks. Each uses a connection of its own.",
       kChecking},
      {"check_timeout", "12s", duration_value({100ms, 60s}, into(&Config::check_timeout)),
       "Maximum time for one check.", kChecking},
  };
}

Group queue_settings() {
  return {
      {"queue",
       "embedded",
       choice_value<QueueKind>({{"embedded", QueueKind::kEmbedded}, {"sqs", QueueKind::kSqs}},
                               into(&Config::queue)),
       "Where the queues are: in files in the data directory, or at AWS SQS. The command queues "
       "uses those of a data directory if one is given.",
       kQueued | kQueues,
       "",
       {bit(kQueues), "sqs"}},
      {"sqs_endpoint", "", server_url_value(into(&Config::sqs_endpoint)),
       "A server that speaks the SQS protocol. Default: AWS_ENDPOINT_URL_SQS, or else AWS's own "
       "endpoint for the region.",
       kSqs},
      {"sqs_region", "", text_value("REGION", "a region, as eu-west-1", into(&Config::sqs_region)),
       "The AWS region. Default: AWS_REGION, AWS_DEFAULT_REGION or the profile's.", kSqs},
      {"sqs_prefix", "",
       text_value("TEXT", "what a queue's name may begin with", into(&Config::sqs_prefix)),
       "Prefix of the queues' names.", kSqs},
      {"queue_receives_max", "0", whole_number_value(0, 1000, into(&Config::queue_receives_max)),
       "A batch of points that was received this many times without being stored goes to the dead "
       "letters. With 0, only unreadable batches do. SQS also counts batches returned by a clean "
       "stop.",
       kFetching | kSink | kQueues},
      {"visibility", "30s", duration_value({5s, 12h}, into(&Config::visibility)),
       "A received message is delivered again after this time unless it was acknowledged. At SQS, "
       "messages of the id queue are delivered again after the interval plus 15 s if that is "
       "longer.",
       kFetching | kSink},
  };
}

Group api_settings() {
  return {
      {"listen", "127.0.0.1:8080", address_value(into(&Config::listen)),
       "Address of the API and the dashboard. Port 0 picks a free port.", kServing | kDoctor},
      {"metrics_listen", "",
       address_value([](Config& config, Address address) { config.metrics_listen = address; }),
       "Additional address that serves only /metrics, /healthz and /readyz: for processes without "
       "an API, or to keep metrics away from readers of the API. Default: none.",
       kServing | kFetch | kSink | kCheck},
      {"api_threads", "1", whole_number_value(1, 64, into(&Config::api_threads)),
       "Number of threads that answer API requests.", kServing},
      {"api_max_connections", "1024",
       whole_number_value(1, 65'535, into(&Config::api_max_connections)),
       "Maximum concurrent API connections, at most three quarters of them from one address. A new "
       "connection replaces the one that has been idle longest.",
       kServing | kDoctor},
      {"api_max_streams", "10000", whole_number_value(0, 1'000'000, into(&Config::api_max_streams)),
       "Maximum concurrent event streams, in addition to the connections; further ones are "
       "refused.",
       kServing | kDoctor},
      {"health_url", "http://127.0.0.1:8080/healthz", page_url_value(into(&Config::health_url)),
       "The URL to request. The process is healthy if it answers 200.", kAsking, "url"},
      {"api_rate_limit", "0", number_value(0, 1'000'000, into(&Config::api_rate_limit)),
       "Maximum API requests per second from one client address; 0 means no limit.", kServing},
      {"allowed_hosts", "", hosts_value(into(&Config::allowed_hosts)),
       "Host names that the API answers to, in addition to localhost and IP addresses. "
       "*.example.org matches every name below example.org, * matches any name. Default: an API "
       "that listens on loopback answers to no other name, any other API to every name. Needed "
       "behind a reverse proxy that forwards its own Host.",
       kServing},
      {"trusted_proxies", "", networks_value(into(&Config::trusted_proxies)),
       "Reverse proxies whose X-Forwarded-For, or else Forwarded, is believed: the rightmost "
       "address in it that is not one of them is the client, for the rate limit and the log.",
       kServing},
      {"api_token", "", secret_value(into(&Config::api_token)),
       "Token required for changes through the API. Without one, only clients on this machine may "
       "make changes, and only if the API listens on loopback. Prefer IA_API_TOKEN or the "
       "settings file to the command line.",
       kServing},
      {"alert_allow_private", "off", switch_value(into(&Config::alert_allow_private)),
       "Allow alerts to private, loopback and link-local addresses.", kServing},
      {"movers_base_min", "1000",
       whole_number_value(1, 1'000'000'000, into(&Config::movers_base_min)),
       "Minimum followers at the start of a window for the list of movers by percent.", kServing},
  };
}

Group signal_settings() {
  using T = SignalThresholds;
  constexpr auto kFollowersMost = static_cast<std::uint64_t>(kCountMax);
  return {
      {"signal_jump_z", "8", number_value(1, 1'000'000, into(&T::jump_z)),
       "Smallest jump to report, as a multiple of the account's usual spread.", kServing},
      {"signal_jump_least", "100", whole_number_value(1, kFollowersMost, into(&T::jump_least)),
       "Smallest jump to report, in followers.", kServing},
      {"signal_jump_within", "15m", duration_value({1min, 6h, 1min}, into(&T::jump_within)),
       "Maximum duration of a jump. A longer rise is a surge or a drip feed.", kServing},
      {"signal_step_hold", "60m", duration_value({1min, 24h, 1min}, into(&T::step_hold)),
       "How long the new level must hold for a jump to count as permanent.", kServing},
      {"signal_step_share", "0.5", number_value(0, 1, into(&T::step_share)),
       "Share of a jump that must remain after the hold.", kServing},
      {"signal_saw_tooth_least", "200",
       whole_number_value(1, kFollowersMost, into(&T::saw_tooth_least)),
       "Smallest number of accounts that counts as a mass follow or mass unfollow.", kServing},
      {"signal_saw_tooth_runs", "4", whole_number_value(2, 1'000, into(&T::saw_tooth_runs)),
       "How many of them, alternating, count as a saw-tooth.", kServing},
      {"signal_ratio_percentile", "10", number_value(0, 100, into(&T::ratio_percentile)),
       "Follower ratios within this lowest percentage count as low.", kServing},
  };
}

Group output_settings() {
  return {
      {"log_level",
       "info",
       choice_value<LogLevel>({{"debug", LogLevel::kDebug},
                               {"info", LogLevel::kInfo},
                               {"warning", LogLevel::kWarning},
                               {"error", LogLevel::kError}},
                              into(&Config::log_level)),
       "Minimum severity of log lines on standard error.",
       kLogging,
       "",
       {bit(kProveScale), "warning"}},
      {"log_format", "text",
       choice_value<LogFormat>({{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                               into(&Config::log_format)),
       "Format of log lines: text for people, json for programs.", kLogging},
      {"report", "on", switch_value(into(&Config::report)),
       "One line per minute on standard output: what was stored, what was missed and why.",
       kDemo | kRun},
      {"minutes", "0", whole_number_value(0, 1'000'000, into(&Config::minutes)),
       "Stop after this many complete minutes; 0 runs until stopped.", kDemo | kRun},
  };
}

Setting fault_setting(const FaultOption& option) {
  auto value = make_value(std::string(option.placeholder), std::string(option.allowed), {});
  value.apply = [&option](std::string_view text, Config& config) -> Status {
    const auto set = option.set(config.faults, text);
    if (set) return {};
    return fail(Errc::kInvalid,
                "must be " + std::string(option.allowed) + ": " + set.error().message);
  };
  return {"fault_" + std::string(option.name),
          option.fallback,
          std::move(value),
          option.help,
          kSimulating,
          option.name};
}

Group simulator_settings() {
  Group group{
      {"mockstagram_listen",
       "127.0.0.1:3000",
       address_value(into(&Config::mockstagram_listen)),
       "Address of the simulator. Port 0 picks a free port.",
       kSimulating,
       "listen",
       {bit(kDemo), "127.0.0.1:0"}},
      {"simulator_seed", "1", whole_number_value(0, UINT64_MAX, into(&Config::simulator_seed)),
       "Seed of the simulation. The same seed gives the same influencers and faults.",
       kSimulating, "seed"},
      {"simulator_answers_kept", "0",
       whole_number_value(0, 100'000'000, into(&Config::simulator_answers_kept)),
       "How many recent answers are kept for lookup, at 32 bytes each.", kSimulating,
       "answers_kept"},
  };
  for (const auto& option : fault_options()) group.push_back(fault_setting(option));
  return group;
}

Group export_settings() {
  return {
      {"what", "points",
       choice_value<ExportKind>(
           {{"points", ExportKind::kPoints}, {"verdicts", ExportKind::kVerdicts}},
           into(&Config::what)),
       "What to export: the points of a range, or the network's latest verdict on each influencer.",
       kExporting},
      {"influencer", "",
       whole_number_value(
           0, kInfluencerIdMax,
           [](Config& config, std::uint64_t id) { config.influencer = InfluencerId{id}; }),
       "Id of the influencer to export.", kExporting},
      {"start", "", time_value(into(&Config::start)),
       "First minute to export. Default: a day before the end.", kExporting},
      {"end", "now", time_value(into(&Config::end)), "End of the range, exclusive.", kExporting},
      {"output", "-",
       text_value("FILE|-", "a file, or - for standard output", into(&Config::output)),
       "File to write the CSV to; - is standard output.", kExporting},
      {"partial", "off", switch_value(into(&Config::partial)),
       "Also export points of minutes that are still open, for which further points may follow.",
       kExporting},
  };
}

Group trial_settings() {
  return {
      {"workers", "1,2,4,8", counts_value(1, 64, into(&Config::workers)),
       "Number of fetchers in each round. A round writes test points into queues and a database "
       "of its own on the given servers, and removes both afterwards.",
       kProving},
      {"worker_rate", "4000", number_value(100, 1e6, into(&Config::worker_rate)),
       "Requests per second that each fetcher is limited to. There are as many influencers as "
       "that rate can fetch in 52 seconds.",
       kProving},
      {"sinks", "1", whole_number_value(1, 64, into(&Config::sinks)), "Number of sinks.", kProving},
      {"trial_minutes", "2", whole_number_value(1, 60, into(&Config::trial_minutes)),
       "Number of whole minutes to measure in each round.", kProving, "minutes"},
      {"trial_url", "", server_url_value(into(&Config::trial_url)),
       "The Mockstagram server. Default: a simulator started for the trial.", kProving,
       "mockstagram_url"},
      {"trial_output", "", text_value("FILE", "a file, as scale.svg", into(&Config::trial_output)),
       "SVG file to draw the results to.", kProving, "output"},
  };
}

std::vector<Setting> make_table() {
  std::vector<Setting> table;
  const auto add = [&table](std::string_view heading, Group group) {
    for (auto& setting : group) {
      setting.group = heading;
      table.push_back(std::move(setting));
    }
  };
  add("Data", data_settings());
  add("Store", store_settings());
  add("What is watched", watched_settings());
  add("Network", network_settings());
  add("Daily check", check_settings());
  add("Queues", queue_settings());
  add("API", api_settings());
  add("Signals", signal_settings());
  add("Output", output_settings());
  add("Simulator", simulator_settings());
  add("Proof of scale", trial_settings());
  add("Export", export_settings());
  return table;
}

std::string dashed(std::string_view name) {
  auto out = std::string(name);
  std::ranges::replace(out, '_', '-');
  return out;
}

}  // namespace

std::string Setting::flag() const { return "--" + dashed(name); }

std::string Setting::environment_name() const {
  auto out = "IA_" + name;
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

std::span<const Setting> settings() {
  static const std::vector<Setting> table = make_table();
  return table;
}

const Setting* find_setting(std::string_view name) {
  const auto found = std::ranges::find(settings(), name, &Setting::name);
  return found == settings().end() ? nullptr : &*found;
}

const Setting* find_flag(Command command, std::string_view flag) {
  const Setting* by_alias = nullptr;
  for (const auto& setting : settings()) {
    if (!takes(command, setting)) continue;
    if (dashed(setting.name) == flag) return &setting;
    if (!setting.alias.empty() && dashed(setting.alias) == flag) by_alias = &setting;
  }
  return by_alias;
}

bool takes(Command command, const Setting& setting) {
  if (command == kCheckConfig) return true;
  return (setting.commands & bit(command)) != 0;
}

std::string_view fallback_of(const Setting& setting, Command command) {
  const bool overridden = (setting.override.commands & bit(command)) != 0;
  return overridden ? setting.override.text : setting.fallback;
}

}  // namespace ia
