#include "pipeline/sink.h"

#include <algorithm>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::size_t kRefusalsMax = 2;
// A longer silence is not written out minute by minute.
constexpr minutes kLedgerMax{7 * 24 * 60};
constexpr milliseconds kClockStepMin{30'000};

}  // namespace

Sink::Sink(SinkOptions options, Queue& points, Store& store, const Clock& clock, Metrics& metrics,
           Log& log)
    : options_(std::move(options)),
      points_(points),
      store_(store),
      clock_(clock),
      log_(log),
      queue_state_(log, "sink", clock),
      ack_state_(log, "sink", clock),
      store_state_(log, "sink", clock),
      ledger_state_(log, "sink", clock),
      queue_backoff_(clock),
      ack_backoff_(clock),
      store_backoff_(clock),
      ledger_backoff_(clock),
      started_in_(minute_of(clock.wall())),
      clock_step_(clock, kClockStepMin),
      last_wall_(clock.wall()),
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
  if (!held_.empty()) keep_held();
  if (may_take()) take(wait);
  note_pause();
  std::size_t stored = 0;
  if (!held_.empty() && store_backoff_.may_call()) {
    const auto count = held_.size();
    if (store_held()) stored = count;
  }
  held_gauge_.set(static_cast<double>(held_.size()));
  close_minutes();
  return stored;
}

milliseconds Sink::rest() const {
  if (!held_.empty()) return store_backoff_.rest();
  return std::max(queue_backoff_.rest(), ack_backoff_.rest());
}

// Those that the store refuses, all of them, get company: if it is taken, the fault is theirs.
bool Sink::may_take() const {
  const bool wants_company = all_refused_ && held_.size() <= options_.batches_max;
  if (!held_.empty() && (!wants_company || !store_backoff_.may_call())) return false;
  return queue_backoff_.may_call() && ack_backoff_.may_call();
}

