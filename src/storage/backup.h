#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace ia {

struct BackupReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> findings;  // what was damaged or gone already, a sentence each
};

// Copies everything that a data directory keeps (store, queues, verdicts, alerts) while any number
// of processes use it, as it was at one moment: queues before the store, so that a batch is in one
// of them or in both, and the store's tables before its segments, which never change; when one was
// merged and removed in between, the tables are copied again. `target` must not exist; it appears
// under its name once it is whole and on the disk. kCorrupt when a table cannot be read.
Result<BackupReport> back_up(const std::filesystem::path& data,
                             const std::filesystem::path& target);

struct VerifyReport {
  std::uint64_t frames = 0;
  std::uint64_t segments = 0;
  std::uint64_t chunks = 0;
  std::uint64_t values = 0;
  std::vector<std::string> findings;  // each is damage or a contradiction, with its place
  std::vector<std::string> repairs;   // what was done about them
};

// Reads everything: each page of each database, each frame, each chunk, the registry, and compares
// the accounts of every minute with its values. With `repair`, which needs the directory to itself,
// segments that store.db does not name are adopted where they are whole and nothing else has their
// hours, and files that cannot be read are moved into DIR/quarantine; the list of damage that reads
// have met goes once there are no findings. Nothing else is ever deleted.
Result<VerifyReport> verify_data(const std::filesystem::path& data, bool repair);

// Copies a backup into `data`, which must be empty or not exist.
Result<BackupReport> restore_backup(const std::filesystem::path& backup,
                                    const std::filesystem::path& data);

}  // namespace ia
