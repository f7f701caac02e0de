#include "core/own_signals.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "core/saw_tooth.h"
#include "core/signal_evidence.h"

namespace ia {
namespace {

using std::chrono::minutes;

// A run goes on over values with this share of the threshold, and so many lower ones between.
constexpr double kRunShare = 0.5;
constexpr std::size_t kRunPause = 5;
// The poorer of a drip feed's outer thirds brings at least this share of the richer one.
constexpr double kDripEvenness = 0.7;
// A follow run stands out of the noise of following by so much, and goes straight.
constexpr double kSawToothSpreads = 10;
constexpr double kSawToothStraightness = 0.5;

double median_of(std::span<double> values) {
  const auto upper = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, upper);
  if (values.size() % 2 == 1) return *upper;
  return (*std::max_element(values.begin(), upper) + *upper) / 2;
}

double mean_distance(std::span<const double> values, double from) {
  double sum = 0;
  for (const auto value : values) sum += std::abs(value - from);
  return sum / static_cast<double>(values.size());
}

// [i]: the change from value i - 1 to value i, per minute. [0] means nothing.
std::vector<double> increments_of(std::span<const Minute> times,
                                  std::span<const std::int64_t> counts) {
  std::vector<double> increments(counts.size());
  for (std::size_t i = 1; i < counts.size(); ++i) {
    increments[i] = static_cast<double>(counts[i] - counts[i - 1]) /
                    static_cast<double>((times[i] - times[i - 1]).count());
  }
  return increments;
}

// A change as its own past sees it.
struct JudgedChange {
  double z = 0;
  double usual = 0;  // followers a minute
};

// Changes first..last of the series, all in one direction: values first - 1 to last.
struct Run {
  std::size_t first = 0;
  std::size_t last = 0;
  double peak = 0;  // z
};

// What the followers of one series did.
class FollowerScan {
 public:
  FollowerScan(const SeriesView& series, const SignalThresholds& thresholds)
      : series_(series), thresholds_(thresholds), changes_(series.size()) {
    judge_blocks();
  }

  const UsualChange& usual() const { return usual_; }

  std::vector<SignalFinding> findings() const {
    std::vector<SignalFinding> findings;
    for (std::size_t i = 1, free_from = 1; i < changes_.size(); ++i) {
      if (std::abs(changes_[i].z) < thresholds_.jump_z) continue;
      const auto run = run_around(i, free_from);
      i = run.last;
      free_from = run.last + 1;
      if (counts(run)) findings.push_back(finding_of(run));
    }
    return findings;
  }

 private:
  std::size_t first_from(Minute minute) const {
    const auto found = std::ranges::lower_bound(series_.minutes, minute);
    return static_cast<std::size_t>(found - series_.minutes.begin());
  }

  void judge_blocks() {
    using Block =
        std::chrono::duration<std::int64_t, std::ratio<kSignalBlock / std::chrono::seconds{1}>>;
    const auto increments = increments_of(series_.minutes, series_.followers);
    for (std::size_t first = 1; first < series_.size();) {
      const Minute begin = std::chrono::floor<Block>(series_.minutes[first]);
      const auto end = first_from(begin + kSignalBlock);
      const auto past = std::max<std::size_t>(1, first_from(begin - kSignalPast));
      const bool has_past = first - past >= kSignalChangesMin;
      std::vector<double> known(
          increments.begin() + static_cast<std::ptrdiff_t>(past),
          increments.begin() + static_cast<std::ptrdiff_t>(has_past ? first : end));
      usual_ = usual_change(known);
      for (; first < end; ++first) {
        if (usual_.changes < kSignalChangesMin) continue;
        changes_[first] = {(increments[first] - usual_.median) / usual_.spread, usual_.median};
      }
    }
  }

  // The farthest change towards `step` that belongs to the run which `edge` is in.
  std::size_t extend(std::size_t edge, double sign, std::ptrdiff_t step,
                     std::size_t free_from) const {
    std::size_t pause = 0;
    auto at = edge;
    while (pause <= kRunPause) {
      at += static_cast<std::size_t>(step);
      if (at < free_from || at >= changes_.size()) break;
      ++pause;
      if (sign * changes_[at].z < kRunShare * thresholds_.jump_z) continue;
      edge = at;
      pause = 0;
    }
    return edge;
  }

