#include "pipeline/sink.h"

#include <algorithm>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr milliseconds kRetryDelayMin{100};
constexpr milliseconds kRetryDelayMax{5'000};
// A longer silence is not written out minute by minute.
constexpr minutes kLedgerMax{7 * 24 * 60};
constexpr milliseconds kClockStepMin{30'000};

}  // namespace

Sink::Sink(SinkOptions options, Queue& points, Store& store, const Clock& clock, Metrics& metrics,
           Log& log)
    : options_(options),
      points_(points),
      store_(store),
      clock_(clock),
      log_(log),
      queue_state_(log, "sink"),
      store_state_(log, "sink"),
      started_in_(minute_of(clock.wall())),
      last_wall_(clock.wall()),
      last_mono_(clock.mono()),
      stored_total_(metrics.counter("ia_points_stored_total", "Points that were new.")),
      repeats_total_(metrics.counter("ia_points_repeated_total",
                                     "Points whose (influencer, minute) had a value: dropped.")),
      expired_total_(
          metrics.counter("ia_points_expired_total", "Points older than the retention: dropped.")),
      unreadable_total_(
          metrics.counter("ia_batches_buried_total", "Batches moved to the dead letters.")),
      append_failures_total_(metrics.counter("ia_append_failures_total", "Failed appends.")),
      append_seconds_(metrics.histogram("ia_append_seconds", "Duration of one append.", {},
                                        {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10})),
      held_gauge_(metrics.gauge("ia_sink_held_batches", "Batches taken, not yet stored.")) {}

std::size_t Sink::step(milliseconds wait) {
  if (held_.empty()) {
    take(wait);
  } else {
    keep_held();
  }
  std::size_t stored = 0;
  if (!held_.empty() && clock_.mono() >= retry_after_) {
    const auto count = held_.size();
    if (store_held()) stored = count;
  }
  held_gauge_.set(static_cast<double>(held_.size()));
  close_minutes();
  return stored;
}

void Sink::take(milliseconds wait) {
  auto deliveries = points_.receive(options_.batches_max, options_.visibility, wait);
  if (!deliveries) {
    queue_state_.failing("cannot take batches", deliveries.error().message);
    queue_drained_ = false;
    return;
  }
  queue_state_.recovered("taking batches again");
  queue_drained_ = deliveries->size() < options_.batches_max;
  kept_at_ = clock_.mono();
  for (auto& delivery : *deliveries) {
    auto batch = decode_point_batch(delivery.body);
    Held held{{}, std::move(delivery)};
    if (batch) {
      held.batch = std::move(*batch);
      held_.push_back(std::move(held));
    } else {
      bury(held, batch.error().message);
    }
  }
}

bool Sink::store_held() {
  std::vector<PointBatch> batches;
  batches.reserve(held_.size());
  for (auto& held : held_) batches.push_back(std::move(held.batch));
  const auto began = clock_.mono();
  const auto result = store_.append(batches);
  append_seconds_.observe(std::chrono::duration<double>(clock_.mono() - began).count());
  for (std::size_t i = 0; i < held_.size(); ++i) held_[i].batch = std::move(batches[i]);
  if (result) {
    note_stored(*result);
    std::vector<Receipt> receipts;
    for (auto& held : held_) receipts.push_back(std::move(held.delivery.receipt));
    held_.clear();
    ack(receipts);
    return true;
  }
  if (result.error().code == Errc::kInvalid) return store_one_by_one();
  note_failure(result.error());
  return false;
}

// Something in the transaction is refused for good: find it, bury it, keep the others.
bool Sink::store_one_by_one() {
  std::vector<Held> unstored;
  std::vector<Receipt> stored;
  for (auto& held : held_) {
    const auto result = store_.append(std::span(&held.batch, 1));
    if (result) {
      note_stored(*result);
      stored.push_back(std::move(held.delivery.receipt));
    } else if (result.error().code == Errc::kInvalid) {
      bury(held, result.error().message);
    } else {
      note_failure(result.error());
      unstored.push_back(std::move(held));
    }
  }
  held_ = std::move(unstored);
  ack(stored);
  return held_.empty();
}

void Sink::note_stored(const AppendResult& result) {
  stored_total_.add(result.stored);
  repeats_total_.add(result.repeats);
  expired_total_.add(result.expired);
  retry_delay_ = milliseconds{0};
  store_state_.recovered("storing again");
}

void Sink::note_failure(const Error& error) {
  append_failures_total_.add();
  store_state_.failing("cannot store, batches wait in the queue", error.message);
  retry_delay_ = std::clamp(retry_delay_ * 2, kRetryDelayMin, kRetryDelayMax);
  retry_after_ = clock_.mono() + retry_delay_;
}

// An ack that fails leaves a batch that will come again: its points are repeats then.
void Sink::ack(std::span<const Receipt> receipts) {
  if (const auto acked = points_.ack(receipts); !acked) {
    queue_state_.failing("cannot ack batches", acked.error().message);
  }
}

void Sink::bury(Held& held, const std::string& reason) {
  unreadable_total_.add();
  log_.error("sink", "a batch goes to the dead letters", {{"cause", reason}});
  (void)points_.bury(held.delivery.receipt, {std::move(held.delivery.body), reason});
}

void Sink::keep_held() {
  const auto now = clock_.mono();
  if (now - kept_at_ < options_.visibility / 3) return;
  kept_at_ = now;
  std::vector<VisibilityChange> changes;
  for (const auto& held : held_) changes.push_back({held.delivery.receipt, options_.visibility});
  if (const auto changed = points_.change_visibility(changes); !changed) {
    queue_state_.failing("cannot keep batches", changed.error().message);
  }
}

// The minutes between the last run and this one were not watched.
void Sink::begin_ledger(Minute current) {
  const auto registry = store_.registry();
  if (!registry || registry->epoch == 0) return;
  const auto rows = store_.read_minutes({current - kLedgerMax, current});
  if (!rows) return;
  auto open_from = current;
  if (!rows->empty()) {
    const auto open = std::ranges::find(*rows, false, &MinuteStats::closed);
    open_from = open == rows->end() ? rows->back().minute + minutes{1} : open->minute;
  }
  closed_before_ = open_from;
}

void Sink::close_minutes() {
  const auto wall = clock_.wall();
  const auto mono = clock_.mono();
  const auto step = (wall - last_wall_) - std::chrono::floor<milliseconds>(mono - last_mono_);
  if (step >= kClockStepMin) jumped_ = MinuteRange{minute_of(last_wall_), minute_of(wall)};
  last_wall_ = wall;
  last_mono_ = mono;
  if (!closed_before_) begin_ledger(minute_of(wall));
  const auto end = minute_of(wall - options_.grace);
  if (!closed_before_ || end <= *closed_before_ || !held_.empty() || !queue_drained_) return;
  while (*closed_before_ < end) {
    const auto from = *closed_before_;
    const bool before_start = from <= started_in_;
    const auto to = before_start ? std::min(end, started_in_ + minutes{1}) : from + minutes{1};
    auto reason = before_start ? MissReason::kDown : MissReason::kOverrun;
    if (jumped_ && jumped_->contains(from)) reason = MissReason::kClock;
    if (!store_.close_minutes({from, to}, reason)) return;
    closed_before_ = to;
  }
}

void Sink::drain() {
  if (held_.empty() || store_held()) return;
  std::vector<VisibilityChange> changes;
  for (const auto& held : held_) changes.push_back({held.delivery.receipt, milliseconds{0}});
  (void)points_.change_visibility(changes);
  held_.clear();
}

}  // namespace ia
