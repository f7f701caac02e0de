#pragma once

#include <mutex>
#include <optional>
#include <string>

namespace ia {

// Hears of what a running process cannot recover from: a failed fsync. One per process.
class RestartWatch {
 public:
  RestartWatch();
  ~RestartWatch();
  RestartWatch(const RestartWatch&) = delete;
  RestartWatch& operator=(const RestartWatch&) = delete;

  // The first one, or none. Any thread.
  std::optional<std::string> reason() const;

 private:
  mutable std::mutex mutex_;
  std::optional<std::string> reason_;
};

}  // namespace ia