  Run run_around(std::size_t change, std::size_t free_from) const {
    const double sign = changes_[change].z < 0 ? -1 : 1;
    Run run{.first = extend(change, sign, -1, free_from),
            .last = extend(change, sign, 1, free_from)};
    for (auto i = run.first; i <= run.last; ++i) {
      if (sign * changes_[i].z > sign * run.peak) run.peak = changes_[i].z;
    }
    return run;
  }

  std::int64_t size_of(const Run& run) const {
    return series_.followers[run.last] - series_.followers[run.first - 1];
  }

  bool is_long(const Run& run) const {
    return series_.minutes[run.last] - series_.minutes[run.first - 1] > thresholds_.jump_within;
  }

  // The peak of a long run may be chance on top of a good hour: its mean has to reach as far.
  bool counts(const Run& run) const {
    if (std::abs(size_of(run)) < thresholds_.jump_least) return false;
    if (!is_long(run)) return true;
    double sum = 0;
    for (auto i = run.first; i <= run.last; ++i) sum += changes_[i].z;
    return std::abs(sum) >= thresholds_.jump_z * static_cast<double>(run.last - run.first + 1);
  }

  struct Level {
    double followers;
    double minute;  // of the middle, since the epoch
  };
  // Values first..end - 1, at least one.
  Level level_of(std::size_t first, std::size_t end) const {
    std::vector<double> followers(series_.followers.begin() + static_cast<std::ptrdiff_t>(first),
                                  series_.followers.begin() + static_cast<std::ptrdiff_t>(end));
    const auto times =
        series_.minutes[first].time_since_epoch() + series_.minutes[end - 1].time_since_epoch();
    return {median_of(followers), static_cast<double>(times.count()) / 2};
  }

  // What the account gains anyway between the two levels does not count as staying.
  std::optional<bool> stays(const Run& run) const {
    const auto begin = series_.minutes[run.first - 1];
    const auto until = series_.minutes[run.last] + thresholds_.step_hold;
    const auto end = first_from(until + minutes{1});
    if (series_.minutes.back() < until || end == run.last + 1) return std::nullopt;
    const auto before = level_of(first_from(begin - thresholds_.step_hold), run.first);
    const auto after = level_of(run.last + 1, end);
    const auto usual = changes_[run.first].usual * (after.minute - before.minute);
    const auto left = after.followers - before.followers - usual;
    return left / static_cast<double>(size_of(run)) >= thresholds_.step_share;
  }

  // What spreads by itself comes fast and fades; what is delivered comes at one pace.
  bool is_even(const Run& run) const {
    const auto begin = series_.minutes[run.first - 1];
    const auto end = series_.minutes[run.last];
    const auto third = (end - begin) / 3;
    const auto followers_at = [this](Minute minute) {
      return static_cast<double>(series_.followers[first_from(minute)]);
    };
    const auto early = std::abs(followers_at(begin + third) - followers_at(begin));
    const auto late = std::abs(followers_at(end) - followers_at(end - third));
    return std::min(early, late) >= kDripEvenness * std::max(early, late);
  }

  SignalFinding finding_of(const Run& run) const {
    const ChangeEvidence change{.begin = series_.minutes[run.first - 1],
                                .end = series_.minutes[run.last],
                                .size = size_of(run),
                                .score = std::abs(run.peak)};
    SignalFinding finding{.kind = SignalKind::kSurge,
                          .begin = change.begin,
                          .end = change.end,
                          .size = change.size,
                          .score = change.score,
                          .evidence = {}};
    if (is_long(run)) {
      const bool even = is_even(run);
      finding.kind = even ? SignalKind::kDrip : SignalKind::kSurge;
      finding.evidence = even ? drip_evidence(change) : surge_evidence(change);
      return finding;
    }
    const auto stayed = stays(run);
    finding.kind = stayed.value_or(false) ? SignalKind::kStep : SignalKind::kJump;
    finding.evidence = jump_evidence(change, stayed, thresholds_.step_hold);
    return finding;
  }

