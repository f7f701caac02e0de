#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"

namespace ia {

// Logs a condition that comes and goes many times per minute, as at a server at its ceiling: once
// when it begins, once more when it has lasted for a minute, and once when it has been absent for
// half a minute, which is its end. Time is passed in. One thread.
class LastingLog {
 public:
  struct Lines {
    std::string_view lasts;
    std::string_view ends;
  };
  static constexpr std::chrono::seconds kLasting{60};
  static constexpr std::chrono::seconds kAbsent{30};

  LastingLog(Log& log, std::string component, Lines lines)
      : log_(log), component_(std::move(component)), lines_(lines) {}

  // The condition is seen. `begins` is logged with the cause when that begins it.
  void failing(MonoTime now, std::string_view begins, std::string cause);
  // It goes on, if it has begun.
  void seen(MonoTime now) { seen_at_ = now; }
  // Call some times per second.
  void refresh(MonoTime now);

 private:
  Log& log_;
  std::string component_;
  Lines lines_;
  bool is_on_ = false;
  bool has_lasted_ = false;
  MonoTime began_at_{}, seen_at_{};
  std::string cause_;  // the newest
};

}  // namespace ia
