#include "pipeline/fetcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "pipeline/messages.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kShardsPerReceive = 10;
// SQS takes 64 KiB for the price of one message, and base64 adds a third.
constexpr std::size_t kBodyBytesMax = 48'000;
constexpr BackoffOptions kPointsBackoff{.min = milliseconds{100}, .max = milliseconds{5'000}};
// Beyond the time for which a shard is given back, what it may be in hand.
constexpr milliseconds kGiveBackMargin{15'000};
constexpr milliseconds kExtendAhead{10'000};
// A message that cannot be judged while the store is away.
constexpr milliseconds kJudgeLater{5'000};
// From this time of a minute on, what does not find room during an outage is not going to.
constexpr milliseconds kGivingUpIn{45'000};
// Less does not misfile more than the replies that are under way.
constexpr milliseconds kClockStepMin{10'000};
constexpr milliseconds kHeldInDoubt{10'000};
constexpr milliseconds kLookInDoubt{100};

constexpr std::size_t kDoneMax = 10'000;
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

std::string unknown_epoch(const Shard& shard, std::uint64_t stored) {
  return fmt::format(
      "shard message: epoch {}, where the newest seeding that the store knows is {}: it is of "
      "another store, or forged",
      shard.epoch, stored);
}

std::string too_large(const Shard& shard, std::size_t size_max) {
  return fmt::format(
      "shard message: {} influencers, where a shard of this seeding holds {} at most",
      shard.influencers.size(), size_max);
}

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
      ids_state_(log, "fetcher", clock),
      give_back_state_(log, "fetcher", clock),
      points_state_(log, "fetcher", clock),
      pause_state_(log, "fetcher", clock),
      ids_backoff_(clock),
      give_back_backoff_(clock),
      points_backoff_(clock, kPointsBackoff),
      clock_step_(clock, kClockStepMin),
      shards_total_(metrics.counter("ia_shards_fetched_total", "Shards fetched.")),
      shards_stale_total_(
          metrics.counter("ia_shards_stale_total", "Shards of an older seeding, dropped.")),
      shards_unreadable_total_(
          metrics.counter("ia_shards_unreadable_total", "Id messages moved to the dead letters.")),
      points_total_(metrics.counter("ia_points_fetched_total", "Points sent to the points queue.")),
      batches_sent_total_(metrics.counter("ia_batches_sent_total", "Point batches sent.")),
      send_failures_total_(
          metrics.counter("ia_batch_send_failures_total", "Failed sends of point batches.")),
      missed_total_(missed_counters(metrics)),
      shards_in_flight_(metrics.gauge("ia_shards_in_flight", "Shards being fetched.")),
      vanished_gauge_(metrics.gauge("ia_influencers_vanished",
                                    "Influencers that the network denies, asked for hourly.")) {}

void Fetcher::step(milliseconds wait) {
  note_clock();
  const bool waits_for_shards = in_flight_.empty() && outbound_.empty() && may_take();
  collect(waits_for_shards ? milliseconds{0} : std::min(wait, until_next()));
  send_outbound();
  give_back();
  extend_visibility();
  if (may_take()) take_shards(waits_for_shards ? wait : milliseconds{0});
  shards_in_flight_.set(static_cast<double>(in_flight_.size()));
  vanished_gauge_.set(static_cast<double>(vanished_.flagged()));
}

bool Fetcher::may_take() const {
  if (draining_ || points_backoff_.is_failing() || !ids_backoff_.may_call()) return false;
  if (clock_.mono() < take_after_ || pause_state_.is_failing()) return false;
  const auto health = provider_.health();
  if (!health.breaker_open) return has_room() && health.waiting < options_.waiting_max;
  return has_room() || clock_.wall() >= minute_of(clock_.wall()) + kGivingUpIn;
}

bool Fetcher::has_room() const {
  return in_flight_.size() + outbound_.size() < options_.shards_in_flight_max;
}

bool Fetcher::is_worth_sending() const {
  if (outbound_.empty() || !points_backoff_.may_call()) return false;
  const bool has_waited = clock_.mono() - outbound_.front().since >= options_.gather;
  return draining_ || has_waited || outbound_.size() >= options_.full_call;
}

// How long there is nothing to do but to wait for the network.
milliseconds Fetcher::until_next() const {
  const auto now = clock_.mono();
  auto next = in_doubt_since_ ? now + kLookInDoubt : MonoTime::max();
  if (!in_doubt_since_ && !outbound_.empty()) next = outbound_.front().since + options_.gather;
  if (take_after_ > now) next = std::min(next, take_after_);
  if (next == MonoTime::max()) return milliseconds::max();
  const auto left = std::chrono::ceil<milliseconds>(next - now);
  return std::max({left, points_backoff_.rest(), milliseconds{0}});
}

milliseconds Fetcher::visibility() const {
  if (!guards_.give_back_max) return options_.visibility;
  return std::max(options_.visibility, guards_.give_back_max() + kGiveBackMargin);
}

void Fetcher::note_clock() {
  note_pause();
  if (!clock_step_.look()) return;
  for (auto& [ticket, held] : in_flight_) held.is_misfiled = true;
  for (auto& outbound : outbound_) blank(outbound);
}

void Fetcher::note_pause() {
  const auto pause = guards_.pause ? guards_.pause() : std::nullopt;
  if (pause) {
    paused_in_ = minute_of(clock_.wall());
    paused_as_ = pause->missed_as;
    pause_state_.failing("fetching pauses", pause->cause);
  } else {
    pause_state_.recovered("fetching goes on");
  }
}

bool Fetcher::holds_for_clock() {
  if (guards_.hear_network) guards_.hear_network();
  if (clock_.trust() != ClockTrust::kDoubtful) {
    in_doubt_since_.reset();
    return false;
  }
  const auto now = clock_.mono();
  if (!in_doubt_since_) in_doubt_since_ = now;
  if (!draining_ && now - *in_doubt_since_ < kHeldInDoubt) return true;
  for (auto& outbound : outbound_) blank(outbound);
  return false;
}

// What came is of no known minute, so all are missed in the one that they were asked for.
void Fetcher::blank(Outbound& outbound) const {
  outbound.bodies.clear();
  if (guards_.knows_minute && !guards_.knows_minute()) return;
  PointBatch batch;
  batch.minute = outbound.held.minute;
  batch.retrieved_at = within(batch.minute, clock_.wall());
  for (const auto id : outbound.held.shard.influencers.ids()) {
    batch.misses.push_back({id, MissReason::kClock});
  }
  outbound.bodies = encode_in_parts(batch, kBodyBytesMax);
}

void Fetcher::take_shards(milliseconds wait) {
  const auto room = has_room()
                        ? options_.shards_in_flight_max - in_flight_.size() - outbound_.size()
                        : kShardsPerReceive;
  const auto count = std::min(room, kShardsPerReceive);
  auto deliveries = ids_.receive(count, visibility(), wait);
  ids_backoff_.note(deliveries.has_value());
  if (!deliveries) {
    ids_state_.failing("cannot take shards", deliveries.error().message);
    return;
  }
  ids_state_.recovered("taking shards again");
  if (deliveries->size() < count) take_after_ = clock_.mono() + options_.take_apart;
  stored_epoch_.reset();
  std::vector<Receipt> stale;
  for (auto& delivery : *deliveries) accept(std::move(delivery), stale);
  drop(stale);
}

void Fetcher::bury(Delivery delivery, const std::string& reason) {
  shards_unreadable_total_.add();
  log_.warning("fetcher", "an id message goes to the dead letters", {{"cause", reason}});
  (void)ids_.bury(delivery.receipt, {std::move(delivery.body), reason});  // else it comes again
}

// A seeding stores its registry before it sends its shards, so one that claims to be newer than
// the registry is nobody's. Asked once per receive: what came with it was sent before.
bool Fetcher::is_known(const Shard& shard) {
  if (shard.epoch <= guards_.epoch() || !guards_.stored_epoch) return true;
  if (!stored_epoch_) stored_epoch_ = guards_.stored_epoch();
  return *stored_epoch_ && shard.epoch <= **stored_epoch_;
}

// What stays after a failure is dropped when it comes again.
void Fetcher::drop(std::span<const Receipt> stale) {
  if (stale.empty()) return;
  shards_stale_total_.add(stale.size());
  (void)ids_.ack(stale);
}

void Fetcher::accept(Delivery delivery, std::vector<Receipt>& stale) {
  auto shard = decode_shard(delivery.body);
  if (!shard) return bury(std::move(delivery), shard.error().message);
  const bool is_foreign = shard->epoch == kForeignEpoch;
  if (!is_foreign && shard->epoch < guards_.epoch()) {
    stale.push_back(std::move(delivery.receipt));
    return;
  }
  if (!is_foreign && !is_known(*shard)) {
    if (*stored_epoch_) return bury(std::move(delivery), unknown_epoch(*shard, **stored_epoch_));
    done_.push_back({std::move(delivery.receipt), clock_.wall() + kJudgeLater});
    return;
  }
  const auto size_max = guards_.shard_size_max ? guards_.shard_size_max() : kNoLimit;
  if (!is_foreign && shard->influencers.size() > size_max) {
    return bury(std::move(delivery), too_large(*shard, size_max));
  }
  const auto now = clock_.wall();
  Held held{.shard = std::move(*shard),
            .receipt = std::move(delivery.receipt),
            .minute = minute_of(now),
            .visible_again = clock_.mono() + visibility(),
            .skipped = {}};
  if (!is_due(held.shard.number, held.shard.schedule, held.minute)) {
    const auto due = next_due(held);
    done_.push_back({std::move(held.receipt), due});
  } else if (now >= held.minute + kLastStart || !has_room()) {
    skip_minute(std::move(held));
  } else {
    begin(std::move(held));
  }
}

void Fetcher::begin(Held held) {
  auto split = vanished_.split(held.shard.influencers.ids(), clock_.mono());
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

// Too late in the minute to ask, or no room during an outage: if the shard has no values yet, its
// minute is missed. The store knows; a miss of an influencer that has its value is ignored there.
void Fetcher::skip_minute(Held held) {
  FinishedFetch fetch;
  const auto why = why_too_late(held.minute);
  for (const auto id : held.shard.influencers.ids()) fetch.misses.push_back({id, why});
  hand_on(std::move(held), std::move(fetch));
}

MissReason Fetcher::why_too_late(Minute minute) const {
  if (paused_in_ == minute) return paused_as_;
  return provider_.health().holdup.value_or(MissReason::kOverrun);
}

void Fetcher::collect(milliseconds wait) {
  for (auto& fetch : provider_.take_finished(wait)) {
    const auto known = in_flight_.find(fetch.ticket);
    if (known == in_flight_.end()) continue;
    auto held = std::move(known->second);
    in_flight_.erase(known);
    vanished_.note(fetch, clock_.mono());
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
  Outbound outbound{.held = std::move(held), .bodies = {}, .next_due = due, .since = clock_.mono()};
  const auto minute = outbound.held.minute;
  for (const auto& batch : batches_of(std::move(fetch), minute, now)) {
    for (auto& body : encode_in_parts(batch, kBodyBytesMax)) {
      outbound.bodies.push_back(std::move(body));
    }
  }
  if (outbound.held.is_misfiled) blank(outbound);
  outbound_.push_back(std::move(outbound));
}

WallTime Fetcher::next_due(const Held& held) const {
  const auto& shard = held.shard;
  return due_time(shard.number, shard.schedule,
                  next_due_minute(shard.number, shard.schedule, held.minute));
}

// All that is ready goes in one transaction.
void Fetcher::send_outbound() {
  if (!is_worth_sending() || holds_for_clock()) return;
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
    points_backoff_.note(failed && failed->empty());
    if (!failed || !failed->empty()) {
      send_failures_total_.add();
      points_state_.failing("cannot send points, they stay in hand",
                            failed ? failed->front().error.message : failed.error().message);
      if (!failed) return;
      for (const auto& entry : *failed) unsent[owners[entry.index]] = 1;
    } else {
      points_state_.recovered("sending points again");
    }
    batches_sent_total_.add(messages.size() - (failed ? failed->size() : 0));
  }
  std::deque<Outbound> kept;
  for (std::size_t i = 0; i < outbound_.size(); ++i) {
    if (unsent[i] != 0) {
      kept.push_back(std::move(outbound_[i]));
    } else {
      done_.push_back({std::move(outbound_[i].held.receipt), outbound_[i].next_due});
    }
  }
  outbound_ = std::move(kept);
}

// Gives shards back until their next due time. One whose time in hand is over meanwhile comes back
// by itself, and is fetched again: harmless.
void Fetcher::give_back() {
  if (done_.empty() || !give_back_backoff_.may_call()) return;
  const auto now = clock_.wall();
  std::vector<VisibilityChange> changes;
  for (const auto& done : done_) {
    changes.push_back({done.receipt, std::max(done.due - now, milliseconds{0})});
  }
  const auto changed = ids_.change_visibility(changes);
  std::vector<Done> kept;
  std::string cause = changed ? "" : changed.error().message;
  if (changed) {
    for (const auto& [index, error] : *changed) {
      if (error.code == Errc::kNotFound) continue;  // somebody else has it
      kept.push_back(std::move(done_[index]));
      cause = error.message;
    }
    done_ = std::move(kept);
  }
  const bool is_done = changed && done_.empty();
  give_back_backoff_.note(is_done);
  if (is_done) {
    give_back_state_.recovered("giving shards back again");
  } else {
    give_back_state_.failing("cannot give shards back", cause);
  }
  if (done_.size() > kDoneMax) done_.erase(done_.begin(), done_.end() - kDoneMax);
}

void Fetcher::extend_visibility() {
  const auto now = clock_.mono();
  const auto time = visibility();
  const auto ahead = std::min(time / 3, kExtendAhead);
  if (now - extended_at_ < ahead * 3 / 4) return;
  extended_at_ = now;
  std::vector<VisibilityChange> changes;
  const auto extend = [&](Held& held) {
    if (held.visible_again - now > ahead) return;
    held.visible_again = now + time;
    changes.push_back({held.receipt, time});
  };
  for (auto& [ticket, held] : in_flight_) extend(held);
  for (auto& outbound : outbound_) extend(outbound.held);
  if (changes.empty()) return;
  if (const auto changed = ids_.change_visibility(changes); !changed) {
    give_back_state_.failing("cannot keep shards", changed.error().message);
  }
}

void Fetcher::drain(milliseconds grace) {
  draining_ = true;
  provider_.cancel(grace);
  const auto deadline = clock_.mono() + grace + kPointsBackoff.max;
  while (!in_flight_.empty() && clock_.mono() < deadline) {
    collect(milliseconds{100});
    send_outbound();
    give_back();
  }
  while ((!outbound_.empty() || !done_.empty()) && clock_.mono() < deadline) {
    send_outbound();
    give_back();
    if (!outbound_.empty() || !done_.empty()) collect(milliseconds{50});
  }
}

}  // namespace ia
