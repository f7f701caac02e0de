#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/jump_watch.h"
#include "core/leaderboard.h"
#include "ports/judge.h"
#include "ports/verdict_store.h"

namespace ia {

struct CheckerOptions {
  std::chrono::milliseconds interval{std::chrono::hours{24}};  // from one check to the next
  // Calls a second at most. Nothing: 1.5 times what the interval asks for, and at least one, so
  // that a few influencers need not wait a day for their first verdict.
  std::optional<double> rate;
  std::size_t in_flight_max = 256;
};

// The slow lane: asks the network about every influencer once an interval. Those that were never
// checked come first, as fast as the rate allows; then the oldest verdict is next, at the even pace
// of everybody once an interval, so calls are spread over the day, over restarts too. Whoever made
// a jump (JumpWatch) since its verdict comes sooner, the largest jump first, none more often than
// hourly: every eighth call, every 32nd while a verdict is older than the interval or somebody has
// none, and those that would be left over otherwise. Influencers that are no longer watched are
// left out.
//
// A call that fails is repeated after ten minutes, and after twice that each time, up to an
// interval (an interval at once when the network does not know the influencer); repetitions take no
// more calls than jumps. When the network says that it is too much (kOverloaded), or fails eight
// times in a row, pauses grow from one second to one minute, or are what it asks for. Verdicts that
// cannot be stored stay in hand, and no new calls begin meanwhile.
//
// Where processes share the verdicts one of them checks; another goes on from what is stored when
// it ends. One thread; about 20 bytes an influencer.
class Checker {
 public:
  using Board = std::function<std::shared_ptr<const LeaderboardSnapshot>()>;
  using Jumps = std::function<std::shared_ptr<const JumpCandidates>()>;
  Checker(CheckerOptions options, Board board, Jumps jumps, VerdictStore& store, Judge& judge,
          const Clock& clock, Metrics& metrics, Log& log);

  // One round; waits up to `wait` for the network.
  void step(std::chrono::milliseconds wait);
  // Stores what has come and forgets what is under way. After it, call nothing else.
  void drain();

 private:
  using Index = std::uint32_t;    // of the roster
  using Seconds = std::uint32_t;  // since 1970; 0: never
  struct Turn {
    Index index;
    Seconds checked_at;  // as it was when the turn was given: another one since makes it void
  };
  struct Retry {
    Index index;
    Seconds checked_at;  // as above, and so are the failures
    std::uint8_t failures;
  };

  bool has_turn();
  Status load();
  Index known(InfluencerId influencer);
  void look(const LeaderboardSnapshot& board);
  void queue_everybody(const LeaderboardSnapshot& board);
  void queue_jumpers();
  void count(const LeaderboardSnapshot& board);
  void ask(const LeaderboardSnapshot& board);
  std::optional<Index> next();
  std::optional<Index> next_retry();
  std::optional<Index> next_jumper();
  std::optional<Index> next_in_turn();
  bool is_behind();
  const Turn* oldest();
  bool begin(Index index, const LeaderboardSnapshot& board);
  void take(std::chrono::milliseconds wait);
  void note(Ruling ruling);
  void note_failure(Index index, const Ruling& ruling);
  void store();
  double rate() const;
  MonoTime::duration apart(double a_second) const;
  Seconds now_seconds() const;
  Seconds interval_seconds() const;

  const CheckerOptions options_;
  const Board board_;
  const Jumps jumps_;
  VerdictStore& store_;
  Judge& judge_;
  const Clock& clock_;
  Log& log_;
  StateLog network_state_;
  StateLog store_state_;
  Backoff turn_backoff_;
  Backoff store_backoff_;

  std::uint64_t turn_ = 0;  // among the processes; 0: another one's, or unknown
  std::optional<MonoTime> turn_asked_at_;
  bool stands_by_ = false;

  Roster roster_;
  std::vector<Seconds> checked_at_;     // by index, like the others
  std::vector<std::uint8_t> failures_;  // in a row
  std::vector<bool> in_flight_;
  std::vector<bool> is_queued_;  // has a place below, or is in flight
  std::deque<Index> never_checked_;
  std::deque<Turn> turns_;  // the oldest verdict in front
  std::multimap<MonoTime, Retry> retries_;
  std::vector<Index> jumpers_;  // the largest jump behind
  std::size_t members_ = 0;     // of the board
  std::vector<Verdict> pending_;
  MonoTime pending_since_{};
  std::optional<MonoTime> looked_at_;
  MonoTime ask_at_{};
  MonoTime turn_at_{};  // when the next one comes in turn
  MonoTime pause_until_{};
  std::chrono::milliseconds pause_{0};
  int failures_in_a_row_ = 0;
  std::uint64_t asked_ = 0;

  CounterMetric suspicious_total_;
  CounterMetric clear_total_;
  CounterMetric failed_total_;
  HistogramMetric seconds_;
  GaugeMetric in_flight_gauge_;
  GaugeMetric never_checked_gauge_;
  GaugeMetric overdue_gauge_;
  GaugeMetric oldest_gauge_;
};

}  // namespace ia
