#include "app/config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "app/config/config_sources.h"
#include "app/config/settings.h"
#include "base/printable.h"

namespace ia {
namespace {

using namespace std::chrono_literals;

// Where a value stands, with its setting's name.
std::string place_of(const GivenValue& value) {
  return value.is_in_file ? fmt::format("{}: {}", value.where, value.name) : value.where;
}

// systemd names several directories with colons between them.
std::string state_directory(std::span<const std::string> environment) {
  constexpr std::string_view kName = "STATE_DIRECTORY=";
  for (const std::string_view entry : environment) {
    if (!entry.starts_with(kName)) continue;
    const auto list = entry.substr(kName.size());
    return std::string(list.substr(0, list.find(':')));
  }
  return {};
}

// Collects what is wrong, and the place that each setting got its value from.
class Loader {
 public:
  explicit Loader(Command command) : command_(command) {}

  void apply_defaults() {
    for (const auto& setting : settings()) {
      const auto text = fallback_of(setting, command_);
      in_force_[setting.name] = {setting.name, std::string(text), "default"};
      if (!text.empty()) apply(setting, in_force_[setting.name]);
    }
  }

  void apply_state_directory(const std::string& directory) {
    if (directory.empty() || fallback_of(*find_setting("data_dir"), command_).empty()) return;
    in_force_["data_dir"] = {"data_dir", directory, "STATE_DIRECTORY"};
    apply(*find_setting("data_dir"), in_force_["data_dir"]);
  }

  void apply(const ReadValues& source) {
    errors_.insert(errors_.end(), source.errors.begin(), source.errors.end());
    for (const auto& note : source.notes) warn(note);
    for (const auto& value : source.values) {
      const auto& setting = *find_setting(value.name);
      if (apply(setting, value)) in_force_[setting.name] = value;
    }
  }

  void check_together();

  std::expected<LoadedConfig, ConfigErrors> finish() {
    if (!errors_.empty()) return std::unexpected(std::move(errors_));
    for (const auto& setting : settings()) {
      if (!takes(command_, setting)) continue;
      auto& value = in_force_[setting.name];
      loaded_.effective.push_back({value.name, setting.value.shown(value.text), value.where});
    }
    return std::move(loaded_);
  }

 private:
  bool apply(const Setting& setting, const GivenValue& value) {
    const bool has_nul = value.text.contains('\0');
    const auto status = has_nul ? Status(fail(Errc::kInvalid, "must not hold a NUL character"))
                                : setting.value.apply(value.text, loaded_.config);
    if (status) return true;
    errors_.push_back(fmt::format("{} = {}: {}", place_of(value),
                                  printable_quoted(setting.value.shown(value.text)),
                                  status.error().message));
    return false;
  }

  bool uses(std::string_view name) const { return takes(command_, *find_setting(name)); }
  // "--spread 53s" for messages about several settings.
  std::string named(std::string_view name) const {
    const auto& setting = *find_setting(name);
    return fmt::format("{} {}", setting.flag(),
                       setting.value.shown(in_force_.find(name)->second.text));
  }
  void error(std::string message) { errors_.push_back(std::move(message)); }
  void warn(std::string message) { loaded_.warnings.push_back(std::move(message)); }

  void choose_queues();
  void check_export();
  void check_listening();
  void check_rate();
  void check_rate_total();
  void check_trial();

