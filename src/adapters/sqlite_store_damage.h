#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "core/schedule.h"

namespace ia::sqlite_store {

// The damage that reads of this process have met: which minutes lost values, and where. Each place
// is logged once. Safe to call from any thread.
class DamageLog {
 public:
  explicit DamageLog(Log& log) : log_(log) {}

  // `place` names the file and what in it; `cause` says what is wrong with it.
  void note(MinuteRange minutes, const std::string& place, const std::string& cause);

  // Disjoint, oldest first.
  std::vector<MinuteRange> ranges() const;
  std::size_t places() const;

 private:
  Log& log_;
  mutable std::mutex mutex_;
  std::map<std::string, MinuteRange> places_;
};

// Adds a range to some that are disjoint and ascend, as far as they do afterwards.
void add_range(std::vector<MinuteRange>& ranges, MinuteRange added);

}  // namespace ia::sqlite_store
