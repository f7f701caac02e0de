#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config/command.h"
#include "app/config/setting_values.h"
#include "base/error.h"
#include "base/ip_address.h"
#include "base/log.h"
#include "core/influencer_set.h"
#include "core/own_signals.h"
#include "core/schedule.h"
#include "simulator/faults.h"

namespace ia {

enum class QueueKind : std::uint8_t { kEmbedded, kSqs };
enum class ExportKind : std::uint8_t { kPoints, kVerdicts };
enum class StoreKind : std::uint8_t { kEmbedded, kPostgres };

// Every setting, with its type. Meaning, default and range of each: docs/configuration.md.
// A Config that load_config returned is whole and in range: nobody checks it again.
struct Config {
  // Data
  bool is_demo = false;            // the network is simulated by this process
  std::filesystem::path data_dir;  // empty: the demo makes a fresh temporary one
  std::chrono::milliseconds retention{};
  std::uint64_t min_free_bytes = 0;

  // Store
  StoreKind store = StoreKind::kEmbedded;
  std::string postgres_url;  // as libpq takes it; empty: what the PG... variables say
  std::size_t postgres_connections = 0;
  std::chrono::milliseconds postgres_timeout{};
  std::vector<std::string> grant_to;
  std::optional<int> partition_hours;  // nothing: as it is
  bool timescaledb = false;

  // What is watched
  InfluencerSet influencers;
  Schedule schedule;  // interval and spread
  std::uint32_t shard_size = 0;
  std::chrono::milliseconds reseed{};  // 0: never

  // Asked by the command health
  std::string health_url;

  // The network
  std::string mockstagram_url;
  std::optional<double> max_rate;  // requests/s; nothing: see rate_limit; 0: unlimited
  double max_rate_total = 0;       // requests/s of all fetchers together; 0: unlimited
  std::size_t max_connections = 0;
  std::size_t pipelining = 0;
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds request_timeout{};
  std::chrono::milliseconds tick{};
  std::filesystem::path ca_file;  // empty: the system's certificates
  std::string user_agent;         // empty: influencer-analytics/VERSION

  // The daily check
  std::chrono::milliseconds check_interval{};  // 0: off
  std::optional<double> check_rate;            // calls/s; nothing: see CheckerOptions
  std::size_t check_connections = 0;
  std::chrono::milliseconds check_timeout{};

  // Queues
  QueueKind queue = QueueKind::kEmbedded;
  std::string sqs_endpoint;  // empty: AWS_ENDPOINT_URL_SQS, else AWS's of the region
  std::string sqs_region;    // empty: AWS_REGION and what else AWS's tools look at
  std::string sqs_prefix;    // of the queues' names
  std::uint32_t queue_receives_max = 0;
  std::chrono::milliseconds visibility{};

  // API
  Address listen;
  std::optional<Address> metrics_listen;   // of a stage that has no API; none: nowhere
  std::vector<std::string> allowed_hosts;  // see HttpServerOptions
  std::vector<AddressRange> trusted_proxies;
  std::size_t api_threads = 0;
  std::size_t api_max_connections = 0;
  std::size_t api_max_streams = 0;
  std::string api_token;  // empty: see WriteAccess
  bool alert_allow_private = false;
  double api_rate_limit = 0;  // requests/s of one client; 0: off
  std::int64_t movers_base_min = 0;

  // Signals
  SignalThresholds signals;

  // Output
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  bool report = false;
  std::uint64_t minutes = 0;  // complete ones, then stop; 0: run until stopped

  // prove-scale
  std::vector<std::uint32_t> workers;  // how many fetchers, one a round
  double worker_rate = 0;              // requests/s of one fetcher
  std::uint32_t sinks = 0;
  std::uint32_t trial_minutes = 0;
  std::string trial_url;     // the network; empty: a simulator of its own
  std::string trial_output;  // an SVG; empty: none

  // Simulator
  Address mockstagram_listen;
  std::uint64_t simulator_seed = 0;
  std::size_t simulator_answers_kept = 0;
  Faults faults;

  // Export
  std::optional<InfluencerId> influencer;
  std::optional<TimeBound> start;  // nothing: a day before `end`
  std::optional<TimeBound> end;    // nothing: now
  ExportKind what = ExportKind::kPoints;
  std::string output;               // "-": standard output
  bool partial = false;             // minutes that are still open, too
  std::filesystem::path backup_to;  // of backup
};

// How many influencers a shard has: shard_size, or fewer when they are few, so that every minute
// has sixty shards or more and the first values come within seconds.
std::uint32_t shard_size_of(const Config& config);

// The requests/s that a process may send when it is to fetch `influencers` of them: max_rate, or
// 1.1 x what is due over the time in which it is due. 0: unlimited.
double rate_limit(const Config& config, std::size_t influencers);

// The ids to export: the one, or the many.
InfluencerSet export_influencers(const Config& config);
// The minutes to export. kInvalid when start is not before end.
Result<MinuteRange> export_range(const Config& config, WallTime now);

// What somebody wrote for a setting, and where.
struct GivenValue {
  std::string name;  // the setting's, "api_threads"
  std::string text;
  std::string where;        // "--api-threads", "IA_API_THREADS", "ia.toml:3"
  bool is_in_file = false;  // so `where` does not name the setting
};

// Sentences, one a mistake, each with its place, its value and what is allowed.
using ConfigErrors = std::vector<std::string>;

// What a source says: values of known settings, not yet parsed, and what else stood there.
struct ReadValues {
  std::vector<GivenValue> values;
  ConfigErrors errors;
  std::vector<std::string> notes{};  // what was passed over, and why
};

// What is in force for a setting, fit to be shown: without secrets.
struct EffectiveValue {
  std::string name;
  std::string text;
  std::string where;  // "default" when nobody wrote anything
};

struct LoadedConfig {
  Config config;
  std::vector<EffectiveValue> effective;  // the command's settings, in the table's order
  std::vector<std::string> warnings;
};

// Puts flags over environment ("NAME=value" strings; those named IA_... count) over the TOML file
// (setting "config") over defaults; STATE_DIRECTORY, which systemd sets, is the default data
// directory of a service. Every value of every source is checked, also one that another
// overrides, and then the values against each other; all mistakes are returned at once.
// Reads files, changes nothing.
std::expected<LoadedConfig, ConfigErrors> load_config(Command command, const ReadValues& flags,
                                                      std::span<const std::string> environment);

}  // namespace ia
