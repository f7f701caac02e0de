#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
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
#include "core/schedule.h"
#include "pipeline/fetch_pause.h"
#include "pipeline/vanished.h"
#include "ports/provider.h"
#include "ports/queue.h"

namespace ia {

struct FetcherOptions {
  std::size_t shards_in_flight_max = 256;
  // Shards are taken while fewer influencers than this wait for their request.
  std::uint64_t waiting_max = 8'000;
  // A fetcher that dies gives its shards back after this. Extended while the work goes on.
  std::chrono::milliseconds visibility{30'000};
  // Where every call costs money, or a transaction that writes whole pages: finished shards wait
  // this long for others, until there are `full_call` of them. 0: nothing waits.
  std::chrono::milliseconds gather{0};
  std::size_t full_call = 10;
  // Shards are taken this far apart, for the same reason, unless the last call was full.
  std::chrono::milliseconds take_apart{0};
};

// What the fetcher asks of its surroundings, cheaply and often.
struct FetcherGuards {
  // The newest seeding. Messages of an older one are dropped.
  std::function<std::uint64_t()> epoch;
  // A reason not to take new shards (a full disk), or none.
  std::function<std::optional<FetchPause>()> pause;
  // What the store says now, for a message that claims to be newer than `epoch`: one of a seeding
  // that the store does not know goes to the dead letters. Without it all are taken.
  std::function<Result<std::uint64_t>()> stored_epoch = {};
  // How many influencers a shard of the newest seeding may hold.
  std::function<std::size_t()> shard_size_max = {};
  // The longest time for which shards are given back. Shards are received for longer than that, so
  // that giving one back always makes its time shorter: some servers deliver late what is made
  // invisible for longer than before. Without it `visibility` alone counts.
  std::function<std::chrono::milliseconds()> give_back_max = {};
  // Told before points are sent: what the network's clock says is to be heard now.
  std::function<void()> hear_network = {};
  // False when not even the minute is known while the time is in doubt: then nothing is said of it.
  std::function<bool()> knows_minute = {};
};

// Takes shards that are due, has them fetched, sends the points on, and makes the shard invisible
// until its next due time: in this order, so that a fetcher that dies loses nothing.
// Any number of fetchers share the queues. A shard whose batch cannot be sent stays in hand, and
// no new ones are taken meanwhile. While the network is out all that are due are taken: those that
// find no room late in the minute are missed with the reason of the outage, as it is known here
// alone. While the time is in doubt nothing is stamped: what came is held for ten seconds, in which
// the network's clock as a rule settles it, and is then missed (clock). So is what was fetched
// while a step of the clock was followed. One thread; no I/O but through the ports.
class Fetcher {
 public:
  Fetcher(FetcherOptions options, FetcherGuards guards, Queue& ids, Queue& points,
          Provider& provider, const Clock& clock, Metrics& metrics, Log& log);

  // One round. Waits up to `wait` when there is nothing to do.
  void step(std::chrono::milliseconds wait);

  // Ends what is in flight within about `grace`, sends what came, gives the unfinished shards
  // back at once. After it, call nothing else.
  void drain(std::chrono::milliseconds grace);

  std::size_t shards_in_flight() const { return in_flight_.size(); }
  // The points queue takes nothing: what is fetched stays in hand. Any thread.
  bool is_sending_failing() const { return points_state_.is_failing(); }

 private:
  struct Held {
    Shard shard;
    Receipt receipt;
    Minute minute;           // the minute that it is fetched for
    MonoTime visible_again;  // when the queue would deliver it to somebody else
    std::vector<Miss> skipped;
    bool is_misfiled = false;  // the clock stepped meanwhile, so its values are of another minute
  };
  struct Outbound {
    Held held;
    std::vector<std::string> bodies;
    WallTime next_due;
    MonoTime since;
  };
  // A shard that is done with until `due`.
  struct Done {
    Receipt receipt;
    WallTime due;
  };

  void take_shards(std::chrono::milliseconds wait);
  void accept(Delivery delivery, std::vector<Receipt>& stale);
  void bury(Delivery delivery, const std::string& reason);
  bool is_known(const Shard& shard);
  void drop(std::span<const Receipt> stale);
  void begin(Held held);
  void skip_minute(Held held);
  void collect(std::chrono::milliseconds wait);
  void hand_on(Held held, FinishedFetch fetch);
  void send_outbound();
  void give_back();
  void extend_visibility();
  void note_clock();
  void note_pause();
  bool holds_for_clock();
  void blank(Outbound& outbound) const;
  bool may_take() const;
  bool is_worth_sending() const;
  std::chrono::milliseconds until_next() const;
  std::chrono::milliseconds visibility() const;
  bool has_room() const;
  MissReason why_too_late(Minute minute) const;
  WallTime next_due(const Held& held) const;

  FetcherOptions options_;
  FetcherGuards guards_;
  Queue& ids_;
  Queue& points_;
  Provider& provider_;
  const Clock& clock_;
  Log& log_;
  StateLog ids_state_;
  StateLog give_back_state_;
  StateLog points_state_;
  StateLog pause_state_;
  Backoff ids_backoff_;
  Backoff give_back_backoff_;
  Backoff points_backoff_;

  std::map<std::uint64_t, Held> in_flight_;  // by ticket
  std::deque<Outbound> outbound_;            // fetched, not yet in the points queue
  std::vector<Done> done_;                   // sent, not yet given back
  VanishedInfluencers vanished_;
  std::uint64_t next_ticket_ = 1;
  MonoTime take_after_{};
  MonoTime extended_at_{};
  std::optional<Result<std::uint64_t>> stored_epoch_;  // as asked for since the last receive
  bool draining_ = false;
  Minute paused_in_{};  // the last minute in which taking paused
  MissReason paused_as_ = MissReason::kOverrun;
  ClockStep clock_step_;
  std::optional<MonoTime> in_doubt_since_;

  CounterMetric shards_total_;
  CounterMetric shards_stale_total_;
  CounterMetric shards_unreadable_total_;
  CounterMetric points_total_;
  CounterMetric batches_sent_total_;
  CounterMetric send_failures_total_;
  std::vector<CounterMetric> missed_total_;  // by reason
  GaugeMetric shards_in_flight_;
  GaugeMetric vanished_gauge_;
};

}  // namespace ia
