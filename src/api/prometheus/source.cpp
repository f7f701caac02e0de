#include "api/prometheus/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::string_view kName = "__name__";
constexpr std::string_view kFollowers = "influencer_follower_count";
constexpr std::string_view kFollowing = "influencer_following_count";
constexpr std::string_view kRatio = "influencer_follower_ratio";
constexpr std::string_view kRank = "influencer_rank";
constexpr std::string_view kSuspicious = "influencer_suspicious";
constexpr std::string_view kMissed = "influencers_missed";
constexpr std::size_t kLookedThroughMax = 100'000;  // influencers, for values of their labels
constexpr std::size_t kMinutesMax = 5'000'000;      // over all influencers of a selector

constexpr std::array kMetrics = {
    PromMetric{kFollowers, "Followers, each minute.", true},
    PromMetric{kFollowing, "Accounts that the influencer follows, each minute.", true},
    PromMetric{kRatio, "Followers by following, each minute; absent while following is 0.", true},
    PromMetric{kRank, "1 + how many have more followers now.", true},
    PromMetric{kSuspicious, "1 when the network calls the influencer suspicious now, else 0.",
               true},
    PromMetric{"influencers_follower_count_average", "Followers, averaged over everybody stored."},
    PromMetric{"influencers_follower_count_total", "Followers of everybody stored, summed up."},
    PromMetric{"influencers_following_count_total", "Following of everybody stored, summed up."},
    PromMetric{"influencers_due", "Influencers to be fetched in the minute."},
    PromMetric{"influencers_stored", "Influencers with a value in the minute."},
    PromMetric{"influencers_coverage_ratio", "Stored by due, 0 to 1."},
    PromMetric{kMissed, "Influencers without a value in the minute, by reason."},
};

const PromMetric* find_metric(std::string_view name) {
  const auto* found = std::ranges::find(kMetrics, name, &PromMetric::name);
  return found == kMetrics.end() ? nullptr : found;
}

PromError too_many(std::string_view metric) {
  return {
      .message = fmt::format(
          "{0} has a series an influencer: name up to {1}, as {0}{{id=\"1000000\"}} or "
          "{0}{{id=~\"1000000|1000001\"}}; of all of them, avg, sum, count, topk and bottomk of "
          "{2} can be asked for",
          metric, PrometheusSource::kInfluencersMax, kFollowers)};
}

PromError failed(const Error& error) {
  return {.status = 503, .type = "unavailable", .message = error.message};
}

PromResult<const PromMetric*> metric_of(const PromSelector& selector) {
  if (const auto* metric = find_metric(selector.metric)) return metric;
  if (!selector.metric.empty()) return nullptr;  // as of any name that nobody exports: no series
  return std::unexpected(
      PromError{400, "bad_data", "name a metric: influencer_follower_count{...}"});
}

std::string_view value_of(const PromLabels& labels, std::string_view name) {
  const auto found = std::ranges::find(labels, name, [](const auto& one) { return one.first; });
  return found == labels.end() ? std::string_view{} : found->second;
}

bool fits(const PromSelector& selector, const PromLabels& labels) {
  return std::ranges::all_of(selector.matchers, [&](const PromMatcher& matcher) {
    return matcher.holds(value_of(labels, matcher.label));
  });
}

bool is_of_influencer(std::string_view label) { return label == "id" || label == "username"; }

// Whether somebody may fit: series of influencers have no label but these two.
bool may_fit(const PromSelector& selector) {
  return std::ranges::all_of(selector.matchers, [](const PromMatcher& matcher) {
    return is_of_influencer(matcher.label) || matcher.holds("");
  });
}

PromLabels labels_of(std::string_view metric, InfluencerId influencer, std::string_view username) {
  PromLabels labels{{std::string(kName), std::string(metric)},
                    {"id", std::to_string(number_of(influencer))}};
  if (!username.empty()) labels.emplace_back("username", username);
  return labels;
}

// Minutes in (after, through].
MinuteRange minutes_in(WallTime after, WallTime through) {
  constexpr WallTime kFirst{};
  return {minute_of(std::max(after, kFirst)) + minutes{1},
          minute_of(std::max(through, kFirst)) + minutes{1}};
}

