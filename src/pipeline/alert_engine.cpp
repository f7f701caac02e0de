#include "pipeline/alert_engine.h"

#include <algorithm>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRest{250};
constexpr BackoffOptions kErrorBackoff{.min = milliseconds{2'000}, .max = milliseconds{15'000}};
constexpr milliseconds kStandByRest{1'000};

CounterMetric fired_counter(Metrics& metrics, AlertKind kind) {
  return metrics.counter("ia_alerts_fired_total", "Alerts that fired.",
                         {{"kind", std::string(name_of(kind))}});
}

}  // namespace

AlertEngine::AlertEngine(AlertEngineParts parts, const Store& history, AlertStore& alerts,
                         const Clock& clock, Metrics& metrics, Log& log)
    : parts_(std::move(parts)),
      history_(history),
      alerts_(alerts),
      clock_(clock),
      metrics_(metrics),
      log_(log),
      state_(log, "alerts", clock),
      backoff_(clock, kErrorBackoff),
      has_turn_(metrics.gauge("ia_alert_turn", "1: this process looks at alerts and sends them.")),
      enabled_(metrics.gauge("ia_alert_rules", "Alert rules.", {{"state", "enabled"}})),
      disabled_(metrics.gauge("ia_alert_rules", "Alert rules.", {{"state", "disabled"}})),
      suppressed_(metrics.counter("ia_alerts_suppressed_total",
                                  "Alerts that a cool-down kept from firing.")),
      dropped_(metrics.counter("ia_alerts_dropped_total",
                               "Alerts that were never delivered because the log was full.")) {
  for (const auto kind : kAlertKinds) fired_counter(metrics, kind);
}

milliseconds AlertEngine::step() {
  const auto turn = alerts_.take_turn();
  has_turn_.set(alerts_.has_turn() ? 1 : 0);
  if (turn && !*turn) {
    stand_by();
    return kStandByRest;
  }
  if (turn) begin_turn(**turn);
  auto done = turn ? record() : std::unexpected(turn.error());
  if (done) done = load_rules();
  const bool is_current = !parts_.board_looks || parts_.board_looks() >= looks_awaited_;
  const auto board = parts_.board();
  const bool is_new = is_current && board->version() != board_version_;
  if (done && is_new && !by_id_.empty()) done = look(*board);
  if (!done) {
    state_.failing("alerts wait", done.error().message);
    backoff_.failed();
    return backoff_.rest();
  }
  backoff_.succeeded();
  state_.recovered("alerts go on");
  return kRest;
}

// The second of the board's looks that end from now on began after the turn did. Where nobody
// looked since our last turn, what we have in mind is still right, and what waits to be stored
// still waits.
void AlertEngine::begin_turn(std::uint64_t number) {
  if (number == turn_) return;
  const bool is_next = turn_ != 0 && number == turn_ + 1;  // nobody else had one in between
  turn_ = number;
  is_next ? count_rules() : forget();
  if (parts_.board_looks) looks_awaited_ = parts_.board_looks() + 2;
  if (std::exchange(stood_by_, false)) log_.info("alerts", "this process sends the alerts now");
}

void AlertEngine::stand_by() {
  backoff_.succeeded();
  state_.recovered("alerts go on");
  if (std::exchange(stood_by_, true)) return;
  enabled_.set(0);
  disabled_.set(0);
  log_.info("alerts", "another process sends the alerts");
}

void AlertEngine::forget() {
  unrecorded_states_.clear();
  unrecorded_alerts_.clear();
  rules_.load({}, {});
  by_id_.clear();
  count_rules();
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
    fired_counter(metrics_, rule.condition.kind).add();
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
AlertHistory AlertEngine::history_of(InfluencerId influencer, MinuteRange range) const {
  auto series = history_.read_series(influencer, range);
  AlertHistory history;
  if (!series) return history;
  for (std::size_t i = 0; i < series->size(); ++i) {
    history.samples.push_back({series->minutes[i], {series->followers[i], series->following[i]}});
  }
  history.damaged = std::move(series->damaged);
  return history;
}

}  // namespace ia
