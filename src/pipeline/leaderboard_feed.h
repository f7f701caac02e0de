#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/jump_watch.h"
#include "core/leaderboard.h"
#include "ports/store.h"

namespace ia {

// Keeps a leaderboard of what the store holds: all of it at the start, then its tail; and watches
// the tail for jumps. It knows nothing of sinks, so it works the same in their process and in any
// other. Who is no longer watched is in it for an hour after the last value.
class LeaderboardFeed {
 public:
  LeaderboardFeed(const Store& store, const Clock& clock, Metrics& metrics, Log& log,
                  const SignalThresholds& thresholds = {});

  // Reads everything and publishes the first snapshot. Call it once, before step.
  Status load();

  // Follows the tail and publishes when there was something new. Call it about once per second.
  // On an Error the old snapshot stays; call it again after `rest`.
  Status step();
  std::chrono::milliseconds rest() const { return backoff_.rest(); }

  // How many times step has come to the store's end, and published. Any thread.
  std::uint64_t looks() const { return looks_; }
  // The newest snapshot; an empty one before load. Any thread.
  std::shared_ptr<const LeaderboardSnapshot> snapshot() const;
  // The largest of the last day's jumps that came while this followed the store. Any thread.
  std::shared_ptr<const JumpCandidates> jumps() const;

 private:
  WallTime now() const;
  Status forget_unwatched();
  void publish();

  const Store& store_;
  const Clock& clock_;
  StateLog state_;
  Backoff backoff_;
  Leaderboard leaderboard_;
  JumpWatch jump_watch_;
  TailCursor cursor_;
  MonoTime forgot_at_{};
  std::atomic<std::uint64_t> looks_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<const LeaderboardSnapshot> snapshot_;
  std::shared_ptr<const JumpCandidates> jumps_;
  GaugeMetric influencers_;
  HistogramMetric publish_seconds_;
};

}  // namespace ia
