#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "core/schedule.h"

namespace ia::sqlite_store {

// The damage that reads of this process have met: which minutes lost values, and where. Each place
// is logged once, and marked once in the file `marks` for later processes. Safe to call from any
// thread.
class DamageLog {
 public:
  DamageLog(Log& log, std::filesystem::path marks) : log_(log), marks_(std::move(marks)) {}

  // `place` names the file and what in it; `cause` says what is wrong with it.
  void note(MinuteRange minutes, const std::string& place, const std::string& cause);

  // Disjoint, oldest first.
  std::vector<MinuteRange> ranges() const;
  std::size_t places() const;

 private:
  void mark(MinuteRange minutes, const std::string& place);

  Log& log_;
  const std::filesystem::path marks_;
  mutable std::mutex mutex_;
  std::map<std::string, MinuteRange> places_;
  std::optional<std::set<std::string>> marked_;  // once there was something to mark
};

// Adds a range to some that are disjoint and ascend, as far as they do afterwards.
void add_range(std::vector<MinuteRange>& ranges, MinuteRange added);

}  // namespace ia::sqlite_store
