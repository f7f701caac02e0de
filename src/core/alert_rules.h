#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/alert.h"
#include "core/leaderboard.h"

namespace ia {

// What a rule remembers of an influencer, so that nothing fires twice, over restarts too.
struct AlertState {
  enum class Side : std::uint8_t { kUnknown, kInside, kBeyond };
  Side side = Side::kUnknown;  // threshold, rank, verdict: where the last value was
  std::int64_t mark = -1;      // milestone: the highest one reached so far; 0: none; -1: unknown
  WallTime fired_at{};         // AlertEvent::at of the last one; the epoch: never
  friend bool operator==(const AlertState&, const AlertState&) = default;
};

struct AlertStateRow {
  AlertRuleId rule{};
  std::uint64_t version = 0;  // of the rule: a changed rule begins anew
  InfluencerId influencer{};
  AlertState state;
  friend bool operator==(const AlertStateRow&, const AlertStateRow&) = default;
};

struct AlertSample {
  Minute minute{};
  Counts counts;
};

struct AlertHistory {
  std::vector<AlertSample> samples;  // oldest first
  // Minutes in which stored values may be missing, as they are damaged; disjoint, ascending.
  std::vector<MinuteRange> damaged;
};

struct AlertInputs {
  const LeaderboardSnapshot& board;
  // Whether an influencer is suspicious; nothing: not known yet. Rules about verdicts are silent
  // without the function.
  std::function<std::optional<bool>(InfluencerId)> verdict = {};
  // The stored values of a range, so that the window of a relative rule is whole after a restart.
  // Without the function it begins with the first snapshot.
  std::function<AlertHistory(InfluencerId, MinuteRange)> history = {};
};

struct AlertEvaluation {
  std::vector<AlertStateRow> changed;  // what is to be remembered
  std::vector<AlertEvent> events;
  std::uint64_t suppressed = 0;  // would have fired, but for the cool-down
};

// Looks at each new snapshot with every rule. Pure: what it remembers is given by load and handed
// out by evaluate; time is that of the values. One thread at a time.
//
// Relative rules compare with the value at the window's begin: a minute's in windows of up to an
// hour, else one of 60 values that are spread over the window. Only what came after the rule's last
// change and after its last alert counts, so each change is told once. Where the value at the
// window's begin may be one that is damaged, the event says so.
class AlertRules {
 public:
  // Of a relative rule's window: what is remembered of each influencer.
  static constexpr int kSamplesMax = 60;
  // Reads of AlertInputs::history in one evaluation; the other influencers wait for the next.
  static constexpr std::size_t kHistoryReadsMax = 1'000;

  AlertRules();
  ~AlertRules();

  // Replaces all rules. Those that are not enabled are left out. States of another version of their
  // rule are void. Windows of rules that did not change are kept.
  void load(const std::vector<AlertRule>& rules, std::span<const AlertStateRow> states);

  // O(influencers in rules), some 0.2 us each in a snapshot of a million (bench/alerts_bench).
  AlertEvaluation evaluate(const AlertInputs& inputs);

 private:
  struct Watch;  // one influencer of one rule
  struct Watched;
  struct Pass;
  std::vector<Watched> rules_;
};

}  // namespace ia
