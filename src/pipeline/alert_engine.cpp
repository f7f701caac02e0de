#include "pipeline/alert_engine.h"

#include <algorithm>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRest{250};
constexpr milliseconds kErrorRest{2'000};

}  // namespace

AlertEngine::AlertEngine(AlertEngineParts parts, const Store& history, AlertStore& alerts,
                         const Clock& clock, Metrics& metrics, Log& log)
    : parts_(std::move(parts)),
      history_(history),
      alerts_(alerts),
      clock_(clock),
      metrics_(metrics),
      state_(log, "alerts"),
      enabled_(metrics.gauge("ia_alert_rules", "Alert rules.", {{"state", "enabled"}})),
      disabled_(metrics.gauge("ia_alert_rules", "Alert rules.", {{"state", "disabled"}})),
      suppressed_(metrics.counter("ia_alerts_suppressed_total",
                                  "Alerts that a cool-down kept from firing.")),
      dropped_(metrics.counter("ia_alerts_dropped_total",
                               "Alerts that were never delivered because the log was full.")) {}

milliseconds AlertEngine::step() {
  auto done = record();
  if (done) done = load_rules();
  const auto board = parts_.board();
  if (done && !by_id_.empty() && board->version() != board_version_) done = look(*board);
  if (!done) {
    state_.failing("alerts wait", done.error().message);
    return kErrorRest;
  }
  state_.recovered("alerts go on");
  return kRest;
}

void AlertEngine::stand_by() {
  unrecorded_states_.clear();
  unrecorded_alerts_.clear();
  rules_.load({}, {});
  by_id_.clear();
  revision_.reset();
}

Status AlertEngine::load_rules() {
  const auto revision = alerts_.revision();
  if (!revision) return std::unexpected(revision.error());
  if (revision_ == *revision) return {};
  const auto rules = alerts_.rules();
  if (!rules) return std::unexpected(rules.error());
  const auto states = alerts_.states();
  if (!states) return std::unexpected(states.error());
  rules_.load(*rules, *states);
  by_id_.clear();
  for (const auto& rule : *rules) by_id_.emplace(rule.id, rule);
  count_rules();
  revision_ = *revision;
  board_version_ = 0;
  return {};
}

void AlertEngine::count_rules() {
  const auto enabled =
      std::ranges::count_if(by_id_, [](const auto& entry) { return entry.second.enabled; });
  enabled_.set(static_cast<double>(enabled));
  disabled_.set(static_cast<double>(by_id_.size()) - static_cast<double>(enabled));
}

Status AlertEngine::look(const LeaderboardSnapshot& board) {
  auto found = rules_.evaluate({.board = board,
                                .verdict = parts_.verdict,
                                .history = [this](InfluencerId influencer, MinuteRange range) {
                                  return history_of(influencer, range);
                                }});
  board_version_ = board.version();
  suppressed_.add(found.suppressed);
  unrecorded_states_ = std::move(found.changed);
  for (const auto& event : found.events) {
    const auto& rule = by_id_.at(event.rule);
    auto text = sentence_of(rule.condition, event);
    auto body = parts_.encode(rule, event, text);
    unrecorded_alerts_.push_back({.rule = event.rule,
                                  .version = event.version,
                                  .influencer = event.influencer,
                                  .fired_at = clock_.wall(),
                                  .webhook_id = parts_.make_id(),
                                  .text = std::move(text),
                                  .body = std::move(body)});
    metrics_
        .counter("ia_alerts_fired_total", "Alerts that fired.",
                 {{"kind", std::string(name_of(rule.condition.kind))}})
        .add();
  }
  return record();
}

Status AlertEngine::record() {
  if (unrecorded_states_.empty() && unrecorded_alerts_.empty()) return {};
  const auto dropped = alerts_.record(unrecorded_states_, unrecorded_alerts_);
  if (!dropped) return std::unexpected(dropped.error());
  dropped_.add(*dropped);
  unrecorded_states_.clear();
  unrecorded_alerts_.clear();
  return {};
}

// A store that does not answer costs the window its past, not its future.
std::vector<AlertSample> AlertEngine::history_of(InfluencerId influencer, MinuteRange range) const {
  const auto series = history_.read_series(influencer, range);
  std::vector<AlertSample> samples;
  if (!series) return samples;
  for (std::size_t i = 0; i < series->size(); ++i) {
    samples.push_back({series->minutes[i], {series->followers[i], series->following[i]}});
  }
  return samples;
}

}  // namespace ia
