#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

namespace ia {

// What another machine's clock said, in whole seconds, and when that was read.
struct ClockReading {
  WallTime said;
  MonoTime read_at;
};

// A clock whose wall time does not step unless something confirms the step.
//
// While the machine's wall clock goes along with the monotonic one, wall() is the machine's, and so
// is every adjustment of less than kStepMin (NTP, leap seconds). When it steps further, wall() goes
// on by the monotonic clock, and trust() is kDoubtful until one of these settles it:
//  - the clock that `note` reports, the network's Date, goes on as before: the step was wrong, and
//    wall() stays with the monotonic clock for as long as the machine's clock stays wrong;
//  - that clock agrees with the machine's: the step was right (a paused machine), and is followed;
//  - the machine's clock steps back to where it was;
//  - nothing is heard for kSettledAfter: the step is followed.
// After a start there is nothing to go on with: when the network's clock differs by five minutes
// or more the time is doubtful for kSettledAfter, and then the machine's is believed. A clock that
// does not advance is no witness.
//
// Thread-safe. wall() costs two readings and two atomic loads.
class TrustedClock final : public Clock {
 public:
  static constexpr std::chrono::milliseconds kStepMin{10'000};
  static constexpr std::chrono::minutes kSettledAfter{10};
  static constexpr std::chrono::hours kConfirmedAfter{1};
  // How long another clock must advance as time does before it counts as one.
  static constexpr std::chrono::seconds kTicksFor{5};

  // All outlive it.
  TrustedClock(const Clock& machine, Metrics& metrics, Log& log);

  WallTime wall() const override;
  MonoTime mono() const override { return machine_.mono(); }
  ClockTrust trust() const override;

  // A reading of the network's clock. Readings that are no newer than the last are ignored.
  void note(const ClockReading& reading);
  // False while the time is in doubt since the start: not even a minute goes on from before.
  bool knows_minute() const;
  // Why trust() is kDoubtful, for people; none when it is not.
  std::optional<std::string> doubt() const;

 private:
  using Milliseconds = std::chrono::milliseconds;
  enum class Finding { kOpen, kRefused };
  // All times as offsets from the monotonic clock, which do not change while a clock is right.
  struct Step {
    Milliseconds offset;
    MonoTime since;
    Finding finding = Finding::kOpen;
  };
  struct Network {
    Milliseconds offset;
    MonoTime since;  // from when on it has advanced as time does
    MonoTime first;
    MonoTime last;
  };

  Milliseconds machine_offset() const;
  bool goes_along(Milliseconds offset) const;
  void look() const;
  void log_step(MonoTime now, Milliseconds by) const;
  void settle(MonoTime now) const;
  void follow(const char* why) const;
  bool is_ticking() const;
  bool contradicts_start(MonoTime now) const;
  bool is_confirmed(MonoTime now) const;
  bool is_doubtful(MonoTime now) const;

  const Clock& machine_;
  Log& log_;
  const MonoTime started_at_;
  mutable std::atomic<std::int64_t> offset_ms_;  // of wall()
  mutable std::atomic<bool> is_stepped_ = false;
  mutable std::mutex mutex_;  // over the rest
  mutable std::optional<Step> step_;
  mutable std::optional<MonoTime> step_logged_at_;
  mutable std::optional<Network> network_;
  mutable std::optional<Milliseconds> skew_;  // of the network's clock, as far as it is accepted
  mutable std::optional<MonoTime> agreed_since_;  // the network with wall(), without a break
  mutable CounterMetric steps_total_;
  mutable GaugeMetric doubtful_gauge_;
};

}  // namespace ia
