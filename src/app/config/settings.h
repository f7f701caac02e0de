#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/config.h"
#include "base/error.h"

namespace ia {

struct Setting {
  // What may be written for a setting, and where it goes.
  struct Value {
    std::string placeholder;  // in help: "DURATION"
    std::string allowed;      // completes "must be ..."
    // Parses into the config. The error is the message for people, without the value itself.
    std::function<Status(std::string_view text, Config& config)> apply;
    // Fit to be shown: the text, or what is left of it when parts are secret.
    std::function<std::string(std::string_view text)> shown;
  };
  // A default that holds for some commands only.
  struct Override {
    CommandBits commands;
    std::string_view text;
  };

  std::string name;           // as in TOML: "api_threads"
  std::string_view fallback;  // the default; empty: none
  Value value;
  std::string_view help;  // one sentence
  CommandBits commands;   // who takes it
  // A shorter flag, in commands that have no setting of that name.
  std::string_view alias = {};
  Override override = {};
  std::string_view group = {};  // heading in help and in the example file

  std::string flag() const;              // "--api-threads"
  std::string environment_name() const;  // "IA_API_THREADS"
};

// The one table that help, checks, docs/configuration.md and the example file come from. Settings
// of a group stand together.
std::span<const Setting> settings();

const Setting* find_setting(std::string_view name);
bool takes(Command command, const Setting& setting);
std::string_view fallback_of(const Setting& setting, Command command);
// The setting that a flag of the command means: "listen" without its dashes.
const Setting* find_flag(Command command, std::string_view flag);

}  // namespace ia
