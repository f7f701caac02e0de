#pragma once

#include <filesystem>
#include <system_error>
#include <utility>

namespace ia {

// A file or directory that this process made and that is worth nothing until it is published: it is
// removed, with all that is in it, when this goes out of scope. Known to the whole process, so that
// a signal that ends it can remove what is unfinished too. Safe to use from any thread.
class UnfinishedPath {
 public:
  explicit UnfinishedPath(std::filesystem::path path);
  UnfinishedPath(UnfinishedPath&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  UnfinishedPath& operator=(UnfinishedPath&&) = delete;
  ~UnfinishedPath();

  const std::filesystem::path& path() const { return path_; }
  // Renames it to `target`. After an error it is unfinished still.
  std::error_code publish(const std::filesystem::path& target);

  // Removes all that this process has unfinished, because it is about to end.
  static void discard_all();

 private:
  std::filesystem::path path_;  // empty: published, or moved from
};

}  // namespace ia
