#include "app/config/command.h"

#include <algorithm>

namespace ia {
namespace {

using enum Command;

constexpr CommandInfo kCommands[] = {
    {kDemo, "demo", "the simulator and everything else in one process, offline",
     "influencer-analytics demo --influencers 1000000-1099999"},
    {kRun, "run", "all stages in one process, against a real network",
     "influencer-analytics run --influencers 1000000-1999999 "
     "--mockstagram-url http://127.0.0.1:3000 --data-dir data"},
    {kSeed, "seed", "write the influencers to watch into the id queue, and exit",
     "influencer-analytics seed --influencers 1000000-1999999 --data-dir data"},
    {kFetch, "fetch", "only fetch: from the id queue to the points queue",
     "influencer-analytics fetch --mockstagram-url http://127.0.0.1:3000 --data-dir data"},
    {kSink, "sink", "only store: from the points queue to the store",
     "influencer-analytics sink --data-dir data --retention 90d"},
    {kCheck, "check", "only ask the network once a day which influencers are suspicious",
     "influencer-analytics check --mockstagram-url http://127.0.0.1:3000 --data-dir data"},
    {kApi, "api", "only serve the API and the dashboard",
     "influencer-analytics api --data-dir data --listen 127.0.0.1:8080"},
    {kMockstagram, "mockstagram", "only the simulated Mockstagram server",
     "influencer-analytics mockstagram --listen 127.0.0.1:3000 --influencers 1000000-1999999"},
    {kExport, "export", "export series or verdicts as CSV",
     "influencer-analytics export --influencer 1000001 --start -1h --output series.csv"},
    {kBackup, "backup", "copy the data directory, consistently, while it is in use",
     "influencer-analytics backup --data-dir data --to backups/2026-01-31"},
    {kVerify, "verify", "read all stored data and report what is damaged",
     "influencer-analytics verify data --repair", "[DIR] [--repair] [options]"},
    {kRestore, "restore", "create a data directory from a backup",
     "influencer-analytics restore backups/2026-01-31 --data-dir data", "DIR [options]"},
    {kDoctor, "doctor", "check this machine and suggest a fix for each problem",
     "influencer-analytics doctor --data-dir data --mockstagram-url http://127.0.0.1:3000"},
    {kHealth, "health", "ask a running process whether it is healthy, and exit with 0 or 1",
     "influencer-analytics health --url http://127.0.0.1:8080/healthz"},
    {kQueues, "queues", "create, show, purge or redrive the queues at SQS or in a data directory",
     "influencer-analytics queues create --sqs-region eu-west-1",
     "create|show|purge [--yes]|redrive [options]"},
    {kMigrate, "migrate", "create or update the tables in PostgreSQL, and exit",
     "influencer-analytics migrate --postgres-url postgresql://owner@db.example/analytics "
     "--grant-to ia"},
    {kProveScale, "prove-scale", "measure whether N fetchers over real servers do N times the work",
     "influencer-analytics prove-scale --queue sqs --sqs-region eu-west-1 --store postgres "
     "--postgres-url postgresql://owner@db.example/analytics"},
    {kCheckConfig, "check-config", "check all settings and print those in effect",
     "influencer-analytics check-config run --config influencer-analytics.toml",
     "[COMMAND] [options]"},
    {kVersion, "version", "print the version", "influencer-analytics version", ""},
};

}  // namespace

std::span<const CommandInfo> commands() { return kCommands; }

const CommandInfo& info_of(Command command) {
  return *std::ranges::find(kCommands, command, &CommandInfo::command);
}

const CommandInfo* find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &CommandInfo::name);
  return found == std::end(kCommands) ? nullptr : &*found;
}

std::string names_of(CommandBits bits) {
  std::string out;
  for (const auto& info : kCommands) {
    if ((bits & bit(info.command)) == 0) continue;
    if (!out.empty()) out += ", ";
    out += info.name;
  }
  return out;
}

}  // namespace ia