double value_of(std::string_view metric, std::int64_t followers, std::int64_t following) {
  if (metric == kFollowers) return static_cast<double>(followers);
  if (metric == kFollowing) return static_cast<double>(following);
  return static_cast<double>(followers) / static_cast<double>(following);
}

PromSamples samples_of(std::string_view metric, const Series& series) {
  PromSamples samples;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (metric == kRatio && series.following[i] == 0) continue;
    samples.times.push_back(WallTime{series.minutes[i]});
    samples.values.push_back(value_of(metric, series.followers[i], series.following[i]));
  }
  return samples;
}

// Nothing: the minute has no such value.
std::optional<double> value_of(std::string_view metric, const MinuteStats& stats) {
  const auto stored = static_cast<double>(stats.stored);
  if (metric == "influencers_due") return static_cast<double>(stats.due);
  if (metric == "influencers_stored") return stored;
  if (metric == "influencers_coverage_ratio") return stats.coverage();
  if (stats.stored == 0) return std::nullopt;
  const auto followers = static_cast<double>(stats.followers_sum);
  if (metric == "influencers_follower_count_average") return followers / stored;
  if (metric == "influencers_follower_count_total") return followers;
  return static_cast<double>(stats.following_sum);
}

// Of closed minutes, what `value_in` gives of each.
template <class ValueIn>
PromSamples samples_of(std::span<const MinuteStats> rows, const ValueIn& value_in) {
  PromSamples samples;
  for (const auto& stats : rows) {
    const std::optional<double> value = stats.closed ? value_in(stats) : std::nullopt;
    if (!value) continue;
    samples.times.push_back(WallTime{stats.minute});
    samples.values.push_back(*value);
  }
  return samples;
}

MinuteRange minutes_of(const PromSelector& selector, const PromTimes& at) {
  return minutes_in(at.times.front() - selector.offset - at.look_back,
                    at.times.back() - selector.offset);
}

// Lowers what is still wanted at each time at which the series has a sample.
void take_from(std::vector<std::size_t>& wanted, const PromSamples& samples, const PromTimes& at) {
  std::size_t behind = 0;
  for (std::size_t i = 0; i < at.times.size(); ++i) {
    while (behind < samples.times.size() && samples.times[behind] <= at.times[i]) ++behind;
    const bool has_sample = behind > 0 && samples.times[behind - 1] > at.times[i] - at.look_back;
    if (has_sample && wanted[i] > 0) --wanted[i];
  }
}

std::uint64_t minute_count(MinuteRange range) {
  return static_cast<std::uint64_t>(std::max((range.end - range.begin).count(), 0L));
}

PromResult<void> check_minutes(MinuteRange range, std::size_t influencers) {
  if (minute_count(range) * influencers <= kMinutesMax) return {};
  return std::unexpected(PromError{
      .message = fmt::format("{} minutes of {} influencers are more than can be read at once: ask "
                             "for less time, or for fewer",
                             minute_count(range), influencers)});
}

std::optional<InfluencerId> id_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc{} && stop == text.data() + text.size();
  if (!is_whole || number > kInfluencerIdMax) return std::nullopt;
  return InfluencerId{number};
}

}  // namespace

std::span<const PromMetric> prom_metrics() { return kMetrics; }

PromResult<std::vector<PromSamples>> PrometheusSource::select(const PromSelector& selector,
                                                              WallTime after, WallTime through) {
  const auto metric = metric_of(selector);
  if (!metric) return std::unexpected(metric.error());
  if (*metric == nullptr) return std::vector<PromSamples>{};
  const auto range = minutes_in(after, through);
  if (!(*metric)->is_each) return select_minutes(selector, range);
  const auto influencers = influencers_of(selector);
  if (!influencers) return std::unexpected(influencers.error());
  if (selector.metric == kRank || selector.metric == kSuspicious) {
    return newest(selector, *influencers, after, through);
  }
  return select_each(selector, *influencers, range);
}

