#include "app/config/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/config/config_sources.h"
#include "app/config/help.h"
#include "app/config/settings.h"
#include "base/printable.h"

namespace ia {
namespace {

std::string usage_text(const ConfigErrors& errors, std::string_view try_this) {
  std::string text = "influencer-analytics: ";
  text += errors.size() == 1 ? printable(errors.front()) + "\n"
                             : fmt::format("{} mistakes\n", errors.size());
  for (const auto& error : errors) {
    if (errors.size() > 1) text += fmt::format("  {}\n", printable(error));
  }
  return text + fmt::format("Try: influencer-analytics {}\n", try_this);
}

std::string json_lines(const ConfigErrors& errors) {
  std::string text;
  Log log(LogLevel::kError, LogFormat::kJson,
          [&text](std::string_view line) { text += std::string(line) + "\n"; });
  for (const auto& error : errors) log.error("config", error);
  return text;
}

Exit usage_error(const ConfigErrors& errors, std::string_view try_this, bool as_json = false) {
  return {.code = kExitUsage,
          .output = {},
          .errors = as_json ? json_lines(errors) : usage_text(errors, try_this)};
}

bool asks_for_help(std::span<const std::string> arguments) {
  return std::ranges::any_of(arguments, [](const auto& a) { return a == "--help" || a == "-h"; });
}

std::string underscored(std::string text) {
  std::ranges::replace(text, '-', '_');
  return text;
}

std::vector<std::string> flags_of(Command command) {
  std::vector<std::string> flags;
  for (const auto& setting : settings()) {
    if (takes(command, setting)) flags.push_back(setting.flag());
  }
  return flags;
}

std::string unknown_flag(Command command, const std::string& flag) {
  const auto& name = info_of(command).name;
  for (const auto& setting : settings()) {
    if (setting.flag() == flag) {
      return fmt::format("{} is not an option of {}, but of {}", flag, name,
                         names_of(setting.commands));
    }
  }
  const auto* meant = setting_called(underscored(flag.substr(2)));
  if (meant != nullptr && takes(command, *meant)) {
    return fmt::format("unknown option {}; did you mean {} {}?", flag, meant->flag(),
                       meant->value.placeholder);
  }
  return fmt::format("unknown option {}{}", flag, did_you_mean(flag, flags_of(command)));
}

bool takes(Command command, std::string_view name) { return takes(command, *find_setting(name)); }

// The option that an argument without one is for, or empty.
std::string_view option_for(Command command, const std::string& argument) {
  const auto ids = InfluencerSet::parse(argument);
  if (ids && !ids->empty() && takes(command, "influencers")) return "--influencers";
  const bool is_web = argument.starts_with("http://") || argument.starts_with("https://");
  if (is_web && command == Command::kHealth) return "--url";
  if (is_web && takes(command, "mockstagram_url")) return "--mockstagram-url";
  if (argument.starts_with("postgres") && takes(command, "postgres_url")) return "--postgres-url";
  if (argument.ends_with(".toml") && takes(command, "config")) return "--config";
  if (parse_address(argument) && takes(command, "listen")) return "--listen";
  return {};
}

std::string unexpected_argument(Command command, const std::string& argument) {
  const auto option = option_for(command, argument);
  if (option.empty()) return fmt::format("unexpected argument {}", printable_quoted(argument));
  return fmt::format("unexpected argument {}; did you mean {} {}?", printable_quoted(argument),
                     option, argument);
}

class FlagParser {
 public:
  FlagParser(Command command, std::span<const std::string> arguments)
      : command_(command), rest_(arguments) {}

  ReadValues parse() {
    while (!rest_.empty()) parse_one(take());
    return std::move(parsed_);
  }

