#include "base/unfinished.h"

#include <mutex>
#include <set>

namespace ia {
namespace {

struct Registry {
  std::mutex mutex;
  std::set<std::filesystem::path> paths;
};

// Never destroyed: a thread that waits for signals may outlive main.
Registry& registry() {
  static auto& instance = *new Registry;
  return instance;
}

}  // namespace

UnfinishedPath::UnfinishedPath(std::filesystem::path path) : path_(std::move(path)) {
  auto& known = registry();
  const std::scoped_lock lock(known.mutex);
  known.paths.insert(path_);
}

UnfinishedPath::~UnfinishedPath() {
  if (path_.empty()) return;
  auto& known = registry();
  const std::scoped_lock lock(known.mutex);
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  known.paths.erase(path_);
}

std::error_code UnfinishedPath::publish(const std::filesystem::path& target) {
  auto& known = registry();
  const std::scoped_lock lock(known.mutex);
  std::error_code error;
  std::filesystem::rename(path_, target, error);
  if (error) return error;
  known.paths.erase(path_);
  path_.clear();
  return error;
}

void UnfinishedPath::discard_all() {
  auto& known = registry();
  const std::scoped_lock lock(known.mutex);
  for (const auto& path : known.paths) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
}

}  // namespace ia