// By id or by username; further conditions are looked at when the labels are known.
PromResult<std::vector<InfluencerId>> PrometheusSource::influencers_of(
    const PromSelector& selector) {
  for (const auto& matcher : selector.matchers) {
    if (is_of_influencer(matcher.label) && matcher.wanted && !matcher.is_anything)
      return named(matcher);
  }
  return std::unexpected(too_many(selector.metric));
}

PromResult<std::vector<InfluencerId>> PrometheusSource::named(const PromMatcher& matcher) {
  if (matcher.values.size() > kInfluencersMax) return std::unexpected(too_many(kFollowers));
  std::vector<InfluencerId> found;
  for (const auto& value : matcher.values) {
    if (matcher.label == "id") {
      if (const auto id = id_of(value)) found.push_back(*id);
      continue;
    }
    if (value.empty()) continue;
    const auto usernames = context_.store.find_usernames(value, kInfluencersMax);
    if (!usernames) return std::unexpected(failed(usernames.error()));
    for (const auto& username : *usernames) {
      if (username.name == value) found.push_back(username.influencer);
    }
  }
  std::ranges::sort(found);
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  return found;
}

// Once per answer.
void PrometheusSource::warn_of_damage() {
  constexpr std::string_view kWarning =
      "some stored values are damaged and left out: run `influencer-analytics verify`";
  if (std::ranges::find(warnings_, kWarning) == warnings_.end()) warnings_.emplace_back(kWarning);
}

PromResult<std::vector<PromSamples>> PrometheusSource::select_each(
    const PromSelector& selector, std::span<const InfluencerId> influencers, MinuteRange range) {
  if (auto may = check_minutes(range, influencers.size()); !may) {
    return std::unexpected(may.error());
  }
  const auto board = context_.leaderboard();
  std::vector<PromSamples> all;
  for (const auto influencer : influencers) {
    auto labels = labels_of(selector.metric, influencer, board->username_of(influencer));
    if (!fits(selector, labels)) continue;
    const auto series = context_.store.read_series(influencer, range);
    if (!series) return std::unexpected(failed(series.error()));
    if (!series->damaged.empty()) warn_of_damage();
    all.push_back(samples_of(selector.metric, *series));
    all.back().labels = std::move(labels);
  }
  return all;
}

std::vector<PromSamples> PrometheusSource::newest(const PromSelector& selector,
                                                  std::span<const InfluencerId> influencers,
                                                  WallTime after, WallTime through) {
  const auto board = context_.leaderboard();
  std::vector<PromSamples> all;
  const auto now = board->published_at();
  if (now <= after || now > through) return all;
  for (const auto influencer : influencers) {
    auto labels = labels_of(selector.metric, influencer, board->username_of(influencer));
    if (!fits(selector, labels)) continue;
    std::optional<double> value;
    if (selector.metric == kRank) {
      if (const auto standing = board->find(influencer)) value = standing->rank;
    } else if (context_.verdicts != nullptr) {
      if (const auto verdict = context_.verdicts->find(influencer)) value = verdict->suspicious;
    }
    if (value) all.push_back({std::move(labels), {now}, {*value}});
  }
  return all;
}

PromResult<std::vector<PromSamples>> PrometheusSource::select_minutes(const PromSelector& selector,
                                                                      MinuteRange range) {
  const auto rows = context_.store.read_minutes(range);
  if (!rows) return std::unexpected(failed(rows.error()));
  std::vector<PromSamples> all;
  const auto add = [&](PromLabels labels, const auto& value_in) {
    if (!fits(selector, labels)) return;
    all.push_back(samples_of(*rows, value_in));
    all.back().labels = std::move(labels);
  };
  if (selector.metric != kMissed) {
    add({{std::string(kName), selector.metric}},
        [&](const MinuteStats& stats) { return value_of(selector.metric, stats); });
    return all;
  }
  for (std::size_t reason = 0; reason < kMissReasonCount; ++reason) {
    add({{std::string(kName), selector.metric},
         {"reason", std::string(name_of(static_cast<MissReason>(reason)))}},
        [reason](const MinuteStats& stats) {
          return std::optional(static_cast<double>(stats.missed[reason]));
        });
  }
  return all;
}

