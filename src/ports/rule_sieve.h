#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "core/alert.h"

namespace ia {

// Keeps rules out that a store holds and nothing can evaluate, since something else wrote their
// rows: those that cannot be read, and those that check() refuses. Each is logged once. Safe from
// any thread.
class RuleSieve {
 public:
  // Without a log nothing is said.
  explicit RuleSieve(Log* log) : log_(log) {}

  // A row: its id, and what reading it came to.
  struct Row {
    std::uint64_t id;
    Result<AlertRule> rule;
  };
  std::vector<AlertRule> sound(std::vector<Row> rows);

 private:
  void say(std::uint64_t id, const std::string& flaw);

  Log* const log_;
  std::mutex mutex_;
  std::set<std::uint64_t> said_;  // ids
};

}  // namespace ia
