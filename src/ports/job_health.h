#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"

namespace ia {

// How the jobs fare that a database runs by itself for the store's tables: compression, aggregates.
struct JobHealth {
  std::uint64_t failed = 0;  // jobs that failed when they last ran
  std::string failure{};     // the newest error of one of them; empty when none failed
  // For how long the oldest chunk of points that is not compressed has been complete; 0: there is
  // none.
  std::chrono::seconds uncompressed{0};
};

// Asks the database. Safe from any thread.
using AskJobHealth = std::function<Result<JobHealth>()>;

// What is wrong, in half a sentence; nullopt when nothing is.
std::optional<std::string> concern_of(const JobHealth& health);

}  // namespace ia
