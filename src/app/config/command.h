#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ia {

// What the program is asked to do. One bit each, so that sets of commands are sums.
enum class Command : unsigned {
  kDemo = 1U << 0,
  kRun = 1U << 1,
  kSeed = 1U << 2,
  kFetch = 1U << 3,
  kSink = 1U << 4,
  kApi = 1U << 5,
  kMockstagram = 1U << 6,
  kExport = 1U << 7,
  kDoctor = 1U << 8,
  kCheckConfig = 1U << 9,
  kVersion = 1U << 10,
  kQueues = 1U << 11,
  kMigrate = 1U << 12,
  kCheck = 1U << 13,
  kProveScale = 1U << 14,
  kHealth = 1U << 15,
  kBackup = 1U << 16,
  kVerify = 1U << 17,
  kRestore = 1U << 18,
};

using CommandBits = unsigned;
constexpr CommandBits bit(Command command) { return static_cast<CommandBits>(command); }
constexpr CommandBits operator|(Command a, Command b) { return bit(a) | bit(b); }
constexpr CommandBits operator|(CommandBits a, Command b) { return a | bit(b); }

struct CommandInfo {
  Command command;
  std::string_view name;
  std::string_view summary;  // completes "run: ..."
  std::string_view example;
  std::string_view usage = "[options]";
};

std::span<const CommandInfo> commands();
const CommandInfo& info_of(Command command);
const CommandInfo* find_command(std::string_view name);
// "run, fetch".
std::string names_of(CommandBits bits);

}  // namespace ia
