#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "app/process/lock_file.h"
#include "base/error.h"
#include "base/unfinished.h"

namespace ia {

// The lock in a scratch directory. It is no stage's.
inline constexpr std::string_view kScratchLock = "scratch";

// A new directory among the temporary ones, removed with all that is in it at the end, also when a
// signal ends the process (base/unfinished.h). A lock in it tells others that its process lives.
class ScratchDirectory {
 public:
  static Result<ScratchDirectory> make();
  const std::filesystem::path& path() const { return directory_.path(); }

 private:
  ScratchDirectory(UnfinishedPath directory, LockFile lock)
      : lock_(std::move(lock)), directory_(std::move(directory)) {}
  LockFile lock_;  // freed after the directory was removed
  UnfinishedPath directory_;
};

// Removes the scratch directories, of this user, of processes that were killed. A directory is one
// when it has the name and the lock that `make` gives; its process is gone when nothing holds the
// lock. A directory in which a stage runs is left alone. Returns those that were removed.
std::vector<std::filesystem::path> remove_orphaned_scratch_directories();

// Where temporary files go: TMPDIR, or /tmp. kInvalid when that is no directory.
Result<std::filesystem::path> temporary_directory();

}  // namespace ia
