#include "app/config/config_sources.h"

#include <regex.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "app/config/settings.h"
#include "app/process/text_file.h"
#include "base/ascii.h"

namespace ia {
namespace {

constexpr std::string_view kConfigName = "config";

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (const auto& setting : settings()) names.push_back(setting.environment_name());
  return names;
}

std::vector<std::string> file_keys() {
  std::vector<std::string> keys;
  for (const auto& setting : settings()) {
    if (setting.name != kConfigName) keys.emplace_back(setting.name);
  }
  return keys;
}

// Names of other programs' options, and the settings that they mean.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"port", "listen"},
    {"host", "listen"},
    {"bind", "listen"},
    {"address", "listen"},
    {"addr", "listen"},
    {"http_port", "listen"},
    {"metrics_port", "metrics_listen"},
    {"url", "mockstagram_url"},
    {"server", "mockstagram_url"},
    {"upstream", "mockstagram_url"},
    {"network", "mockstagram_url"},
    {"data", "data_dir"},
    {"dir", "data_dir"},
    {"directory", "data_dir"},
    {"datadir", "data_dir"},
    {"path", "data_dir"},
    {"ids", "influencers"},
    {"accounts", "influencers"},
    {"users", "influencers"},
    {"id", "influencer"},
    {"conf", "config"},
    {"config_file", "config"},
    {"token", "api_token"},
    {"threads", "api_threads"},
    {"db", "postgres_url"},
    {"dsn", "postgres_url"},
    {"database", "postgres_url"},
    {"database_url", "postgres_url"},
    {"verbose", "log_level"},
    {"debug", "log_level"},
    {"quiet", "log_level"},
    {"json", "log_format"},
    {"rate", "max_rate"},
    {"timeout", "request_timeout"},
    {"region", "sqs_region"},
    {"endpoint", "sqs_endpoint"},
    {"out", "output"},
    {"file", "output"},
    {"from", "start"},
    {"since", "start"},
    {"until", "end"},
};

// "; did you mean X?": what is `meant` for sure, else what is near.
std::string suggestion(const std::string& meant, std::string_view wrong,
                       std::span<const std::string> names) {
  return meant.empty() ? did_you_mean(wrong, names) : fmt::format("; did you mean {}?", meant);
}

// Of POSIX, as g++ 12 warns of std::regex when it looks for undefined behaviour.
bool is_match(const char* pattern, const std::string& text) {
  regex_t compiled;
  if (::regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0) return false;
  const bool matches = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return matches;
}

// What Kubernetes sets for the service "ia", and for every one that begins with "ia-". The values
// are looked at too, so that a setting with a typing error is not taken for one.
bool is_of_kubernetes(const std::string& name, const std::string& text) {
  constexpr const char* kEndpoint = "^IA(_[A-Z0-9_]+)?_PORT(_[0-9]+_(TCP|UDP|SCTP))?$";
  constexpr const char* kEndpointPart = "^IA(_[A-Z0-9_]+)?_PORT_[0-9]+_(TCP|UDP|SCTP)_[A-Z]+$";
  constexpr const char* kService = "^IA(_[A-Z0-9_]+)?_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$";
  constexpr const char* kUrl = "^(tcp|udp|sctp)://.+$";
  constexpr const char* kPart = "^([0-9]+|tcp|udp|sctp|[0-9a-fA-F.:]+)$";
  return (is_match(kEndpoint, name) && is_match(kUrl, text)) ||
         (is_match(kEndpointPart, name) && is_match(kPart, text)) ||
         (is_match(kService, name) && is_match(kPart, text));
}

std::string note_of(const std::vector<std::string>& of_kubernetes) {
  return fmt::format(
      "ignored in the environment, as Kubernetes sets them for its services: {} "
      "(enableServiceLinks: false in the pod leaves them out)",
      fmt::join(of_kubernetes, ", "));
}

std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "on" : "off";
  return std::nullopt;
}

ReadValues read_table(const toml::table& table, const std::string& path) {
  ReadValues read;
  const auto keys = file_keys();
  for (const auto& [key, node] : table) {
    const auto where = fmt::format("{}:{}", path, key.source().begin.line);
    const auto name = std::string(key.str());
    const auto text = text_of(node);
    if (std::ranges::find(keys, name) == keys.end()) {
      const auto* meant = setting_called(name);
      read.errors.push_back(
          fmt::format("{}: unknown setting \"{}\"{}", where, name,
                      suggestion(meant == nullptr ? "" : meant->name, name, keys)));
    } else if (!text) {
      read.errors.push_back(
          fmt::format("{}: {} must be text in quotes, a number, true or false", where, name));
    } else {
      read.values.push_back({name, *text, where, true});
    }
  }
  return read;
}

}  // namespace

ReadValues read_environment(std::span<const std::string> environment) {
  ReadValues read;
  const auto names = environment_names();
  std::vector<std::string> of_kubernetes;
  for (const auto& entry : environment) {
    if (!entry.starts_with("IA_")) continue;
    const auto equals = std::min(entry.find('='), entry.size());
    const auto name = entry.substr(0, equals);
    const auto text = equals == entry.size() ? std::string() : entry.substr(equals + 1);
    const auto found = std::ranges::find(names, name);
    if (found == names.end() && is_of_kubernetes(name, text)) {
      of_kubernetes.push_back(name);
      continue;
    }
    if (found == names.end()) {
      const auto* meant = setting_called(lowered(name.substr(3)));
      read.errors.push_back(
          fmt::format("{}: unknown setting in the environment{}", name,
                      suggestion(meant == nullptr ? "" : meant->environment_name(), name, names)));
      continue;
    }
    const auto& setting = settings()[static_cast<std::size_t>(found - names.begin())];
    read.values.push_back({setting.name, text, name});
  }
  if (!of_kubernetes.empty()) read.notes.push_back(note_of(of_kubernetes));
  return read;
}

ReadValues read_config_file(const std::string& path) {
  if (path.empty()) return {};
  const auto content = read_text_file(path);
  if (!content) {
    return {.values = {},
            .errors = {fmt::format("config file {} {}", path, content.error().message)}};
  }
  return read_config_text(*content, path);
}

ReadValues read_config_text(std::string_view text, const std::string& path) {
  try {
    return read_table(toml::parse(text, path), path);
  } catch (const toml::parse_error& error) {
    return {.values = {},
            .errors = {fmt::format("{}:{}: not TOML: {}", path, error.source().begin.line,
                                   error.description())}};
  }
}

std::string chosen_config_file(std::span<const GivenValue> flags,
                               std::span<const GivenValue> environment) {
  for (const auto& source : {flags, environment}) {
    const auto found = std::ranges::find(source, kConfigName, &GivenValue::name);
    if (found != source.end()) return found->text;
  }
  return {};
}

const Setting* setting_called(std::string_view name) {
  const auto found =
      std::ranges::find(kOtherNames, name, [](const auto& pair) { return pair.first; });
  return found == std::end(kOtherNames) ? nullptr : find_setting(found->second);
}

std::string did_you_mean(std::string_view wrong, std::span<const std::string> names) {
  const auto name = nearest(wrong, names);
  return name ? fmt::format("; did you mean {}?", *name) : "";
}

}  // namespace ia
