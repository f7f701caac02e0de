#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/clock_step.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/point_batch.h"
#include "pipeline/fetch_pause.h"
#include "ports/queue.h"
#include "ports/store.h"

namespace ia {

struct SinkOptions {
  std::size_t batches_max = 256;  // a transaction
  // A sink that dies gives its batches back after this. Extended while the store is down.
  std::chrono::milliseconds visibility{60'000};
  // A minute is closed this long after its end, when no batch is waiting.
  std::chrono::milliseconds grace{3'000};
  // Why nothing is fetched now, if it is known here: what a minute without word is missed for.
  std::function<std::optional<FetchPause>()> pause{};
};

// Last stage: batches from the queue to the store, acked only after the store committed them.
// While the store is down it takes no more, keeps what it holds, and tries again. A batch that
// cannot be read goes to the dead letters with the reason, and so does one that the store refuses
// while it takes others; a store that refuses everything is at fault itself. It also closes
// minutes: what has come to neither a value nor a miss by then is counted as missed. Minutes that
// the wall clock jumped over are closed as one range, the last week of them: a longer gap has no
// rows. While the time is in doubt nothing is closed; what then lacks in those minutes is missed
// (clock). One thread.
class Sink {
 public:
  Sink(SinkOptions options, Queue& points, Store& store, const Clock& clock, Metrics& metrics,
       Log& log);

  // One round. Waits up to `wait` when there is nothing to do. Returns how many batches it stored.
  std::size_t step(std::chrono::milliseconds wait);
  // How long the next step can do nothing, because a call failed a moment ago.
  std::chrono::milliseconds rest() const;

  // Stores what it holds, gives back what it cannot store.
  void drain();

  // The store takes nothing: batches wait. Any thread.
  bool is_storing_failing() const { return store_state_.is_failing(); }

 private:
  struct Held {
    PointBatch batch;
    Delivery delivery;
  };

  bool may_take() const;
  void take(std::chrono::milliseconds wait);
  bool store_held();
  bool store_one_by_one();
  void note_stored(const AppendResult& result);
  void note_failure(const Error& error);
  void ack(std::span<const Receipt> receipts);
  void bury(Held& held, const std::string& reason);
  void keep_held();
  void close_minutes();
  void note_ledger_failure(const Error& error);
  void begin_ledger(Minute current);
  void note_pause();
  bool is_time_to_close();
  void note_uncertain(MinuteRange range);
  MissReason reason_of(Minute minute) const;
  MinuteRange next_alike(Minute from, Minute end) const;

  SinkOptions options_;
  Queue& points_;
  Store& store_;
  const Clock& clock_;
  Log& log_;
  StateLog queue_state_;
  StateLog ack_state_;
  StateLog store_state_;
  StateLog ledger_state_;
  Backoff queue_backoff_;
  Backoff ack_backoff_;
  Backoff store_backoff_;
  Backoff ledger_backoff_;

  std::vector<Held> held_;
  bool all_refused_ = false;  // the store refused each of those held by itself
  bool queue_drained_ = false;
  MonoTime kept_at_{};
  std::optional<Minute> closed_before_;  // minutes before it are closed
  Minute started_in_;
  ClockStep clock_step_;
  WallTime last_wall_;
  std::optional<MinuteRange> uncertain_;  // minutes that the clock stepped over, or was in doubt in
  std::map<Minute, MissReason> paused_;  // open minutes in which fetching paused

  CounterMetric stored_total_;
  CounterMetric repeats_total_;
  CounterMetric expired_total_;
  CounterMetric unreadable_total_;
  CounterMetric append_failures_total_;
  HistogramMetric append_seconds_;
  GaugeMetric held_gauge_;
};

}  // namespace ia