PromResult<std::optional<std::vector<PromSamples>>> PrometheusSource::select_of_all(
    const PromExpression& aggregation, double count, const PromTimes& at) {
  const auto& selector = aggregation.operands[0]->selector;
  const bool is_counted = selector.metric == kFollowers || selector.metric == kFollowing;
  const bool is_of_all = selector.matchers.empty() && aggregation.grouping.empty();
  if (!is_counted || !is_of_all || aggregation.is_without) return std::nullopt;
  switch (aggregation.aggregation) {
    case PromAggregation::kTopk:
    case PromAggregation::kBottomk:
      if (selector.metric != kFollowers) return std::nullopt;
      return best(aggregation, count, at);
    case PromAggregation::kMin:
    case PromAggregation::kMax:
      return std::nullopt;
    default:
      break;
  }
  auto samples = of_everybody(aggregation, minutes_of(selector, at));
  if (!samples) return std::unexpected(samples.error());
  return std::vector{std::move(*samples)};
}

PromResult<PromSamples> PrometheusSource::of_everybody(const PromExpression& aggregation,
                                                       MinuteRange range) {
  const bool is_following = aggregation.operands[0]->selector.metric == kFollowing;
  const auto rows = context_.store.read_minutes(range);
  if (!rows) return std::unexpected(failed(rows.error()));
  return samples_of(*rows, [&](const MinuteStats& stats) -> std::optional<double> {
    if (stats.stored == 0) return std::nullopt;
    const auto stored = static_cast<double>(stats.stored);
    const auto sum = static_cast<double>(is_following ? stats.following_sum : stats.followers_sum);
    if (aggregation.aggregation == PromAggregation::kSum) return sum;
    return aggregation.aggregation == PromAggregation::kAvg ? sum / stored : stored;
  });
}

// How many samples each time can have: as many as are wanted, or as were stored.
PromResult<std::vector<std::size_t>> PrometheusSource::wanted_at(double count,
                                                                 const PromTimes& at) {
  const auto wanted = count >= 1 ? static_cast<std::size_t>(count) : std::size_t{0};
  const auto rows =
      context_.store.read_minutes(minutes_in(at.times.front() - at.look_back, at.times.back()));
  if (!rows) return std::unexpected(failed(rows.error()));
  std::vector<std::size_t> all;
  std::size_t begin = 0;
  for (const auto time : at.times) {
    std::size_t stored = 0;
    while (begin < rows->size() && WallTime{(*rows)[begin].minute} <= time - at.look_back) ++begin;
    for (auto i = begin; i < rows->size() && WallTime{(*rows)[i].minute} <= time; ++i) {
      stored = std::max<std::size_t>(stored, (*rows)[i].stored);
    }
    all.push_back(std::min(wanted, stored));
  }
  return all;
}

PromResult<std::vector<PromSamples>> PrometheusSource::best(const PromExpression& aggregation,
                                                            double count, const PromTimes& at) {
  const auto& selector = aggregation.operands[0]->selector;
  if (count > static_cast<double>(kInfluencersMax)) {
    return std::unexpected(too_many(selector.metric));
  }
  warnings_.emplace_back("topk and bottomk of everybody are by the newest values, at all times");
  std::vector<WallTime> times(at.times.begin(), at.times.end());
  for (auto& time : times) time -= selector.offset;
  auto wanted = wanted_at(count, {times, at.look_back});
  if (!wanted) return std::unexpected(wanted.error());
  const auto range = minutes_in(times.front() - at.look_back, times.back());
  const auto board = context_.leaderboard();
  const auto least = static_cast<std::size_t>(std::max(count, 0.0));
  if (auto may = check_minutes(range, std::min(least, board->size())); !may) {
    return std::unexpected(may.error());
  }
  const auto candidates_max = std::min<std::size_t>(
      kCandidatesMax, kMinutesMax / std::max<std::uint64_t>(minute_count(range), 1));
  const bool is_top = aggregation.aggregation == PromAggregation::kTopk;
  std::vector<PromSamples> all;
  for (std::size_t i = 0; i < board->size(); ++i) {
    if (std::ranges::all_of(*wanted, [](std::size_t left) { return left == 0; })) break;
    const auto standing = board->at_position(is_top ? i : board->size() - 1 - i);
    if (minute_of(standing.retrieved_at) < range.begin) continue;
    if (all.size() == candidates_max) {
      warnings_.push_back(
          fmt::format("only the first {} influencers by the newest values that "
                      "may have samples then were looked at",
                      candidates_max));
      break;
    }
    auto samples = select_each(selector, std::span(&standing.influencer, 1), range);
    if (!samples) return samples;
    for (auto& one : *samples) {
      take_from(*wanted, one, {times, at.look_back});
      all.push_back(std::move(one));
    }
  }
  return all;
}

