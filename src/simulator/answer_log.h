#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "core/point.h"

namespace ia {

// A true value that was sent whole, and the earliest time at which it can have been received.
struct Answered {
  InfluencerId influencer;
  Counts counts;
  WallTime at;
  friend bool operator==(const Answered&, const Answered&) = default;
};

// The newest answers, for tests of what stands behind the simulator: whatever a store holds must
// have been answered. A ring of fixed size, 32 bytes an answer. Safe to call from any thread.
class AnswerLog {
 public:
  // 0: keeps nothing.
  explicit AnswerLog(std::size_t capacity) : capacity_(capacity) {}

  bool enabled() const { return capacity_ > 0; }
  void add(const Answered& answer);
  // Oldest first.
  std::vector<Answered> all() const;
  std::vector<Answered> of(InfluencerId influencer) const;
  // How many were overwritten by newer ones.
  std::uint64_t dropped() const;

 private:
  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<Answered> ring_;
  std::uint64_t added_ = 0;
};

}  // namespace ia
