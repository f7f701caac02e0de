#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/point.h"

namespace ia {

// Whom the network is asked about, with what it is to judge.
struct Suspect {
  InfluencerId influencer;
  std::string username;  // may be empty
  Counts counts;
};

// What it said, or why it said nothing: kUnavailable, kOverloaded (429: slow down), kNotFound.
struct Ruling {
  Suspect suspect;
  WallTime at{};
  std::chrono::milliseconds took{0};
  std::chrono::seconds retry_after{0};  // what a refusal asks for
  Result<bool> suspicious;
};

// A social network's own check for bought followers. A call may take ten seconds; many are under
// way at a time, on connections of their own. One thread.
class Judge {
 public:
  virtual ~Judge() = default;

  // Begins a call. Every suspect gets one ruling.
  virtual void ask(Suspect suspect) = 0;
  // The rulings that have come, waiting up to `wait` for the first one.
  virtual std::vector<Ruling> take(std::chrono::milliseconds wait) = 0;
  virtual std::size_t in_flight() const = 0;
  // Forgets all calls that are under way.
  virtual void cancel() = 0;
};

}  // namespace ia
