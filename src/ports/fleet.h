#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace ia {

// What a process tells the others of itself. Counts are since its start.
struct ProcessReport {
  std::string stage{};  // "fetch", "sink", "api"; several with blanks between them
  // Requests/s that all fetchers together may send; 0: it takes no share of any limit.
  double upstream_limit = 0;
  std::uint64_t upstream_requests = 0;
  std::uint64_t queue_requests = 0;
  double queue_billed_per_day = 0;  // requests, as SQS counts them
};

struct FleetEntry {
  std::string process{};
  ProcessReport report{};
  double upstream_share = 0;  // requests/s
  WallTime renewed_at{};
};

// A process that has not renewed its entry for so long is dead, and its share is free.
inline constexpr std::chrono::seconds kFleetLease{20};
// Processes renew their entries this often.
inline constexpr std::chrono::seconds kFleetRenewal{3};
// When nobody has renewed for so long, nobody could: every lease is longer by that time.
inline constexpr std::chrono::seconds kFleetAbsence{10};

// The processes that are alive, over all machines, and how they share a limit; nobody leads. The
// shares of all entries never add up to more than the smallest limit that one of them names. A
// newcomer gets what is free, which may be nothing, and its fair share once the others have
// renewed, kFleetRenewal later. What a dead one had is free after kFleetLease; what one had that
// left is free at once. Threads: any.
class Fleet {
 public:
  virtual ~Fleet() = default;

  // This process lives, and does this. Returns the share that it may use from now on. On an Error
  // its last share stays good: while nobody can renew, nobody else gets it. (A process that alone
  // cannot renew keeps its share although others take it: rather a limit passed for a while than
  // minutes lost with a database.)
  [[nodiscard]] virtual Result<double> renew(const std::string& process,
                                             const ProcessReport& report) = 0;
  // It sends nothing from now on.
  [[nodiscard]] virtual Status leave(const std::string& process) = 0;

  // The living, by name.
  [[nodiscard]] virtual Result<std::vector<FleetEntry>> read() const = 0;
};

}  // namespace ia
