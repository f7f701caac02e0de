#include "pipeline/fetcher.h"

#include <algorithm>
#include <iterator>

#include "pipeline/messages.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kShardsPerReceive = 10;
// SQS takes 64 KiB for the price of one message, and base64 adds a third.
constexpr std::size_t kBodyBytesMax = 48'000;
constexpr milliseconds kRetryDelayMin{100};
constexpr milliseconds kRetryDelayMax{5'000};
constexpr milliseconds kClockStepMin{2'000};

WallTime within(Minute minute, WallTime time) {
  return std::clamp(time, WallTime{minute}, minute + milliseconds{59'999});
}

// One batch a minute in which replies came: nearly always one.
std::vector<PointBatch> batches_of(FinishedFetch fetch, Minute minute, WallTime now) {
  std::map<Minute, PointBatch> by_minute;
  auto& own = by_minute[minute];
  own.retrieved_at = within(minute, now);
  own.misses = std::move(fetch.misses);
  own.usernames = std::move(fetch.usernames);
  WallTime newest = WallTime{minute};
  for (const auto& value : fetch.values) {
    auto& batch = by_minute[minute_of(value.retrieved_at)];
    batch.influencers.push_back(value.influencer);
    batch.followers.push_back(value.counts.followers);
    batch.following.push_back(value.counts.following);
    newest = std::max(newest, value.retrieved_at);
  }
  std::vector<PointBatch> batches;
  for (auto& [key, batch] : by_minute) {
    batch.minute = key;
    if (batch.size() > 0) batch.retrieved_at = within(key, newest);
    const bool empty = batch.size() == 0 && batch.misses.empty() && batch.usernames.empty();
    if (!empty) batches.push_back(std::move(batch));
  }
  return batches;
}

void merge_misses(std::vector<Miss>& misses, std::vector<Miss> more) {
  misses.insert(misses.end(), more.begin(), more.end());
  std::ranges::sort(misses, {}, &Miss::influencer);
}

std::vector<CounterMetric> missed_counters(Metrics& metrics) {
  std::vector<CounterMetric> counters;
  for (std::size_t i = 0; i < kMissReasonCount; ++i) {
    counters.push_back(
        metrics.counter("ia_fetch_missed_total", "Influencers that a fetch ended without a value.",
                        {{"reason", std::string(name_of(static_cast<MissReason>(i)))}}));
  }
  return counters;
}

}  // namespace

Fetcher::Fetcher(FetcherOptions options, FetcherGuards guards, Queue& ids, Queue& points,
                 Provider& provider, const Clock& clock, Metrics& metrics, Log& log)
    : options_(options),
      guards_(std::move(guards)),
      ids_(ids),
      points_(points),
      provider_(provider),
      clock_(clock),
      log_(log),
      ids_state_(log, "fetcher"),
      points_state_(log, "fetcher"),
      pause_state_(log, "fetcher"),
      last_wall_(clock.wall()),
      last_mono_(clock.mono()),
      shards_total_(metrics.counter("ia_shards_fetched_total", "Shards fetched.")),
      shards_stale_total_(
          metrics.counter("ia_shards_stale_total", "Shards of an older seeding, dropped.")),
      shards_unreadable_total_(
          metrics.counter("ia_shards_unreadable_total", "Id messages moved to the dead letters.")),
      points_total_(metrics.counter("ia_points_fetched_total", "Points sent to the points queue.")),
      batches_sent_total_(metrics.counter("ia_batches_sent_total", "Point batches sent.")),
      send_failures_total_(
          metrics.counter("ia_batch_send_failures_total", "Failed sends of point batches.")),
      clock_steps_total_(metrics.counter("ia_clock_steps_total", "Steps of the wall clock seen.")),
      missed_total_(missed_counters(metrics)),
      shards_in_flight_(metrics.gauge("ia_shards_in_flight", "Shards being fetched.")),
      vanished_gauge_(metrics.gauge("ia_influencers_vanished",
                                    "Influencers that the network denies, asked for hourly.")) {}

void Fetcher::step(milliseconds wait) {
  note_clock();
  const bool waits_for_shards = in_flight_.empty() && may_take();
  collect(waits_for_shards ? milliseconds{0} : wait);
  send_outbound();
  extend_visibility();
  if (may_take()) take_shards(waits_for_shards ? wait : milliseconds{0});
  shards_in_flight_.set(static_cast<double>(in_flight_.size()));
  vanished_gauge_.set(static_cast<double>(vanished_.flagged()));
}

bool Fetcher::may_take() const {
  return !draining_ && outbound_.empty() && clock_.mono() >= retry_after_ &&
         !pause_state_.is_failing() && in_flight_.size() < options_.shards_in_flight_max &&
         provider_.health().waiting < options_.waiting_max;
}

void Fetcher::note_clock() {
  const auto wall = clock_.wall();
  const auto mono = clock_.mono();
  const auto step = (wall - last_wall_) - std::chrono::floor<milliseconds>(mono - last_mono_);
  last_wall_ = wall;
  last_mono_ = mono;
  if (std::chrono::abs(step) >= kClockStepMin) {
    clock_steps_total_.add();
    log_.warning("fetcher", "the wall clock stepped", {{"by_ms", std::to_string(step.count())}});
  }
  const auto reason = guards_.pause ? guards_.pause() : std::nullopt;
  if (reason) {
    pause_state_.failing("fetching pauses", *reason);
  } else {
    pause_state_.recovered("fetching goes on");
  }
}

void Fetcher::take_shards(milliseconds wait) {
  const auto room = options_.shards_in_flight_max - in_flight_.size();
  auto deliveries = ids_.receive(std::min(room, kShardsPerReceive), options_.visibility, wait);
  if (!deliveries) {
    ids_state_.failing("cannot take shards", deliveries.error().message);
    retry_after_ = clock_.mono() + kRetryDelayMin;
    return;
  }
  ids_state_.recovered("taking shards again");
  for (auto& delivery : *deliveries) accept(std::move(delivery));
}

void Fetcher::accept(Delivery delivery) {
  auto shard = decode_shard(delivery.body);
  if (!shard) {
    shards_unreadable_total_.add();
    log_.warning("fetcher", "an id message goes to the dead letters",
                 {{"cause", shard.error().message}});
    (void)ids_.bury(delivery.receipt, {std::move(delivery.body), shard.error().message});
    return;
  }
  if (shard->epoch != kForeignEpoch && shard->epoch < guards_.epoch()) {
    shards_stale_total_.add();
    (void)ids_.ack(std::span(&delivery.receipt, 1));  // kept on failure: dropped next time
    return;
  }
  const auto now = clock_.wall();
  Held held{.shard = std::move(*shard),
            .receipt = std::move(delivery.receipt),
            .minute = minute_of(now),
            .visible_again = clock_.mono() + options_.visibility,
            .skipped = {}};
  if (!is_due(held.shard.number, held.shard.schedule, held.minute)) {
    const auto due = next_due(held);
    outbound_.push_back({std::move(held), {}, due});
  } else if (now >= held.minute + kLastStart) {
    skip_minute(std::move(held));
  } else {
    begin(std::move(held), now);
  }
}

void Fetcher::begin(Held held, WallTime now) {
  auto split = vanished_.split(held.shard.influencers.ids(), now);
  held.skipped = std::move(split.skipped);
  const auto ticket = next_ticket_++;
  FetchOrder order{.ticket = ticket,
                   .influencers = std::move(split.to_fetch),
                   .start_before = held.minute + kLastStart,
                   .finish_before = held.minute + kLastReply};
  if (order.influencers.empty()) {
    hand_on(std::move(held), {.ticket = ticket, .values = {}, .misses = {}, .usernames = {}});
    return;
  }
  in_flight_.emplace(ticket, std::move(held));
  provider_.start(std::move(order));
}

// Too late in the minute to ask: if the shard has no values yet, its minute is missed. The store
// knows; a miss of an influencer that has its value is ignored there.
void Fetcher::skip_minute(Held held) {
  FinishedFetch fetch;
  for (const auto id : held.shard.influencers.ids()) {
    fetch.misses.push_back({id, MissReason::kOverrun});
  }
  hand_on(std::move(held), std::move(fetch));
}

void Fetcher::collect(milliseconds wait) {
  for (auto& fetch : provider_.take_finished(wait)) {
    const auto known = in_flight_.find(fetch.ticket);
    if (known == in_flight_.end()) continue;
    auto held = std::move(known->second);
    in_flight_.erase(known);
    vanished_.note(fetch, clock_.wall());
    shards_total_.add();
    hand_on(std::move(held), std::move(fetch));
  }
}

void Fetcher::hand_on(Held held, FinishedFetch fetch) {
  const auto now = clock_.wall();
  auto due = next_due(held);
  if (draining_) {
    // Whoever takes the shard next still has time to ask for what was cut off here.
    const auto cut = std::erase_if(
        fetch.misses, [](const Miss& miss) { return miss.reason == MissReason::kOverrun; });
    if (cut > 0) due = now;
  }
  for (const auto& miss : fetch.misses) {
    missed_total_[static_cast<std::size_t>(miss.reason)].add();
  }
  merge_misses(fetch.misses, std::move(held.skipped));
  points_total_.add(fetch.values.size());
  Outbound outbound{.held = std::move(held), .bodies = {}, .next_due = due};
  const auto minute = outbound.held.minute;
  for (const auto& batch : batches_of(std::move(fetch), minute, now)) {
    for (auto& body : encode_in_parts(batch, kBodyBytesMax)) {
      outbound.bodies.push_back(std::move(body));
    }
  }
  outbound_.push_back(std::move(outbound));
}

WallTime Fetcher::next_due(const Held& held) const {
  const auto& shard = held.shard;
  return due_time(shard.number, shard.schedule,
                  next_due_minute(shard.number, shard.schedule, held.minute));
}

// All that is ready goes in one transaction.
void Fetcher::send_outbound() {
  if (outbound_.empty() || clock_.mono() < retry_after_) return;
  std::vector<OutgoingMessage> messages;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < outbound_.size(); ++i) {
    for (const auto& body : outbound_[i].bodies) {
      messages.push_back({body, milliseconds{0}});
      owners.push_back(i);
    }
  }
  std::vector<char> unsent(outbound_.size(), 0);
  if (!messages.empty()) {
    const auto failed = points_.send(messages);
    if (!failed || !failed->empty()) {
      send_failures_total_.add();
      points_state_.failing("cannot send points, they stay in hand",
                            failed ? failed->front().error.message : failed.error().message);
      retry_delay_ = std::clamp(retry_delay_ * 2, kRetryDelayMin, kRetryDelayMax);
      retry_after_ = clock_.mono() + retry_delay_;
      if (!failed) return;
      for (const auto& entry : *failed) unsent[owners[entry.index]] = 1;
    } else {
      points_state_.recovered("sending points again");
      retry_delay_ = milliseconds{0};
    }
    batches_sent_total_.add(messages.size() - (failed ? failed->size() : 0));
  }
  std::vector<Outbound> sent;
  std::deque<Outbound> kept;
  for (std::size_t i = 0; i < outbound_.size(); ++i) {
    if (unsent[i] != 0) {
      kept.push_back(std::move(outbound_[i]));
    } else {
      sent.push_back(std::move(outbound_[i]));
    }
  }
  outbound_ = std::move(kept);
  release(sent);
}

// Gives shards back until their next due time. When that fails they come back by themselves when
// their visibility ends, and are fetched again: harmless.
void Fetcher::release(std::span<const Outbound> sent) {
  if (sent.empty()) return;
  const auto now = clock_.wall();
  std::vector<VisibilityChange> changes;
  for (const auto& outbound : sent) {
    const auto wait = std::max(outbound.next_due - now, milliseconds{0});
    changes.push_back({outbound.held.receipt, wait});
  }
  if (const auto changed = ids_.change_visibility(changes); !changed) {
    ids_state_.failing("cannot give shards back", changed.error().message);
  }
}

void Fetcher::extend_visibility() {
  const auto now = clock_.mono();
  if (now - extended_at_ < options_.visibility / 4) return;
  extended_at_ = now;
  std::vector<VisibilityChange> changes;
  const auto extend = [&](Held& held) {
    if (held.visible_again - now > options_.visibility * 2 / 3) return;
    held.visible_again = now + options_.visibility;
    changes.push_back({held.receipt, options_.visibility});
  };
  for (auto& [ticket, held] : in_flight_) extend(held);
  for (auto& outbound : outbound_) extend(outbound.held);
  if (changes.empty()) return;
  if (const auto changed = ids_.change_visibility(changes); !changed) {
    ids_state_.failing("cannot keep shards", changed.error().message);
  }
}

void Fetcher::drain(milliseconds grace) {
  draining_ = true;
  provider_.cancel(grace);
  const auto deadline = clock_.mono() + grace + kRetryDelayMax;
  while (!in_flight_.empty() && clock_.mono() < deadline) {
    collect(milliseconds{100});
    send_outbound();
  }
  while (!outbound_.empty() && clock_.mono() < deadline) {
    send_outbound();
    if (!outbound_.empty()) collect(milliseconds{50});
  }
}

}  // namespace ia
