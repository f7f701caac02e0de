#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/backoff.h"
#include "base/clock.h"
#include "ports/store.h"

namespace ia {

// "17:24  1,000,000 of 1,000,000 stored  100.0 %  no misses  fetched in 53.2 s  settled 0.3 s ..."
std::string report_line(const MinuteStats& minute, WallTime now);

// "1,234,567".
std::string with_separators(std::uint64_t number);

// Says a line a minute, as soon as the minute is over and nothing of it is open.
class MinuteReport {
 public:
  using Say = std::function<void(const std::string& line)>;

  MinuteReport(const Store& store, const Clock& clock, Say say);

  // Call it several times a second.
  void step();

  // Minutes said that were watched from their beginning to their end.
  std::uint64_t whole_minutes() const { return whole_minutes_; }

 private:
  const Store& store_;
  const Clock& clock_;
  Say say_;
  Minute started_in_;
  Minute next_;
  Backoff backoff_;
  std::uint64_t whole_minutes_ = 0;
};

}  // namespace ia
