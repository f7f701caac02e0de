#include "app/process/scratch_directory.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace ia {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "influencer-analytics.";
constexpr std::size_t kRandomCharacters = 6;  // of mkdtemp
constexpr const char* kAdvice = "let TMPDIR name a directory that this user may write";

bool has_name(const fs::path& path) {
  const auto name = path.filename().string();
  const auto is_random = [](unsigned char c) { return std::isalnum(c) != 0; };
  return name.starts_with(kPrefix) && name.size() == kPrefix.size() + kRandomCharacters &&
         std::ranges::all_of(name.substr(kPrefix.size()), is_random);
}

bool is_own_directory(const fs::path& path) {
  struct stat info{};
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid();
}

// The lock goes last: where this is interrupted, the next one goes on with it.
bool remove_all_of(const fs::path& directory, const fs::path& lock) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path() != lock) fs::remove_all(entry.path(), error);
  }
  fs::remove(lock, error);
  return fs::remove(directory, error);
}

// A stage runs in it, or, as those of prove-scale, in a directory of its own below.
bool is_used(const fs::path& directory) {
  if (!held_locks(directory, kScratchLock).empty()) return true;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_directory(error) && !held_locks(entry.path()).empty()) return true;
  }
  return false;
}

bool remove_if_orphaned(const fs::path& path) {
  if (!has_name(path) || !is_own_directory(path)) return false;
  const auto lock = LockFile::acquire_orphaned(path, kScratchLock);
  if (!lock || is_used(path)) return false;
  return remove_all_of(path, path / fmt::format("{}.lock", kScratchLock));
}

}  // namespace

Result<fs::path> temporary_directory() {
  std::error_code error;
  auto directory = fs::temp_directory_path(error);
  if (!error) return directory;
  const char* named = getenv("TMPDIR");
  return fail(Errc::kInvalid, fmt::format("no temporary files can be made: {} is not a directory: "
                                          "{}",
                                          named == nullptr ? "/tmp" : named, kAdvice));
}

Result<ScratchDirectory> ScratchDirectory::make() {
  const auto place = temporary_directory();
  if (!place) return std::unexpected(place.error());
  std::string pattern = *place / (std::string(kPrefix) + std::string(kRandomCharacters, 'X'));
  if (mkdtemp(pattern.data()) == nullptr) {
    return fail(Errc::kInvalid, fmt::format("cannot make a temporary directory in {} ({}): {}",
                                            place->string(), std::strerror(errno), kAdvice));
  }
  UnfinishedPath directory(pattern);
  auto lock = LockFile::acquire_first(pattern, kScratchLock);
  if (!lock) return std::unexpected(lock.error());
  return ScratchDirectory(std::move(directory), std::move(*lock));
}

std::vector<fs::path> remove_orphaned_scratch_directories() {
  std::vector<fs::path> removed;
  const auto place = temporary_directory();
  if (!place) return removed;
  std::error_code error;
  for (auto at = fs::directory_iterator(*place, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    if (remove_if_orphaned(at->path())) removed.push_back(at->path());
  }
  return removed;
}

}  // namespace ia
