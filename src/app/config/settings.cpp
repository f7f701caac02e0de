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
       "Settings come from this TOML file; flags and IA_... variables win over it.", kConfigured},
      {"data_dir",
       "influencer-analytics-data",
       text_value("DIR", "a directory", into(&Config::data_dir)),
       "Where everything is kept; the demo makes a fresh temporary directory by default.",
       kStaged | kExport | kDoctor | kQueues | kKeeping,
       "",
       {bit(kDemo), ""}},
      {"to", "", text_value("DIR", "a directory that does not exist", into(&Config::backup_to)),
       "Where the backup goes.", bit(kBackup)},
      {"retention", "30d", duration_value({24h, 24h * 3650}, into(&Config::retention)),
       "How long points are kept.", kDemo | kRun | kSink | kDoctor},
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
       "Where the points are kept: in files of the data directory, or in PostgreSQL.", kStored},
      {"postgres_url", "", postgres_url_value(into(&Config::postgres_url)),
       "The database; what it leaves out comes from PGHOST, PGUSER, PGPASSFILE and the like.",
       kStored | kMigrate},
      {"postgres_connections", "8",
       whole_number_value(1, 1000, into(&Config::postgres_connections)),
       "Most connections of a process for reading; writers and alerts have up to five besides.",
       kStored},
      {"postgres_timeout", "30s", duration_value({100ms, 10min}, into(&Config::postgres_timeout)),
       "Longest wait for a statement.", kStored},
      {"grant_to", "", names_value(into(&Config::grant_to)),
       "Roles that may run the program, with commas between them.", kMigrating},
      {"partition_hours", "",
       choice_value<int>(
           {{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"6", 6}, {"8", 8}, {"12", 12}, {"24", 24}},
           [](Config& config, int hours) { config.partition_hours = hours; }),
       "Hours of points in one table from now on; as it is, and 24 at first, when not given.",
       kMigrating},
      {"timescaledb", "on", switch_value(into(&Config::timescaledb)),
       "Use the extension TimescaleDB where the database has it; new tables only.", kMigrating},
  };
}

Group watched_settings() {
  return {
      {"influencers",
       "",
       influencers_value(into(&Config::influencers)),
       "Ids and ranges of ids, or a file with them.",
       kSeeding | kMockstagram | kExport | kDoctor,
       "",
       {kSimulating, kMillion}},
      {"interval", "60s", duration_value({1min, 24h, 1min}, into(&Schedule::interval)),
       "How often each influencer is asked for.", kSeeding | kDoctor},
      {"spread", "53s", duration_value({0ms, kSpreadMax}, into(&Schedule::spread)),
       "Over how much of each minute the requests are spread; 0s asks all at once.", kSeeding},
      {"shard_size", "1000", whole_number_value(1, 5000, into(&Config::shard_size)),
       "How many influencers at most travel in one queue message and are fetched together.",
       kSeeding},
      {"reseed", "24h", duration_value({0ms, 24h * 14, 1min}, into(&Config::reseed)),
       "How often the queue of ids is seeded again, which replaces lost messages; 0s: only when "
       "messages are missing.",
       kDemo | kRun | kFetch},
  };
}

