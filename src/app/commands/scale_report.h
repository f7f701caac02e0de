#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"

namespace ia {

// What a round of prove-scale measured: so many fetchers, over some whole minutes.
struct ScaleRound {
  std::uint32_t workers = 0;
  double worker_rate = 0;  // points/s that each is held to
  std::uint32_t sinks = 1;
  std::uint64_t due = 0;
  std::uint64_t stored = 0;
  double rate = 0;      // points stored a second, between the first and the last one of each minute
  double fetch_us = 0;  // CPU of all fetchers, a point
  double sink_us = 0;   // CPU of all sinks, a point
  double evenness = 0;  // points of the busiest fetcher / of the idlest
  double queue_calls = 0;   // requests a second to the queues
  double store_us = 0;      // sum over connections of the time that the server works, a point
  double commit_ms = 0;     // that time, a commit
  double machine_busy = 0;  // of this machine's cores, simulator and all
  std::uint32_t cores = 1;

  double of_ideal() const { return rate / (workers * worker_rate); }
  double coverage() const;  // stored / due
};

// A round below this share of the ideal has failed.
inline constexpr double kScaleLeast = 0.98;

std::string scale_heading();
// A row under the heading, with a bar: one character is a tenth of a worker.
std::string scale_row(const ScaleRound& round);

struct ScaleFit {
  double per_worker = 0;  // points/s: the slope of the least squares
  double r_squared = 0;
};
// Nothing when all rounds have the same number of workers.
std::optional<ScaleFit> fit(std::span<const ScaleRound> rounds);

// The fit, and at what size which part would be full, the first one first: from the largest round,
// as if costs a point stayed what they were. Not empty: some rounds.
std::string scale_conclusion(std::span<const ScaleRound> rounds);

// Points/s over workers, with the ideal as a line.
std::string scale_svg(std::span<const ScaleRound> rounds);

}  // namespace ia