PromResult<bool> PrometheusSource::may_have_samples(const PromSpan& span) {
  if (span.end == WallTime::max() && span.start == WallTime::min()) return true;
  if (span.end < span.start) return false;
  const auto size = context_.store.size();
  if (!size) return std::unexpected(failed(size.error()));
  const auto newest = context_.leaderboard()->newest_retrieved_at();
  return size->points > 0 && WallTime{size->oldest_minute} <= span.end && span.start <= newest;
}

bool PrometheusSource::may_have_samples(std::string_view metric, InfluencerId influencer,
                                        const PromSpan& span) const {
  const auto board = context_.leaderboard();
  if (metric == kRank || metric == kSuspicious) {
    return span.start <= board->published_at() && board->published_at() <= span.end;
  }
  const auto standing = board->find(influencer);
  return !standing || span.start <= standing->retrieved_at;
}

PromResult<std::vector<PromLabels>> PrometheusSource::series(const PromSelector& selector,
                                                             const PromSpan& span) {
  std::vector<PromLabels> all;
  std::vector<std::string_view> each;  // metrics with a series an influencer
  const auto take = [&](PromLabels labels) {
    if (fits(selector, labels)) all.push_back(std::move(labels));
  };
  for (const auto& metric : kMetrics) {
    if (!selector.metric.empty() && selector.metric != metric.name) continue;
    if (!metric.is_each && metric.name != kMissed) {
      take({{std::string(kName), std::string(metric.name)}});
    } else if (metric.name == kMissed) {
      for (std::size_t reason = 0; reason < kMissReasonCount; ++reason) {
        take({{std::string(kName), std::string(kMissed)},
              {"reason", std::string(name_of(static_cast<MissReason>(reason)))}});
      }
    } else {
      each.push_back(metric.name);
    }
  }
  if (each.empty()) return all;
  const auto influencers = influencers_of(selector);
  if (!influencers && influencers.error().status == 503) {
    return std::unexpected(influencers.error());
  }
  if (!influencers) {
    if (!may_fit(selector)) return all;
    for (const auto metric : each) warnings_.push_back(too_many(metric).message);
    unlisted_.insert(each.begin(), each.end());
    of_nobody_.push_back(selector);
    return all;
  }
  const auto board = context_.leaderboard();
  for (const auto influencer : *influencers) {
    const auto known = observed_.is_known(influencer);
    if (!known) return std::unexpected(failed(known.error()));
    if (!*known) continue;
    for (const auto metric : each) {
      if (!may_have_samples(metric, influencer, span)) continue;
      take(labels_of(metric, influencer, board->username_of(influencer)));
    }
  }
  return all;
}

void PrometheusSource::add_unlisted(std::string_view label, std::size_t limit,
                                    std::set<std::string>& values) const {
  if (label == kName) values.insert(unlisted_.begin(), unlisted_.end());
  if (!is_of_influencer(label) || of_nobody_.empty()) return;
  const auto board = context_.leaderboard();
  const auto end = std::min(board->size(), kLookedThroughMax);
  for (std::size_t i = 0; i < end && values.size() <= limit; ++i) {
    const auto standing = board->at_position(i);
    const auto labels = labels_of({}, standing.influencer, standing.username);
    const auto value = value_of(labels, label);
    const bool is_asked_for = std::ranges::any_of(
        of_nobody_, [&](const auto& selector) { return fits(selector, labels); });
    if (is_asked_for && !value.empty()) values.emplace(value);
  }
}

}  // namespace ia