 private:
  const std::string& take() {
    const auto& first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  void parse_one(const std::string& argument) {
    if (!argument.starts_with("--") || argument.size() == 2) {
      parsed_.errors.push_back(unexpected_argument(command_, argument));
      return;
    }
    const auto equals = std::min(argument.find('='), argument.size());
    const auto flag = argument.substr(0, equals);
    const auto* setting = find_flag(command_, flag.substr(2));
    const bool attached = equals < argument.size();
    // A value may begin with one dash (-1h, -), never with two.
    const bool follows = !attached && !rest_.empty() && !rest_.front().starts_with("--");
    const auto text = attached ? argument.substr(equals + 1) : follows ? take() : std::string();
    if (setting == nullptr) {
      parsed_.errors.push_back(unknown_flag(command_, flag));
    } else if (!attached && !follows) {
      parsed_.errors.push_back(fmt::format("{} needs a value: {}", flag, setting->value.allowed));
    } else {
      add({setting->name, text, flag});
    }
  }

  void add(GivenValue value) {
    const auto twice = std::ranges::find(parsed_.values, value.name, &GivenValue::name);
    if (twice != parsed_.values.end()) {
      parsed_.errors.push_back(fmt::format("{} is given twice", value.where));
    } else {
      parsed_.values.push_back(std::move(value));
    }
  }

  Command command_;
  std::span<const std::string> rest_;
  ReadValues parsed_;
};

// Settings in columns: name, value, where it comes from.
std::string effective_text(const std::vector<EffectiveValue>& values) {
  std::string text;
  for (const auto& value : values) {
    const auto shown = value.text.empty() ? std::string("(none)") : value.text;
    text += fmt::format("{:<22} {:<28} {}\n", value.name, printable(shown), value.where);
  }
  return text;
}

std::string warnings_text(const std::vector<std::string>& warnings) {
  std::string text;
  for (const auto& warning : warnings) text += fmt::format("warning: {}\n", printable(warning));
  return text;
}

// The log format in force, of what was given, whatever else is wrong.
bool wants_json(std::span<const std::string> arguments, std::span<const std::string> environment) {
  const auto flags = FlagParser(Command::kCheckConfig, arguments).parse();
  const auto variables = read_environment(environment);
  const auto file = read_config_file(chosen_config_file(flags.values, variables.values));
  for (const auto* source : {&flags, &variables, &file}) {
    const auto given =
        std::ranges::find(source->values, std::string_view("log_format"), &GivenValue::name);
    if (given != source->values.end()) return given->text == "json";
  }
  return false;
}

std::expected<LoadedConfig, Exit> load(Command command, std::span<const std::string> arguments,
                                       std::span<const std::string> environment) {
  auto loaded = load_config(command, FlagParser(command, arguments).parse(), environment);
  if (loaded) return *std::move(loaded);
  return std::unexpected(usage_error(loaded.error(),
                                     fmt::format("{} --help", info_of(command).name),
                                     wants_json(arguments, environment)));
}

// "check-config [COMMAND] [options]": with a command, what it would start with.
Exit check_config(std::span<const std::string> arguments,
                  std::span<const std::string> environment) {
  auto command = Command::kCheckConfig;
  const auto* named = arguments.empty() ? nullptr : find_command(arguments.front());
  if (named != nullptr) {
    command = named->command;
    arguments = arguments.subspan(1);
  }
  const auto loaded = load(command, arguments, environment);
  if (!loaded) return loaded.error();
  return {.code = 0,
          .output = effective_text(loaded->effective) + "all settings are valid\n",
          .errors = warnings_text(loaded->warnings)};
}

bool is_queues_action(std::string_view text) {
  return text == "create" || text == "show" || text == "purge" || text == "redrive";
}

bool takes_directory(Command command) {
  return command == Command::kVerify || command == Command::kRestore;
}

Exit unknown_command(const std::string& name) {
  std::vector<std::string> names{"help"};
  for (const auto& info : commands()) names.emplace_back(info.name);
  return usage_error(
      {fmt::format("unknown command {}{}", printable_quoted(name), did_you_mean(name, names))},
      "--help");
}

// "help [COMMAND]".
Exit help(std::span<const std::string> arguments) {
  if (arguments.empty() || asks_for_help(arguments)) return {.output = overview_text()};
  const auto* info = find_command(arguments.front());
  if (info == nullptr) return unknown_command(arguments.front());
  return {.output = help_text(info->command)};
}

// Removes a word that is no setting's flag from the options.
bool take_word(std::vector<std::string>& options, std::string_view word) {
  return std::erase(options, word) > 0;
}

}  // namespace

std::expected<Invocation, Exit> parse_command_line(std::span<const std::string> arguments,
                                                   std::span<const std::string> environment) {
  if (arguments.empty()) {
    return std::unexpected(Exit{.code = kExitUsage, .output = {}, .errors = overview_text()});
  }
  const auto& name = arguments.front();
  if (name == "--help" || name == "-h") return std::unexpected(Exit{.output = overview_text()});
  if (name == "help") return std::unexpected(help(arguments.subspan(1)));
  const auto* info = find_command(name == "--version" ? "version" : name);
  if (info == nullptr) return std::unexpected(unknown_command(name));
  auto options = arguments.subspan(1);
  const bool asks = !takes_directory(info->command) && !options.empty() && options[0] == "help";
  if (asks || asks_for_help(options)) {
    return std::unexpected(Exit{.output = help_text(info->command)});
  }
  if (info->command == Command::kCheckConfig) {
    return std::unexpected(check_config(options, environment));
  }
  if (info->command == Command::kVersion) {
    return std::unexpected(Exit{.output = version_text() + "\n"});
  }
  std::string action;
  if (info->command == Command::kQueues) {
    if (options.empty() || !is_queues_action(options.front())) {
      return std::unexpected(
          usage_error({"say what to do: queues create|show|purge|redrive"}, "queues --help"));
    }
    action = options.front();
    options = options.subspan(1);
  }
  std::vector<std::string> rest(options.begin(), options.end());
  const bool repair = info->command == Command::kVerify && take_word(rest, "--repair");
  const bool is_confirmed = action == "purge" && take_word(rest, "--yes");
  if (takes_directory(info->command) && !rest.empty() && !rest.front().starts_with("--")) {
    action = rest.front();
    rest.erase(rest.begin());
  }
  if (info->command == Command::kRestore && action.empty()) {
    return std::unexpected(usage_error({"say which backup: restore DIR"}, "restore --help"));
  }
  auto loaded = load(info->command, rest, environment);
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  return Invocation{.command = info->command,
                    .action = std::move(action),
                    .repair = repair,
                    .is_confirmed = is_confirmed,
                    .config = std::move(loaded->config),
                    .warnings = std::move(loaded->warnings)};
}

std::vector<std::string> strings_of(const char* const* null_terminated) {
  std::vector<std::string> strings;
  for (; *null_terminated != nullptr; ++null_terminated) strings.emplace_back(*null_terminated);
  return strings;
}

std::string shown_line(std::span<const std::string> arguments) {
  std::string line;
  const Setting* named = nullptr;  // by the argument before
  for (std::string_view rest : arguments) {
    if (!line.empty()) line += ' ';
    if (rest.starts_with("--")) {
      const auto equals = rest.find('=');
      named = find_flag(Command::kCheckConfig, rest.substr(2, equals - 2));
      if (equals == rest.npos) {
        line += rest;
        continue;
      }
      line += rest.substr(0, equals + 1);
      rest.remove_prefix(equals + 1);
    }
    line += named == nullptr ? std::string(rest) : named->value.shown(rest);
    named = nullptr;
  }
  return line;
}

int leave(const Exit& exit) {
  std::fputs(exit.output.c_str(), stdout);
  std::fputs(exit.errors.c_str(), stderr);
  return exit.code;
}

std::string version_number() {
  const auto text = version_text();
  return text.substr(text.rfind(' ') + 1);
}

std::string version_text() { return "influencer-analytics " IA_VERSION; }

}  // namespace ia
