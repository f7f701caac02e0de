#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/point.h"

namespace ia {

// Our own signals that followers may be bought, found in one influencer's series alone. They are
// hints with evidence, kept apart from the network's verdict. docs/signals.md: formulas, sources,
// limits, and how often each is right.

// What counts. The defaults were chosen by bench/signals_bench.
struct SignalThresholds {
  // A change of followers counts from so many times the usual spread on, and from so many
  // followers on.
  double jump_z = 8;
  std::int64_t jump_least = 100;
  // What takes longer is a surge.
  std::chrono::minutes jump_within{15};
  // A jump stays when at least this share of it is left in the median of so long afterwards.
  std::chrono::minutes step_hold{60};
  double step_share = 0.5;
  // Runs of at least so many accounts followed or unfollowed, and how many of them in turn.
  std::int64_t saw_tooth_least = 200;
  std::uint32_t saw_tooth_runs = 4;
  // A follower ratio among so many percent of the lowest.
  double ratio_percentile = 10;
  friend bool operator==(const SignalThresholds&, const SignalThresholds&) = default;
};

// The numbers are not stored.
enum class SignalKind : std::uint8_t {
  kJump,      // an abrupt change of followers that went back, or for which it is too early to say
  kStep,      // one that stayed
  kSurge,     // a change beyond the usual that took longer than jump_within, and faded or swelled
  kDrip,      // one that went on at an even pace
  kSawTooth,  // mass follow and mass unfollow in turn
  kLowRatio,  // followers / following is low against everybody
};
const char* name_of(SignalKind kind);  // "jump", "step", "surge", "drip", "saw_tooth", "low_ratio"

struct SignalFinding {
  SignalKind kind = SignalKind::kJump;
  Minute begin;           // of the last value before it
  Minute end;             // of its last value; begin == end for a low ratio
  std::int64_t size = 0;  // followers; of a saw-tooth the mean run; of a low ratio all followers
  double score = 0;       // times the usual spread; number of runs; percentile
  std::string evidence;   // one sentence in English, with numbers, times in UTC
};

// One influencer's values in columns of equal length, strictly ascending by minute. Gaps are
// normal.
struct SeriesView {
  std::span<const Minute> minutes;
  std::span<const std::int64_t> followers;
  std::span<const std::int64_t> following;
  std::size_t size() const { return minutes.size(); }
};

// How an account's followers usually change in a minute: the median, and the spread in units of a
// standard deviation.
struct UsualChange {
  double median = 0;
  double spread = 0;
  std::size_t changes = 0;  // how many it was taken from
};

// From increments per minute: median and 1.4826 x MAD (the median absolute deviation), so that
// (x - median) / spread is the modified z-score 0.6745 (x - median) / MAD of Iglewicz and Hoaglin,
// How to Detect and Handle Outliers, 1993, with the sign of the change. When MAD is 0, as for an
// account that mostly does not change, the spread is 1.2533 x the mean absolute deviation; it is
// never below kSpreadLeast, because counts are whole. Reorders `increments`.
UsualChange usual_change(std::span<double> increments);
inline constexpr double kSpreadLeast = 1;

// A minute is judged by the kSignalPast before its block of kSignalBlock, which begins at a
// multiple of it since the epoch: so a change has the same score whatever range is asked for, and
// later values do not touch it. A past with fewer than kSignalChangesMin increments is lengthened
// by the block itself; when there still are fewer, nothing is judged.
inline constexpr std::chrono::hours kSignalPast{24};
inline constexpr std::chrono::hours kSignalBlock{6};
inline constexpr std::size_t kSignalChangesMin = 30;

// What has to be read to judge `reported`: the past of it and of the block before, and the hold
// after it.
MinuteRange range_to_judge(MinuteRange reported, const SignalThresholds& thresholds);

struct OwnSignals {
  std::vector<SignalFinding> findings;  // by their end, oldest first; those within the range
  UsualChange usual;                    // of the newest block
};

// All but the low ratio. Cost: about 0.1 ms a day of values, 4 ms for 31 days
// (bench/signals_bench), and 32 bytes a value while it runs.
OwnSignals find_own_signals(const SeriesView& series, MinuteRange reported,
                            const SignalThresholds& thresholds);

// Where a follower ratio stands: the percentage of influencers whose ratio is not above it.
struct RatioStanding {
  double percentile = 0;
  std::size_t of = 0;
};
// Nothing when the ratio is not among the lowest, or when there is none.
std::optional<SignalFinding> find_low_ratio(Counts counts, Minute minute, RatioStanding standing,
                                            const SignalThresholds& thresholds);

}  // namespace ia
