#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "core/miss.h"

namespace ia {

// How requests ended lately, in buckets of 5 s, for a little over a minute. One thread.
class Outcomes {
 public:
  struct Counts {
    std::uint64_t answers = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t connections = 0;  // that could not be made, or broke
    std::uint64_t unanswered() const { return timeouts + connections; }
  };

  void add_answer(MonoTime now) { ++bucket(now).counts.answers; }
  // A reply that is an error is an answer here.
  void add_failure(MonoTime now, MissReason reason) {
    auto& counts = bucket(now).counts;
    if (reason == MissReason::kTimeout) {
      ++counts.timeouts;
    } else if (reason == MissReason::kConnection) {
      ++counts.connections;
    } else {
      ++counts.answers;
    }
  }
  // From `since`, or somewhat before it, until now.
  Counts since(MonoTime since, MonoTime now) const {
    Counts sum;
    const auto oldest = std::max(number_of(since), number_of(now) - kBuckets + 1);
    for (const auto& bucket : buckets_) {
      if (bucket.number < oldest) continue;
      sum.answers += bucket.counts.answers;
      sum.timeouts += bucket.counts.timeouts;
      sum.connections += bucket.counts.connections;
    }
    return sum;
  }

 private:
  static constexpr std::int64_t kBuckets = 14;
  struct Bucket {
    std::int64_t number = -1;
    Counts counts;
  };
  static std::int64_t number_of(MonoTime time) {
    return time.time_since_epoch() / std::chrono::seconds{5};
  }
  Bucket& bucket(MonoTime now) {
    const auto number = number_of(now);
    auto& bucket = buckets_[static_cast<std::size_t>(number % kBuckets)];
    if (bucket.number != number) bucket = {.number = number, .counts = {}};
    return bucket;
  }

  std::array<Bucket, kBuckets> buckets_{};
};

}  // namespace ia