  const SeriesView series_;
  const SignalThresholds thresholds_;
  std::vector<JudgedChange> changes_;
  UsualChange usual_;
};

SignalFinding saw_tooth_of(const SeriesView& series, std::span<const Swing> runs) {
  SawToothEvidence saw_tooth{.begin = series.minutes[runs.front().from],
                             .end = series.minutes[runs.back().to],
                             .runs = runs.size(),
                             .smallest = kCountMax,
                             .largest = 0};
  std::int64_t total = 0;
  for (const auto& run : runs) {
    const auto size = std::abs(series.following[run.to] - series.following[run.from]);
    saw_tooth.smallest = std::min(saw_tooth.smallest, size);
    saw_tooth.largest = std::max(saw_tooth.largest, size);
    total += size;
  }
  return {.kind = SignalKind::kSawTooth,
          .begin = saw_tooth.begin,
          .end = saw_tooth.end,
          .size = total / static_cast<std::int64_t>(runs.size()),
          .score = static_cast<double>(runs.size()),
          .evidence = saw_tooth_evidence(saw_tooth)};
}

void find_saw_teeth(const SeriesView& series, const SignalThresholds& thresholds,
                    std::vector<SignalFinding>& findings) {
  auto increments = increments_of(series.minutes, series.following);
  const auto usual = usual_change(std::span(increments).subspan(1));
  const auto noise = static_cast<std::int64_t>(kSawToothSpreads * usual.spread);
  const auto swings = find_swings(series.following, std::max(thresholds.saw_tooth_least, noise));
  const auto straight = straightness(series.following, swings);
  for (std::size_t first = 0; first < swings.size(); ++first) {
    auto end = first;
    while (end < swings.size() && straight[end] >= kSawToothStraightness) ++end;
    if (end - first >= thresholds.saw_tooth_runs) {
      findings.push_back(saw_tooth_of(series, std::span(swings).subspan(first, end - first)));
    }
    first = std::max(first, end);
  }
}

bool is_within(const SignalFinding& finding, MinuteRange reported) {
  return finding.end >= reported.begin && finding.begin + minutes{1} < reported.end;
}

}  // namespace

const char* name_of(SignalKind kind) {
  switch (kind) {
    case SignalKind::kJump:
      return "jump";
    case SignalKind::kStep:
      return "step";
    case SignalKind::kSurge:
      return "surge";
    case SignalKind::kDrip:
      return "drip";
    case SignalKind::kSawTooth:
      return "saw_tooth";
    case SignalKind::kLowRatio:
      return "low_ratio";
  }
  std::unreachable();
}

UsualChange usual_change(std::span<double> increments) {
  UsualChange usual{.spread = kSpreadLeast, .changes = increments.size()};
  if (increments.empty()) return usual;
  usual.median = median_of(increments);
  const auto mean = mean_distance(increments, usual.median);
  for (auto& increment : increments) increment = std::abs(increment - usual.median);
  const auto mad = median_of(increments);
  usual.spread = std::max(kSpreadLeast, mad > 0 ? mad / 0.6745 : mean * 1.253314);
  return usual;
}

MinuteRange range_to_judge(MinuteRange reported, const SignalThresholds& thresholds) {
  // The block before is judged too, so that a run that began in it is seen whole.
  const auto past = kSignalPast + 2 * kSignalBlock;
  return {std::max(Minute{}, reported.begin - past), reported.end + thresholds.step_hold};
}

OwnSignals find_own_signals(const SeriesView& series, MinuteRange reported,
                            const SignalThresholds& thresholds) {
  OwnSignals own;
  if (series.size() < 2) return own;
  const FollowerScan scan(series, thresholds);
  own.usual = scan.usual();
  own.findings = scan.findings();
  find_saw_teeth(series, thresholds, own.findings);
  std::erase_if(own.findings,
                [&](const SignalFinding& finding) { return !is_within(finding, reported); });
  std::ranges::sort(own.findings, {}, [](const SignalFinding& finding) {
    return std::tuple(finding.end, finding.begin, finding.kind);
  });
  return own;
}

std::optional<SignalFinding> find_low_ratio(Counts counts, Minute minute, RatioStanding standing,
                                            const SignalThresholds& thresholds) {
  const bool is_low = follower_ratio(counts) && standing.percentile <= thresholds.ratio_percentile;
  if (!is_low) return std::nullopt;
  return SignalFinding{.kind = SignalKind::kLowRatio,
                       .begin = minute,
                       .end = minute,
                       .size = counts.followers,
                       .score = standing.percentile,
                       .evidence = low_ratio_evidence(counts, standing)};
}

}  // namespace ia
