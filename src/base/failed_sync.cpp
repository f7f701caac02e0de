#include "base/failed_sync.h"

#include <mutex>
#include <utility>

namespace ia {
namespace {

std::mutex mutex;
FailedSyncHandler current;

}  // namespace

void set_failed_sync_handler(FailedSyncHandler handler) {
  const std::scoped_lock lock(mutex);
  current = std::move(handler);
}

void tell_failed_sync(const std::string& what) {
  const std::scoped_lock lock(mutex);
  if (current) current(what);
}

}  // namespace ia
