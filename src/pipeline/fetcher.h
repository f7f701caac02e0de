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

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/schedule.h"
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
};

// What the fetcher asks of its surroundings, cheaply and often.
struct FetcherGuards {
  // The newest seeding. Messages of an older one are dropped.
  std::function<std::uint64_t()> epoch;
  // A reason not to take new shards (a full disk), or nothing.
  std::function<std::optional<std::string>()> pause;
};

// Takes shards that are due, has them fetched, sends the points on, and makes the shard invisible
// until its next due time: in this order, so that a fetcher that dies loses nothing.
// Any number of fetchers share the queues. A shard whose batch cannot be sent stays in hand, and
// no new ones are taken meanwhile. One thread; no I/O but through the ports.
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

 private:
  struct Held {
    Shard shard;
    Receipt receipt;
    Minute minute;           // the minute that it is fetched for
    MonoTime visible_again;  // when the queue would deliver it to somebody else
    std::vector<Miss> skipped;
  };
  struct Outbound {
    Held held;
    std::vector<std::string> bodies;
    WallTime next_due;
  };

  void take_shards(std::chrono::milliseconds wait);
  void accept(Delivery delivery);
  void begin(Held held, WallTime now);
  void skip_minute(Held held);
  void collect(std::chrono::milliseconds wait);
  void hand_on(Held held, FinishedFetch fetch);
  void send_outbound();
  void release(std::span<const Outbound> sent);
  void extend_visibility();
  void note_clock();
  bool may_take() const;
  WallTime next_due(const Held& held) const;

  FetcherOptions options_;
  FetcherGuards guards_;
  Queue& ids_;
  Queue& points_;
  Provider& provider_;
  const Clock& clock_;
  Log& log_;
  StateLog ids_state_;
  StateLog points_state_;
  StateLog pause_state_;

  std::map<std::uint64_t, Held> in_flight_;  // by ticket
  std::deque<Outbound> outbound_;            // fetched, not yet in the points queue
  VanishedInfluencers vanished_;
  std::uint64_t next_ticket_ = 1;
  MonoTime retry_after_{};
  std::chrono::milliseconds retry_delay_{0};
  MonoTime extended_at_{};
  bool draining_ = false;
  WallTime last_wall_{};
  MonoTime last_mono_{};

  CounterMetric shards_total_;
  CounterMetric shards_stale_total_;
  CounterMetric shards_unreadable_total_;
  CounterMetric points_total_;
  CounterMetric batches_sent_total_;
  CounterMetric send_failures_total_;
  CounterMetric clock_steps_total_;
  std::vector<CounterMetric> missed_total_;  // by reason
  GaugeMetric shards_in_flight_;
  GaugeMetric vanished_gauge_;
};

}  // namespace ia
