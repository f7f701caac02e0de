#include "core/alert_rules.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <utility>

namespace ia {
namespace {

using std::chrono::minutes;
using Side = AlertState::Side;

// Between the level and its hysteresis the side stays what it was.
Side threshold_side(const AlertCondition& c, Side before, Counts counts) {
  const auto sign = c.direction == AlertDirection::kDown ? -1 : 1;
  const auto over = sign * (count_of(c.metric, counts) - c.level);
  if (over > 0) return Side::kBeyond;
  const bool stays = before == Side::kBeyond && over > -c.hysteresis;
  return stays ? Side::kBeyond : Side::kInside;
}

// The highest milestone that the count has reached; 0: none.
std::int64_t highest_reached(const AlertCondition& c, std::int64_t count) {
  if (c.milestones.empty()) return count - count % c.level;
  const auto above = std::ranges::upper_bound(c.milestones, count);
  return above == c.milestones.begin() ? 0 : *std::prev(above);
}

bool is_large(const AlertCondition& c, std::int64_t from, std::int64_t to) {
  const auto change = to - from;
  if (c.direction == AlertDirection::kUp && change < 0) return false;
  if (c.direction == AlertDirection::kDown && change > 0) return false;
  const auto size = std::abs(change);
  if (size == 0) return false;
  if (c.level > 0 && size >= c.level) return true;
  return c.basis_points > 0 && static_cast<double>(size) * 10'000 >=
                                   static_cast<double>(c.basis_points) * static_cast<double>(from);
}

// The values of the last minutes, thinned out.
class Window {
 public:
  bool is_begun() const { return begun_; }
  void begin() { begun_ = true; }

  void add(AlertSample sample, minutes length) {
    const auto apart = std::max(minutes{1}, length / AlertRules::kSamplesMax);
    if (samples_.empty() || sample.minute - samples_.back().minute >= apart) {
      samples_.push_back(sample);
    }
    // The newest one that is not inside is the value at the window's begin.
    while (samples_.size() > 1 && samples_[1].minute <= sample.minute - length) {
      samples_.pop_front();
    }
  }
  const AlertSample& reference() const { return samples_.front(); }
  void restart(AlertSample sample) {
    samples_.assign(1, sample);
    damaged_.clear();
  }

  void note_damage(std::vector<MinuteRange> damaged) { damaged_ = std::move(damaged); }
  // Whether a value between the window's begin, wherever that is, and the reference is damaged: it
  // would be the reference.
  bool is_reference_damaged(Minute begin) const {
    const auto at = reference().minute;
    return std::ranges::any_of(damaged_, [&](MinuteRange lost) {
      return at <= begin ? at + minutes{1} < lost.end && lost.begin <= begin
                         : begin < lost.end && lost.begin < at;
    });
  }

 private:
  bool begun_ = false;
  std::deque<AlertSample> samples_;
  std::vector<MinuteRange> damaged_;
};

}  // namespace

struct AlertRules::Watch {
  InfluencerId influencer;
  AlertState state;
  std::unique_ptr<Window> window;  // relative rules only
};

struct AlertRules::Watched {
  AlertRule rule;
  std::vector<Watch> watches;  // ascending
};

// One evaluation.
struct AlertRules::Pass {
  const AlertInputs& inputs;
  AlertEvaluation result{};
  std::size_t history_reads = 0;

