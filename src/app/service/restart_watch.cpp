#include "app/service/restart_watch.h"

#include "base/failed_sync.h"

namespace ia {

RestartWatch::RestartWatch() {
  set_failed_sync_handler([this](const std::string& what) {
    const std::scoped_lock lock(mutex_);
    if (!reason_) reason_ = what;
  });
}

RestartWatch::~RestartWatch() { set_failed_sync_handler({}); }

std::optional<std::string> RestartWatch::reason() const {
  const std::scoped_lock lock(mutex_);
  return reason_;
}

}  // namespace ia
