#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/leaderboard.h"
#include "ports/judge.h"
#include "ports/verdict_store.h"

namespace ia {

struct CheckerOptions {
  std::chrono::milliseconds interval{std::chrono::hours{24}};  // from one check to the next
  // Calls a second at most. Nothing: 1.5 times what the interval asks for, and at least one, so
  // that a few influencers need not wait a day for their first verdict.
  std::optional<double> rate;
  std::size_t in_flight_max = 128;
};

// The slow lane: asks the network about every influencer once an interval. Those that were never
// checked come first, then the oldest verdicts; calls are spread evenly, and after the first round
// every influencer is due when its verdict is one interval old, so that they stay spread, over
// restarts too. Every fourth call may go to an influencer with a fresh jump ahead of its turn: the
// counts are compared minute by minute, and of everyone's relative changes since the minute before
// the largest are asked about, none more often than hourly.
//
// A call that fails is repeated after ten minutes. When the network says that it is too much
// (kOverloaded), or fails eight times in a row, pauses grow from one second to one minute. Verdicts
// that cannot be stored stay in hand, and no new calls begin meanwhile. One thread; about 20 bytes
// an influencer.
class Checker {
 public:
  using Board = std::function<std::shared_ptr<const LeaderboardSnapshot>()>;
  Checker(CheckerOptions options, Board board, VerdictStore& store, Judge& judge,
          const Clock& clock, Metrics& metrics, Log& log);

  // Learns who was checked when. Call it once, before step.
  Status load();
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
    MonoTime due;
    Index index;
  };

  Index known(InfluencerId influencer);
  void find_new(const LeaderboardSnapshot& board);
  void find_jumpers(const LeaderboardSnapshot& board);
  void ask(const LeaderboardSnapshot& board);
  std::optional<Index> next();
  std::optional<Index> next_retry();
  std::optional<Index> next_jumper();
  std::optional<Index> next_in_turn();
  void begin(Index index, const LeaderboardSnapshot& board);
  void take(std::chrono::milliseconds wait);
  void note(Ruling ruling);
  void note_failure(Index index, const Error& why);
  void store();
  double rate() const;
  Seconds now_seconds() const;

  const CheckerOptions options_;
  const Board board_;
  VerdictStore& store_;
  Judge& judge_;
  const Clock& clock_;
  StateLog network_state_;
  StateLog store_state_;

  Roster roster_;
  std::vector<Seconds> checked_at_;      // by index, like the others
  std::vector<std::int64_t> followers_;  // of the last look; -1: not seen
  std::vector<bool> in_flight_;
  std::deque<Index> never_checked_;
  std::deque<Turn> turns_;  // the oldest verdict in front
  std::deque<Retry> retries_;
  std::vector<Index> jumpers_;  // the largest jump behind
  std::vector<Verdict> pending_;
  MonoTime pending_since_{};
  MonoTime looked_at_{};
  MonoTime ask_at_{};
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
  GaugeMetric oldest_gauge_;
};

}  // namespace ia