  void look(const AlertRule& rule, Watch& watch);
  void look_side(const AlertRule& rule, Watch& watch, const Standing& now);
  void look_milestone(const AlertRule& rule, Watch& watch, const Standing& now);
  void look_relative(const AlertRule& rule, Watch& watch, const Standing& now);
  std::optional<Side> side_of(const AlertRule& rule, const Watch& watch, const Standing& now) const;
  bool begin_window(const AlertRule& rule, Watch& watch, Minute now);
  bool is_cooling(const AlertRule& rule, const Watch& watch, WallTime at) const {
    const auto passed = at - watch.state.fired_at;  // less than nothing: by a clock that was ahead
    return watch.state.fired_at > WallTime{} && passed >= WallTime::duration{} &&
           passed < rule.cool_down;
  }
  void fire(const AlertRule& rule, Watch& watch, const Standing& now, AlertEvent event);
};

void AlertRules::Pass::look(const AlertRule& rule, Watch& watch) {
  const auto now = inputs.board.find(watch.influencer);
  if (!now) return;
  const auto before = watch.state;
  switch (rule.condition.kind) {
    case AlertKind::kThreshold:
    case AlertKind::kRank:
    case AlertKind::kVerdict:
      look_side(rule, watch, *now);
      break;
    case AlertKind::kMilestone:
      look_milestone(rule, watch, *now);
      break;
    case AlertKind::kRelative:
      look_relative(rule, watch, *now);
      break;
  }
  if (watch.state == before) return;
  result.changed.push_back({rule.id, rule.version, watch.influencer, watch.state});
}

std::optional<Side> AlertRules::Pass::side_of(const AlertRule& rule, const Watch& watch,
                                              const Standing& now) const {
  const auto& c = rule.condition;
  const auto side = [](bool is_beyond) { return is_beyond ? Side::kBeyond : Side::kInside; };
  if (c.kind == AlertKind::kThreshold) return threshold_side(c, watch.state.side, now.counts);
  if (c.kind == AlertKind::kRank) return side(now.rank <= c.level);
  const auto verdict = inputs.verdict ? inputs.verdict(watch.influencer) : std::nullopt;
  if (!verdict) return std::nullopt;
  return side(*verdict);
}

void AlertRules::Pass::look_side(const AlertRule& rule, Watch& watch, const Standing& now) {
  const auto& c = rule.condition;
  const auto side = side_of(rule, watch, now);
  if (!side) return;
  const auto before = std::exchange(watch.state.side, *side);
  if (before == Side::kUnknown || before == *side) return;
  const bool is_threshold = c.kind == AlertKind::kThreshold;
  // A threshold fires on one way only; what its direction says is which side is beyond.
  const auto went = *side == Side::kBeyond ? AlertDirection::kUp : AlertDirection::kDown;
  const auto wanted = is_threshold ? AlertDirection::kUp : c.direction;
  if (wanted != AlertDirection::kEither && wanted != went) return;
  fire(rule, watch, now,
       {.at = is_threshold ? now.retrieved_at : inputs.board.published_at(),
        .direction = is_threshold ? c.direction : went,
        .level = c.level});
}

void AlertRules::Pass::look_milestone(const AlertRule& rule, Watch& watch, const Standing& now) {
  const auto reached = highest_reached(rule.condition, now.counts.followers);
  const auto before = watch.state.mark;
  if (reached <= before) return;
  watch.state.mark = reached;
  if (before < 0) return;
  fire(rule, watch, now, {.at = now.retrieved_at, .level = reached});
}

// False: another time.
bool AlertRules::Pass::begin_window(const AlertRule& rule, Watch& watch, Minute now) {
  if (!watch.window) watch.window = std::make_unique<Window>();
  auto& window = *watch.window;
  if (window.is_begun()) return true;
  if (inputs.history) {
    if (++history_reads > kHistoryReadsMax) return false;
    const auto since = minute_of(std::max(rule.updated_at, watch.state.fired_at));
    const auto begin = std::max(since, now - rule.condition.window);
    if (begin < now) {
      auto history = inputs.history(watch.influencer, {begin, now});
      for (const auto& sample : history.samples) window.add(sample, rule.condition.window);
      window.note_damage(std::move(history.damaged));
    }
  }
  window.begin();
  return true;
}

void AlertRules::Pass::look_relative(const AlertRule& rule, Watch& watch, const Standing& now) {
  const auto& c = rule.condition;
  const AlertSample sample{minute_of(now.retrieved_at), now.counts};
  if (!begin_window(rule, watch, sample.minute)) return;
  watch.window->add(sample, c.window);
  const auto reference = watch.window->reference();
  const auto since = reference.minute;
  const auto from = count_of(c.metric, reference.counts);
  const auto to = count_of(c.metric, now.counts);
  if (is_cooling(rule, watch, now.retrieved_at) || !is_large(c, from, to)) return;
  const bool is_damaged = watch.window->is_reference_damaged(sample.minute - c.window);
  watch.window->restart(sample);
  fire(rule, watch, now,
       {.at = now.retrieved_at,
        .direction = to > from ? AlertDirection::kUp : AlertDirection::kDown,
        .level = from,
        .since = since,
        .is_damaged = is_damaged});
}

void AlertRules::Pass::fire(const AlertRule& rule, Watch& watch, const Standing& now,
                            AlertEvent event) {
  if (is_cooling(rule, watch, event.at)) {
    ++result.suppressed;
    return;
  }
  watch.state.fired_at = event.at;
  event.rule = rule.id;
  event.version = rule.version;
  event.influencer = watch.influencer;
  event.username = now.username;
  event.counts = now.counts;
  event.rank = now.rank;
  result.events.push_back(std::move(event));
}

AlertRules::AlertRules() = default;
AlertRules::~AlertRules() = default;

void AlertRules::load(const std::vector<AlertRule>& rules, std::span<const AlertStateRow> states) {
  using Key = std::pair<AlertRuleId, std::uint64_t>;
  std::map<Key, Watched> before;
  for (auto& old : rules_) before.emplace(Key{old.rule.id, old.rule.version}, std::move(old));
  rules_.clear();
  std::map<Key, Watched*> by_key;
  rules_.reserve(rules.size());
  for (const auto& rule : rules) {
    if (!rule.enabled) continue;
    auto& watched = rules_.emplace_back(Watched{.rule = rule, .watches = {}});
    by_key.emplace(Key{rule.id, rule.version}, &watched);
    if (const auto old = before.find({rule.id, rule.version}); old != before.end()) {
      watched.watches = std::move(old->second.watches);
      for (auto& watch : watched.watches) watch.state = {};
      continue;
    }
    for (const auto id : rule.influencers) watched.watches.push_back({id, {}, nullptr});
  }
  for (const auto& row : states) {
    const auto found = by_key.find({row.rule, row.version});
    if (found == by_key.end()) continue;
    auto& watches = found->second->watches;
    const auto watch = std::ranges::lower_bound(watches, row.influencer, {}, &Watch::influencer);
    if (watch != watches.end() && watch->influencer == row.influencer) watch->state = row.state;
  }
}

AlertEvaluation AlertRules::evaluate(const AlertInputs& inputs) {
  Pass pass{.inputs = inputs};
  for (auto& watched : rules_) {
    for (auto& watch : watched.watches) pass.look(watched.rule, watch);
  }
  return std::move(pass.result);
}

}  // namespace ia
