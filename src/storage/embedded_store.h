#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "ports/known_damage.h"
#include "ports/store.h"

namespace ia {

struct SqliteStoreOptions {
  std::filesystem::path directory;  // created, mode 0700, unless read_only
  std::chrono::days retention{30};
  bool read_only = false;  // append, close_minutes, put_registry and maintain give kInvalid
};

// The embedded store: frames, then chunks (docs/formats.md). Batches are rows of store.db until
// their hour is over; maintain then transposes the hour into an immutable file under segments/,
// one chunk an influencer, and a day's hours into the file of the day.
//
// Several processes may open one directory, but one at a time may append and maintain: the caller
// sees to that. What was appended is on disk, fsync included, when append returns, and seen by the
// next read of any process. A kill at any moment costs nothing that was acknowledged.
//
// Cost on two virtual cores (bench/store_bench): docs/benchmarks.md. Memory: some 30 MiB for a
// million influencers, 15 more while an hour is transposed.
//
// Errors besides those of the port: kInvalid for a directory that a newer program wrote (nothing in
// it is changed) or that cannot be written; kUnavailable when there is none and read_only is set.
// A damaged file is kCorrupt for the reads that need it, and only for those; the message names it.
Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteStoreOptions& options, Log& log);

// kUnavailable, with what to do, where a directory holds no store; kInvalid where it cannot be
// told, or is of a newer version. Makes nothing.
Status find_sqlite_store(const std::filesystem::path& directory);

// The files in segments/ that store.db does not know: copies of an operator, or segments of a
// store.db that was lost or is newer than this one. They are kept and not served. Only reads.
Result<std::vector<std::string>> unlisted_segments(const std::filesystem::path& directory);

// The damage that can be told without reading the values: what reads have met before, segments that
// cannot be opened, accounts of minutes that cannot be read, and files in quarantine. Only reads;
// costs some 0.1 ms per segment and a pass over the accounts.
Result<KnownDamage> known_damage(const std::filesystem::path& directory);

}  // namespace ia
