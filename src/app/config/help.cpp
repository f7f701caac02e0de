#include "app/config/help.h"

#include <fmt/format.h>

#include "app/config/settings.h"

namespace ia {
namespace {

// Breaks text at blanks into lines of at most `width`, each after the first behind `indent`.
std::string wrapped(std::string_view text, std::size_t width, const std::string& indent) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (column > 0 && column + 1 + end > width) {
      out += "\n" + indent;
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string flags_line(Command command, const Setting& setting) {
  auto line = fmt::format("  {} {}", setting.flag(), setting.value.placeholder);
  if (setting.alias.empty() || find_flag(command, setting.alias) != &setting) return line;
  return fmt::format("  --{}, {}", setting.alias, line.substr(2));
}

std::string setting_help(Command command, const Setting& setting) {
  const auto fallback = fallback_of(setting, command);
  auto about = std::string(setting.help);
  if (setting.value.allowed != setting.value.placeholder) {
    about += fmt::format(" Allowed: {}.", setting.value.allowed);
  }
  if (!fallback.empty()) about += fmt::format(" Default: {}.", fallback);
  return fmt::format("{}\n      {}\n", flags_line(command, setting), wrapped(about, 88, "      "));
}

std::string code_or_none(std::string_view text) {
  return text.empty() ? "none" : fmt::format("`{}`", text);
}

std::string defaults_text(const Setting& setting) {
  auto text = code_or_none(setting.fallback);
  if (setting.override.commands != 0) {
    text += fmt::format("; {}: {}", names_of(setting.override.commands),
                        setting.override.text.empty() ? "a temporary directory"
                                                      : code_or_none(setting.override.text));
  }
  return text;
}

// A vertical bar would end the table's cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string overview_text() {
  std::string text =
      "Follower counts of a million influencers, minute by minute.\n\n"
      "Usage: influencer-analytics COMMAND [options]\n\nCommands:\n";
  for (const auto& info : commands()) text += fmt::format("  {:<13} {}\n", info.name, info.summary);
  return text +
         "\nEach option can also stand in a TOML file (--config FILE) or in the environment\n"
         "(IA_LISTEN for --listen). Options of a command: influencer-analytics help COMMAND\n"
         "Try: influencer-analytics demo\n";
}

std::string help_text(Command command) {
  const auto& info = info_of(command);
  auto text = fmt::format("influencer-analytics {}: {}\n\nUsage: influencer-analytics {} {}\n",
                          info.name, info.summary, info.name, info.usage);
  text += fmt::format("Example: {}\n", info.example);
  if (command == Command::kVersion) return text;
  std::string_view group;
  for (const auto& setting : settings()) {
    if (!takes(command, setting)) continue;
    if (setting.group != group) text += fmt::format("\n{}:\n", setting.group);
    group = setting.group;
    text += setting_help(command, setting);
  }
  return text;
}

std::string example_config() {
  std::string text =
      "# Every setting of influencer-analytics, at its default. Remove the \"# \" before one to\n"
      "# change it. Flags and IA_... variables win over this file; unknown names are errors.\n"
      "# Check it with: influencer-analytics check-config --config FILE\n";
  std::string_view group;
  for (const auto& setting : settings()) {
    if (setting.name == "config") continue;
    if (setting.group != group) text += fmt::format("\n# ---- {} ----\n", setting.group);
    group = setting.group;
    text += fmt::format("\n## {}\n## Allowed: {}.\n", wrapped(setting.help, 90, "## "),
                        wrapped(setting.value.allowed, 80, "## "));
    if (setting.override.commands != 0) {
      text += fmt::format(
          "## Default of {}: {}.\n", names_of(setting.override.commands),
          setting.override.text.empty() ? "a temporary directory" : setting.override.text);
    }
    text += fmt::format("# {} = \"{}\"\n", setting.name, setting.fallback);
  }
  return text;
}

std::string configuration_page() {
  std::string text =
      "# Configuration\n\n"
      "Each setting can be given as a flag (`--api-threads 2`), in the environment\n"
      "(`IA_API_THREADS=2`) or in a TOML file (`api_threads = 2`) that `--config` or `IA_CONFIG`\n"
      "names. Flags win over the environment, the environment over the file, the file over the\n"
      "default. Unknown names are errors, and all mistakes are told at once, before anything is\n"
      "started or written. `influencer-analytics check-config` shows what is in force and where\n"
      "it comes from; `check-config run` checks it as `run` would.\n\n"
      "Variables that Kubernetes sets for a service whose name begins with `ia`\n"
      "(`IA_PORT=tcp://...`, `IA_SERVICE_HOST` and the like) are ignored with a warning. Where\n"
      "nothing names `data_dir`, the directory that systemd made for the service\n"
      "(`STATE_DIRECTORY`) is used.\n\n"
      "This page and\n"
      "[influencer-analytics.example.toml](../deploy/influencer-analytics.example.toml) are\n"
      "written from the table of settings in `src/app/config/settings.cpp`; a test compares them\n"
      "with it, and `UPDATE_GENERATED=1 ctest -R GeneratedFiles` writes them anew.\n";
  std::string_view group;
  for (const auto& setting : settings()) {
    if (setting.group != group) {
      text += fmt::format(
          "\n## {}\n\n| setting | default | allowed | meaning | commands |\n"
          "|---|---|---|---|---|\n",
          setting.group);
    }
    group = setting.group;
    text +=
        fmt::format("| `{}` | {} | {} | {} | {} |\n", setting.name, defaults_text(setting),
                    cell(setting.value.allowed), cell(setting.help), names_of(setting.commands));
  }
  return text;
}

}  // namespace ia