Group network_settings() {
  return {
      {"mockstagram_url", "http://127.0.0.1:3000", server_url_value(into(&Config::mockstagram_url)),
       "The Mockstagram server to fetch from.", kNetworked},
      {"max_rate", "auto", rate_value(into(&Config::max_rate)),
       "Most requests a second; auto is 1.1 times what is due, over the spread.", kFetching},
      {"max_rate_total", "0", number_value(0, 1e9, into(&Config::max_rate_total)),
       "Most requests a second of all fetchers together, which share it evenly through PostgreSQL; "
       "0 is no limit.",
       kRun | kFetch},
      {"max_connections", "1024", whole_number_value(1, 65'535, into(&Config::max_connections)),
       "Most connections to the network; no more are opened than are needed.",
       kFetching | kDoctor | kProveScale},
      {"pipelining", "1", whole_number_value(1, 64, into(&Config::pipelining)),
       "Requests sent on a connection ahead of their replies; 1 waits for each.",
       kFetching | kProveScale},
      {"connect_timeout", "1s", duration_value({10ms, 30s}, into(&Config::connect_timeout)),
       "Longest wait for a connection.", kFetching | kCheck | kDoctor},
      {"request_timeout", "5s", duration_value({10ms, 55s}, into(&Config::request_timeout)),
       "Longest wait for a whole reply.", kFetching | kDoctor},
      {"tick", "4ms", duration_value({1ms, 100ms}, into(&Config::tick)),
       "How often requests are released; longer costs less CPU.", kFetching},
      {"ca_file", "", readable_file_value(into(&Config::ca_file)),
       "Certificates (PEM) to trust for https; the system's when not given.", kNetworked | kSqs},
      {"user_agent", "", header_value(into(&Config::user_agent)),
       "What requests say of their sender, to the network, to receivers of alerts and to SQS; "
       "influencer-analytics/VERSION when not given. Networks like a contact in it.",
       kNetworked | kServing | kSqs},
  };
}

Group check_settings() {
  return {
      {"check_interval", "24h",
       duration_value({0ms, 24h * 30, 1min}, into(&Config::check_interval)),
       "How often the network is asked whether an influencer is suspicious; 0s is never.",
       kChecking},
      {"check_rate", "auto", rate_value(into(&Config::check_rate)),
       "Most checks a second; auto is 1.5 times what the interval asks for, and at least 1.",
       kChecking},
      {"check_connections", "256", whole_number_value(1, 4096, into(&Config::check_connections)),
       "Most checks under way at a time, each on a connection that fetches nothing else.",
       kChecking},
      {"check_timeout", "12s", duration_value({100ms, 60s}, into(&Config::check_timeout)),
       "Longest wait for a check.", kChecking},
  };
}

Group queue_settings() {
  return {
      {"queue",
       "embedded",
       choice_value<QueueKind>({{"embedded", QueueKind::kEmbedded}, {"sqs", QueueKind::kSqs}},
                               into(&Config::queue)),
       "Where the queues are: in files of the data directory, or at AWS SQS. The command queues "
       "means those of a data directory when one is named.",
       kQueued | kQueues,
       "",
       {bit(kQueues), "sqs"}},
      {"sqs_endpoint", "", server_url_value(into(&Config::sqs_endpoint)),
       "A server that speaks SQS's protocol; AWS_ENDPOINT_URL_SQS, else AWS's of the region, when "
       "not given.",
       kSqs},
      {"sqs_region", "", text_value("REGION", "a region, as eu-west-1", into(&Config::sqs_region)),
       "The region; AWS_REGION, AWS_DEFAULT_REGION or the profile's when not given.", kSqs},
      {"sqs_prefix", "",
       text_value("TEXT", "what a queue's name may begin with", into(&Config::sqs_prefix)),
       "Put before the names of the queues.", kSqs},
      {"queue_receives_max", "0", whole_number_value(0, 1000, into(&Config::queue_receives_max)),
       "A batch of points that was received this often in vain goes to the dead letters; 0: only "
       "one that cannot be read does. SQS also counts what is given back by a clean stop.",
       kFetching | kSink | kQueues},
      {"visibility", "30s", duration_value({5s, 12h}, into(&Config::visibility)),
       "A received message comes back after this time unless it was acknowledged; at SQS ids come "
       "back after the interval and 15 s, if that is longer.",
       kFetching | kSink},
  };
}

Group api_settings() {
  return {
      {"listen", "127.0.0.1:8080", address_value(into(&Config::listen)),
       "Where the API and the dashboard are served; port 0 takes a free one.", kServing | kDoctor},
      {"metrics_listen", "",
       address_value([](Config& config, Address address) { config.metrics_listen = address; }),
       "Where /metrics, /healthz and /readyz are served besides, for processes without an API and "
       "for "
       "an API whose metrics are not for its readers; nowhere when not given.",
       kServing | kFetch | kSink | kCheck},
      {"api_threads", "1", whole_number_value(1, 64, into(&Config::api_threads)),
       "Threads that answer API requests.", kServing},
      {"api_max_connections", "1024",
       whole_number_value(1, 65'535, into(&Config::api_max_connections)),
       "Most API connections at a time, three quarters of them from one address; the one that has "
       "been idle longest makes room for a new one.",
       kServing | kDoctor},
      {"api_max_streams", "10000", whole_number_value(0, 1'000'000, into(&Config::api_max_streams)),
       "Most streams of live events at a time, besides the connections; further ones are refused.",
       kServing | kDoctor},
      {"health_url", "http://127.0.0.1:8080/healthz", page_url_value(into(&Config::health_url)),
       "What is asked: the process is healthy when it answers 200.", kAsking, "url"},
      {"api_rate_limit", "0", number_value(0, 1'000'000, into(&Config::api_rate_limit)),
       "Maximum API requests per second from one client address; 0 is no limit.", kServing},
      {"allowed_hosts", "", hosts_value(into(&Config::allowed_hosts)),
       "Host names that the API answers for, besides localhost and IP addresses; a name behind *. "
       "stands for all below it, * alone for any. When not given, an API that listens on loopback "
       "answers for no other name and any other API for all. Needed behind a reverse proxy that "
       "passes its own Host on.",
       kServing},
      {"trusted_proxies", "", networks_value(into(&Config::trusted_proxies)),
       "Reverse proxies whose X-Forwarded-For, or else Forwarded, is believed: the rightmost "
       "address in it that is not one of them is the client, for the rate limit and the log.",
       kServing},
      {"api_token", "", secret_value(into(&Config::api_token)),
       "Who changes something through the API must send this token; without one, only this machine "
       "may, and only when nobody else can reach the API. Better set as IA_API_TOKEN or in the "
       "file.",
       kServing},
      {"alert_allow_private", "off", switch_value(into(&Config::alert_allow_private)),
       "Alerts may be sent to private, loopback and link-local addresses too.", kServing},
      {"movers_base_min", "1000",
       whole_number_value(1, 1'000'000'000, into(&Config::movers_base_min)),
       "Least followers at the beginning of a window to be among the movers by percent.", kServing},
  };
}

Group signal_settings() {
  using T = SignalThresholds;
  constexpr auto kFollowersMost = static_cast<std::uint64_t>(kCountMax);
  return {
      {"signal_jump_z", "8", number_value(1, 1'000'000, into(&T::jump_z)),
       "A change of followers counts from so many times the account's usual spread on.", kServing},
      {"signal_jump_least", "100", whole_number_value(1, kFollowersMost, into(&T::jump_least)),
       "The fewest followers that count as a jump.", kServing},
      {"signal_jump_within", "15m", duration_value({1min, 6h, 1min}, into(&T::jump_within)),
       "What takes longer is a surge or a drip feed.", kServing},
      {"signal_step_hold", "60m", duration_value({1min, 24h, 1min}, into(&T::step_hold)),
       "A jump stays when its level is kept for so long.", kServing},
      {"signal_step_share", "0.5", number_value(0, 1, into(&T::step_share)),
       "How much of a jump has to be left after the hold.", kServing},
      {"signal_saw_tooth_least", "200",
       whole_number_value(1, kFollowersMost, into(&T::saw_tooth_least)),
       "The fewest accounts that count as mass follow or mass unfollow.", kServing},
      {"signal_saw_tooth_runs", "4", whole_number_value(2, 1'000, into(&T::saw_tooth_runs)),
       "How many of them in turn count as a saw-tooth.", kServing},
      {"signal_ratio_percentile", "10", number_value(0, 100, into(&T::ratio_percentile)),
       "Follower ratios among so many percent of the lowest count as low.", kServing},
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
       "The least severe log lines to write to standard error.",
       kLogging,
       "",
       {bit(kProveScale), "warning"}},
      {"log_format", "text",
       choice_value<LogFormat>({{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                               into(&Config::log_format)),
       "Log lines for people or for programs.", kLogging},
      {"report", "on", switch_value(into(&Config::report)),
       "A line a minute on standard output: what was stored, what was not and why.", kDemo | kRun},
      {"minutes", "0", whole_number_value(0, 1'000'000, into(&Config::minutes)),
       "Stop after so many complete minutes; 0 runs until it is stopped.", kDemo | kRun},
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
       "Where the simulator is served; port 0 takes a free one.",
       kSimulating,
       "listen",
       {bit(kDemo), "127.0.0.1:0"}},
      {"simulator_seed", "1", whole_number_value(0, UINT64_MAX, into(&Config::simulator_seed)),
       "The same seed gives the same influencers and the same faults.", kSimulating, "seed"},
      {"simulator_answers_kept", "0",
       whole_number_value(0, 100'000'000, into(&Config::simulator_answers_kept)),
       "How many of the newest answers can be looked up afterwards, at 32 bytes each.", kSimulating,
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
       "What to export: the points of a range, or what the network last said of each influencer.",
       kExporting},
      {"influencer", "",
       whole_number_value(
           0, kInfluencerIdMax,
           [](Config& config, std::uint64_t id) { config.influencer = InfluencerId{id}; }),
       "The id of the one influencer to export.", kExporting},
      {"start", "", time_value(into(&Config::start)),
       "The first minute; a day before the end when not given.", kExporting},
      {"end", "now", time_value(into(&Config::end)), "The minute after the last one.", kExporting},
      {"output", "-",
       text_value("FILE|-", "a file, or - for standard output", into(&Config::output)),
       "Where the CSV goes; - is standard output.", kExporting},
      {"partial", "off", switch_value(into(&Config::partial)),
       "Whether points of minutes that are still open are exported, too; others of the same minute "
       "are not stored yet.",
       kExporting},
  };
}

Group trial_settings() {
  return {
      {"workers", "1,2,4,8", counts_value(1, 64, into(&Config::workers)),
       "How many fetchers, one number a round. A round writes test points, into queues and a "
       "database of its own on the servers that are named, and removes both.",
       kProving},
      {"worker_rate", "4000", number_value(100, 1e6, into(&Config::worker_rate)),
       "Requests a second that each fetcher is held to; the influencers are as many as that gives "
       "in 52 seconds.",
       kProving},
      {"sinks", "1", whole_number_value(1, 64, into(&Config::sinks)), "How many sinks.", kProving},
      {"trial_minutes", "2", whole_number_value(1, 60, into(&Config::trial_minutes)),
       "Whole minutes that a round is measured for.", kProving, "minutes"},
      {"trial_url", "", server_url_value(into(&Config::trial_url)),
       "The Mockstagram server; a simulator of its own when not given.", kProving,
       "mockstagram_url"},
      {"trial_output", "", text_value("FILE", "a file, as scale.svg", into(&Config::trial_output)),
       "The figures as a drawing.", kProving, "output"},
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