void Sink::take(milliseconds wait) {
  auto deliveries = points_.receive(options_.batches_max, options_.visibility,
                                    held_.empty() ? wait : milliseconds{0});
  queue_backoff_.note(deliveries.has_value());
  if (!deliveries) {
    queue_state_.failing("cannot take batches", deliveries.error().message);
    queue_drained_ = false;
    return;
  }
  queue_state_.recovered("taking batches again");
  queue_drained_ = deliveries->size() < options_.batches_max;
  if (held_.empty()) kept_at_ = clock_.mono();
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
    all_refused_ = false;
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

// Something in the transaction is refused: the store gets each batch by itself. It is to blame
// when it takes none; the next round then begins with those that were not tried.
bool Sink::store_one_by_one() {
  std::vector<Held> unstored;
  std::vector<std::pair<Held, std::string>> refused;
  std::vector<Receipt> stored;
  std::optional<Error> failure;
  for (auto& held : held_) {
    if (failure || (stored.empty() && refused.size() == kRefusalsMax)) {
      unstored.push_back(std::move(held));
      continue;
    }
    const auto result = store_.append(std::span(&held.batch, 1));
    if (result) {
      note_stored(*result);
      stored.push_back(std::move(held.delivery.receipt));
    } else if (result.error().code == Errc::kInvalid) {
      refused.emplace_back(std::move(held), result.error().message);
    } else {
      failure = result.error();
      unstored.push_back(std::move(held));
    }
  }
  all_refused_ = stored.empty() && !failure;
  if (all_refused_) failure = Error{Errc::kInvalid, refused.front().second};
  for (auto& [held, reason] : refused) {
    if (stored.empty()) {
      unstored.push_back(std::move(held));
    } else {
      bury(held, reason);
    }
  }
  held_ = std::move(unstored);
  ack(stored);
  if (failure) note_failure(*failure);
  return held_.empty();
}

void Sink::note_stored(const AppendResult& result) {
  stored_total_.add(result.stored);
  repeats_total_.add(result.repeats);
  expired_total_.add(result.expired);
  store_backoff_.succeeded();
  store_state_.recovered("storing again");
}

void Sink::note_failure(const Error& error) {
  append_failures_total_.add();
  store_state_.failing("cannot store, batches wait in the queue", error.message);
  if (!store_backoff_.is_failing()) kept_at_ = MonoTime{};  // a death from now on is no failure
  store_backoff_.failed();
}

// An ack that fails leaves a batch that will come again: its points are repeats then.
void Sink::ack(std::span<const Receipt> receipts) {
  if (receipts.empty()) return;
  const auto acked = points_.ack(receipts);
  const bool done = acked && acked->empty();
  ack_backoff_.note(done);
  if (done) {
    ack_state_.recovered("acking batches again");
  } else {
    ack_state_.failing("cannot ack batches",
                       acked ? acked->front().error.message : acked.error().message);
  }
}

void Sink::bury(Held& held, const std::string& reason) {
  unreadable_total_.add();
  log_.error("sink", "a batch goes to the dead letters", {{"cause", reason}});
  const auto buried = points_.bury(held.delivery.receipt, {std::move(held.delivery.body), reason});
  if (buried || buried.error().code == Errc::kNotFound) return;
  ack_backoff_.failed();  // it comes again
  ack_state_.failing("cannot bury a batch", buried.error().message);
}

void Sink::keep_held() {
  const auto now = clock_.mono();
  if (now - kept_at_ < options_.visibility / 3) return;
  kept_at_ = now;
  std::vector<VisibilityChange> changes;
  // They wait for the store: that is no fault of theirs.
  for (const auto& held : held_) {
    changes.push_back({held.delivery.receipt, options_.visibility, true});
  }
  if (const auto changed = points_.change_visibility(changes); !changed) {
    queue_state_.failing("cannot keep batches", changed.error().message);
  }
}

void Sink::note_ledger_failure(const Error& error) {
  ledger_backoff_.failed();
  ledger_state_.failing("cannot close minutes", error.message);
}

// The minutes between the last run and this one were not watched.
void Sink::begin_ledger(Minute current) {
  const auto registry = store_.registry();
  if (!registry) return note_ledger_failure(registry.error());
  if (registry->epoch == 0) return;
  const auto rows = store_.read_minutes({current - kLedgerMax, current});
  if (!rows) return note_ledger_failure(rows.error());
  auto open_from = current;
  if (!rows->empty()) {
    const auto open = std::ranges::find(*rows, false, &MinuteStats::closed);
    open_from = open == rows->end() ? rows->back().minute + minutes{1} : open->minute;
  }
  closed_before_ = open_from;
}

// Looks at the clock.
bool Sink::is_time_to_close() {
  const auto before = std::exchange(last_wall_, clock_.wall());
  const auto now = minute_of(last_wall_);
  if (const auto step = clock_step_.look(); step && *step > milliseconds{0}) {
    note_uncertain({minute_of(before), now});
  }
  const bool is_doubtful = clock_.trust() == ClockTrust::kDoubtful;
  if (is_doubtful) note_uncertain({now, now + minutes{1}});
  return !is_doubtful;
}

void Sink::note_uncertain(MinuteRange range) {
  const bool goes_on =
      uncertain_ && range.begin <= uncertain_->end && uncertain_->begin <= range.end;
  if (goes_on) {
    range = {std::min(range.begin, uncertain_->begin), std::max(range.end, uncertain_->end)};
  }
  uncertain_ = range;
}

void Sink::close_minutes() {
  if (!is_time_to_close() || !ledger_backoff_.may_call()) return;
  if (!closed_before_) begin_ledger(minute_of(last_wall_));
  const auto end = minute_of(last_wall_ - options_.grace);
  if (!closed_before_ || end <= *closed_before_ || !held_.empty() || !queue_drained_) return;
  closed_before_ = std::max<Minute>(*closed_before_, end - kLedgerMax);
  while (*closed_before_ < end) {
    const auto range = next_alike(*closed_before_, end);
    const auto closed = store_.close_minutes(range, reason_of(range.begin));
    if (!closed) return note_ledger_failure(closed.error());
    closed_before_ = range.end;
    paused_.erase(paused_.begin(), paused_.lower_bound(range.end));
    ledger_backoff_.succeeded();
    ledger_state_.recovered("closing minutes again");
  }
}

void Sink::note_pause() {
  const auto paused = options_.pause ? options_.pause() : std::nullopt;
  if (paused) paused_[minute_of(clock_.wall())] = paused->missed_as;
}

MissReason Sink::reason_of(Minute minute) const {
  if (uncertain_ && uncertain_->contains(minute)) return MissReason::kClock;
  if (const auto paused = paused_.find(minute); paused != paused_.end()) return paused->second;
  return minute <= started_in_ ? MissReason::kDown : MissReason::kOverrun;
}

// As many minutes as have the reason of the first one: they are closed in one transaction.
MinuteRange Sink::next_alike(Minute from, Minute end) const {
  auto to = from + minutes{1};
  while (to < end && reason_of(to) == reason_of(from)) to += minutes{1};
  return {from, to};
}

void Sink::drain() {
  if (held_.empty() || store_held()) return;
  std::vector<VisibilityChange> changes;
  for (const auto& held : held_) {
    changes.push_back({held.delivery.receipt, milliseconds{0}, true});
  }
  (void)points_.change_visibility(changes);
  held_.clear();
}

}  // namespace ia