  Command command_;
  LoadedConfig loaded_;
  ConfigErrors errors_;
  std::map<std::string_view, GivenValue> in_force_;
};

// Without a word about the queues, a data directory means the ones in it.
void Loader::choose_queues() {
  const auto is_given = [this](std::string_view name) {
    const auto& where = in_force_[name].where;
    return where != "default" && where != "STATE_DIRECTORY";
  };
  if (is_given("queue") || is_given("sqs_endpoint") || !is_given("data_dir")) return;
  loaded_.config.queue = QueueKind::kEmbedded;
  in_force_["queue"] = {"queue", "embedded", "data_dir"};
}

void Loader::check_export() {
  const auto& config = loaded_.config;
  const bool one = config.influencer.has_value();
  const bool many = !config.influencers.empty();
  if (one == many) {
    error(fmt::format("give --influencer or --influencers, {}", one ? "not both" : "one of them"));
  }
}

void Loader::check_listening() {
  const auto& config = loaded_.config;
  if (uses("listen") && uses("mockstagram_listen") &&
      clash(config.listen, config.mockstagram_listen)) {
    error(fmt::format("{} and {} are the same port: choose another one for either, or 0",
                      named("listen"), named("mockstagram_listen")));
  }
  if (uses("listen") && uses("mockstagram_url") && config.listen.port != 0 &&
      config.mockstagram_url == "http://" + format_address(config.listen)) {
    error(fmt::format("{} is where this program itself listens: choose another --listen",
                      named("mockstagram_url")));
  }
  const std::pair<const char*, std::optional<Address>> addresses[] = {
      {"listen", config.listen},
      {"metrics_listen", config.metrics_listen},
      {"mockstagram_listen", config.mockstagram_listen}};
  for (const auto& [name, address] : addresses) {
    if (uses(name) && address && !is_loopback(*address)) {
      warn(named(name) + " can be reached by other machines, and there is no access control");
    }
  }
}

void Loader::check_rate() {
  const auto& config = loaded_.config;
  if (!uses("influencers") || !uses("max_rate") || config.influencers.empty()) return;
  const auto due = static_cast<double>(config.influencers.size()) /
                   static_cast<double>(config.schedule.interval.count());
  if (config.max_rate.value_or(0) == 0 || *config.max_rate * 56 >= due) return;
  warn(fmt::format("{} is too low for {:.0f} influencers a minute: at most {:.0f} % can be fetched",
                   named("max_rate"), due, 100 * *config.max_rate * 56 / due));
}

void Loader::check_rate_total() {
  const auto& config = loaded_.config;
  const bool may_be_many = config.queue == QueueKind::kSqs && uses("max_rate_total");
  if (!may_be_many || config.max_rate_total == 0 || config.store == StoreKind::kPostgres) return;
  error(
      fmt::format("{} is shared through PostgreSQL: give --store postgres, or --max-rate to each "
                  "fetcher",
                  named("max_rate_total")));
}

void Loader::check_trial() {
  const auto& config = loaded_.config;
  if (config.queue == QueueKind::kSqs && config.store == StoreKind::kPostgres) return;
  error(
      "prove-scale is for queues and stores that machines share: give --queue sqs and --store "
      "postgres with their servers (--sqs-endpoint, --postgres-url). bench/scale_bench.py starts "
      "both on this machine");
}

void Loader::check_together() {
  const auto& config = loaded_.config;
  if (!errors_.empty()) return;  // what is wrong by itself would only be blamed twice
  if (config.connect_timeout > config.request_timeout) {
    error(fmt::format("{} must not be longer than {}", named("connect_timeout"),
                      named("request_timeout")));
  }
  const bool seeds = uses("spread") && command_ != Command::kCheckConfig;
  if (seeds && config.influencers.empty()) {
    error("--influencers is missing: ids and ranges (1000000-1999999,5,7) or a file with them");
  }
  if (const auto status = check(config.faults); !status) error(status.error().message);
  if (command_ == Command::kQueues) choose_queues();
  if (command_ == Command::kExport) check_export();
  if (command_ == Command::kProveScale) check_trial();
  check_listening();
  check_rate();
  check_rate_total();
}

}  // namespace

std::uint32_t shard_size_of(const Config& config) {
  constexpr std::size_t kShardsMin = 60;
  const auto fitting = std::max<std::size_t>(1, config.influencers.size() / kShardsMin);
  return static_cast<std::uint32_t>(std::min<std::size_t>(config.shard_size, fitting));
}

double rate_limit(const Config& config, std::size_t influencers) {
  if (config.max_rate) return *config.max_rate;
  const auto spread = std::chrono::duration<double>(config.schedule.spread).count();
  if (spread == 0) return 0;
  const auto due =
      static_cast<double>(influencers) / static_cast<double>(config.schedule.interval.count());
  // A shard is asked for as a whole, so the least is one a second.
  return std::max(1.0, 1.1 * due / spread);
}

InfluencerSet export_influencers(const Config& config) {
  if (!config.influencer) return config.influencers;
  return InfluencerSet({{*config.influencer, *config.influencer}});
}

Result<MinuteRange> export_range(const Config& config, WallTime now) {
  const auto end = resolve(config.end.value_or(0ms), now);
  const auto start = resolve(config.start.value_or(end - 24h), now);
  if (start >= end) {
    return fail(Errc::kInvalid, "--start must be before --end: choose an earlier start");
  }
  return MinuteRange{minute_of(start), std::chrono::ceil<std::chrono::minutes>(end)};
}

std::expected<LoadedConfig, ConfigErrors> load_config(Command command, const ReadValues& flags,
                                                      std::span<const std::string> environment) {
  const auto variables = read_environment(environment);
  const auto file = read_config_file(chosen_config_file(flags.values, variables.values));
  Loader loader(command);
  loader.apply_defaults();
  loader.apply_state_directory(state_directory(environment));
  for (const auto* source : {&file, &variables, &flags}) loader.apply(*source);
  loader.check_together();
  return loader.finish();
}

}  // namespace ia
