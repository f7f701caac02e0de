#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/miss.h"
#include "core/point_batch.h"

namespace ia {

// What to fetch, under a ticket that the caller chose.
struct FetchOrder {
  std::uint64_t ticket = 0;
  std::vector<InfluencerId> influencers;  // strictly ascending
  WallTime start_before;                  // no request is begun at or after this
  WallTime finish_before;                 // no reply is waited for past this
};

struct FetchedValue {
  InfluencerId influencer;
  WallTime retrieved_at;
  Counts counts;
};

// Every influencer of the order is in exactly one of `values` and `misses`.
struct FinishedFetch {
  std::uint64_t ticket = 0;
  std::vector<FetchedValue> values{};  // ascending by influencer
  std::vector<Miss> misses{};          // ascending by influencer
  // Names that differ from the last one that this provider reported for the influencer.
  std::vector<Username> usernames{};  // ascending
  // Those of `misses` (not_found) that the network denied in its own words, ascending. The others
  // only got a status such as 404, which any gateway on the way may have made up.
  std::vector<InfluencerId> denied{};
};

// What the network's clock said (the Date of a reply, in whole seconds), and when it was read.
struct NetworkTime {
  WallTime said;
  MonoTime read_at;
};

// The newest failed request of a reason.
struct FailureExample {
  MissReason reason;
  InfluencerId influencer;
  unsigned status = 0;  // 0: no reply came
  std::string text{};   // the reply's first bytes or what went wrong, printable ASCII
  WallTime at;
  std::uint64_t count = 0;  // of the failures of this reason since the start
};

struct ProviderHealth {
  std::uint64_t requests_total = 0;  // sent, retries included
  std::uint64_t retries_total = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t in_flight_limit = 0;  // of the adaptive limit
  std::uint64_t connections = 0;
  std::uint64_t waiting = 0;  // influencers ordered, not yet asked for
  bool breaker_open = false;  // nearly everything fails: requests pause
  // Why influencers that are due in this minute may not have been requested, where something but
  // lack of time kept requests back within the last minute.
  std::optional<MissReason> holdup;
  std::chrono::microseconds p50{0};  // reply times of the last minute or so
  std::chrono::microseconds p99{0};
  std::string last_error;                   // for people; empty when all is well
  std::optional<NetworkTime> network_time;  // of the newest reply that says it; about once a second
};

// A social network. It works by itself between calls; start and take never block on the network.
// It protects the network: rate, concurrency, retries and Retry-After are its business.
// Thread safety: one caller at a time for start and take_finished; health from any thread.
class Provider {
 public:
  virtual ~Provider() = default;

  virtual void start(FetchOrder order) = 0;

  // The fetches that are finished, waiting up to `wait` for the first one.
  virtual std::vector<FinishedFetch> take_finished(std::chrono::milliseconds wait) = 0;

  // From now on at most so many requests a second; 0: as many as it can. Any thread.
  virtual void set_rate(double requests_per_second) = 0;

  // Ends all orders soon: what has no reply within `grace` is finished as missed (overrun).
  virtual void cancel(std::chrono::milliseconds grace) = 0;

  virtual ProviderHealth health() const = 0;
  // At most one per reason. Any thread.
  virtual std::vector<FailureExample> failure_examples() const { return {}; }

  // One request, for `doctor`, while no order is open: kUnavailable with the reason when there is
  // no answer.
  virtual Status probe() = 0;
};

}  // namespace ia
