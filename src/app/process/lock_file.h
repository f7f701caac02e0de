#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace ia {

// Who holds a lock.
struct LockHolder {
  std::int64_t pid = 0;  // 0: not known
  std::string command;
};

// Keeps a second process from running a stage on the same data directory. <dir>/<stage>.lock is
// locked by flock, so the kernel frees it however the process ends; the file itself stays, and
// holds the last holder's pid and command line, with mode 0600. Not for file systems without flock.
class LockFile {
 public:
  // Makes the directory when it is not there. kUnavailable when another process, or another
  // LockFile of this one, holds it: the message names it and says what to do. kInvalid when the
  // file cannot be opened. Waits at most some 50 ms, for a `holder_of` that is just looking.
  static Result<LockFile> acquire(const std::filesystem::path& dir, std::string_view stage);

  // Of a directory that exists and whose lock of that stage was never taken: the file is there once
  // it is locked, so that one which can be locked by others is proof that its holder is gone.
  static Result<LockFile> acquire_first(const std::filesystem::path& dir, std::string_view stage);

  // The lock of a holder that is gone; none when one lives, or when the lock was never taken.
  static std::optional<LockFile> acquire_orphaned(const std::filesystem::path& dir,
                                                  std::string_view stage);

  LockFile(LockFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LockFile& operator=(LockFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~LockFile();

 private:
  explicit LockFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Makes the directory, with mode 0700, when it is not there, as every stage does first. kInvalid:
// it cannot.
Status make_data_directory(const std::filesystem::path& dir);

// Who holds the lock right now; nothing when it is free or was never taken.
std::optional<LockHolder> holder_of(const std::filesystem::path& dir, std::string_view stage);

struct HeldLock {
  std::string stage;
  LockHolder holder;
};
// Every lock of the directory that is held, by stage; without the one of stage `but`.
std::vector<HeldLock> held_locks(const std::filesystem::path& dir, std::string_view but = {});

}  // namespace ia
