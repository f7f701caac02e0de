#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "app/config/command.h"
#include "app/config/config.h"

namespace ia {

// A command to run with its settings.
struct Invocation {
  Command command;
  std::string action;         // of queues: create, show, purge or redrive; of verify, restore: DIR
  bool repair = false;        // of verify
  bool is_confirmed = false;  // of queues purge
  Config config;
  std::vector<std::string> warnings;  // for the log
};

// Nothing to run: what to print, and the exit code: 0 when that was asked for, 2 for wrong usage.
struct Exit {
  int code = 0;
  std::string output = {};  // for standard output
  std::string errors = {};  // for standard error
};

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
// The program has to begin again, and can: what starts it may do so at once (EX_TEMPFAIL).
inline constexpr int kExitRestart = 75;

// Understands "COMMAND [--flag value | --flag=value]...", with the environment ("NAME=value") and
// the config file behind it. Answers --help, help, version and check-config itself. Reads the
// config file and the files that it names, and changes nothing. Reports all mistakes together, as
// JSON log lines where the log format in force is JSON. Foreign text in them is printable.
// `arguments` are those after the program's name.
std::expected<Invocation, Exit> parse_command_line(std::span<const std::string> arguments,
                                                   std::span<const std::string> environment);

// What main gets, as parse_command_line wants it.
std::vector<std::string> strings_of(const char* const* null_terminated);

// Arguments on one line as they may be written down: settings without their secrets.
std::string shown_line(std::span<const std::string> arguments);

// Prints and returns the exit code.
int leave(const Exit& exit);

// "influencer-analytics 0.1.0".
std::string version_text();
std::string version_number();  // "0.1.0"

}  // namespace ia
