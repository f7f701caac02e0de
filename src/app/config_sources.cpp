#include "app/config_sources.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "app/settings.h"
#include "app/text_file.h"

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
      read.errors.push_back(
          fmt::format("{}: unknown setting \"{}\"{}", where, name, did_you_mean(name, keys)));
    } else if (!text) {
      read.errors.push_back(
          fmt::format("{}: {} must be text in quotes, a number, true or false", where, name));
    } else {
      read.values.push_back({name, *text, where});
    }
  }
  return read;
}

}  // namespace

ReadValues read_environment(std::span<const std::string> environment) {
  ReadValues read;
  const auto names = environment_names();
  for (const auto& entry : environment) {
    if (!entry.starts_with("IA_")) continue;
    const auto equals = std::min(entry.find('='), entry.size());
    const auto name = entry.substr(0, equals);
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      read.errors.push_back(
          fmt::format("{}: unknown setting in the environment{}", name, did_you_mean(name, names)));
      continue;
    }
    const auto& setting = settings()[static_cast<std::size_t>(found - names.begin())];
    const auto text = equals == entry.size() ? std::string() : entry.substr(equals + 1);
    read.values.push_back({setting.name, text, name});
  }
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

std::string did_you_mean(std::string_view wrong, std::span<const std::string> names) {
  const auto name = nearest(wrong, names);
  return name ? fmt::format("; did you mean {}?", *name) : "";
}

}  // namespace ia
