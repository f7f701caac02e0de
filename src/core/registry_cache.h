#pragma once

#include <mutex>
#include <optional>

#include "core/schedule.h"

namespace ia {

// The newest registry that a store has read or written. A registry's epoch names its content, so
// what is kept is good for as long as the stored epoch is the same: a million ids need not be read
// again to know that nothing changed. Any thread.
class RegistryCache {
 public:
  std::optional<Registry> of_epoch(std::uint64_t epoch) const {
    const std::scoped_lock lock(mutex_);
    return registry_ && registry_->epoch == epoch ? registry_ : std::nullopt;
  }

  void put(const Registry& registry) {
    const std::scoped_lock lock(mutex_);
    registry_ = registry;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Registry> registry_;
};

}  // namespace ia
