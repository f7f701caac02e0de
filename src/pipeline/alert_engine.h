#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/alert_rules.h"
#include "ports/alert_store.h"
#include "ports/store.h"

namespace ia {

struct AlertEngineParts {
  std::function<std::shared_ptr<const LeaderboardSnapshot>()> board;
  // How often the board was brought up to date with the store; may be empty: it always is.
  std::function<std::uint64_t()> board_looks = {};
  // As in AlertInputs; may be empty.
  std::function<std::optional<bool>(InfluencerId)> verdict;
  // The message of an alert.
  std::function<std::string(const AlertRule&, const AlertEvent&, const std::string& sentence)>
      encode;
  std::function<std::string()> make_id;  // of messages: unique for ever
};

// Looks at each new leaderboard with every rule, and puts what fired into the alert store together
// with what the rules have to remember. What could not be stored is stored before anything else is
// looked at, so a crash can only repeat a look whose outcome nobody saw.
//
// Where processes share the alert store, one looks at a time. A turn that follows another process's
// begins with what is stored, and with a board that is no older than any that the process before
// has looked at, so that nothing fires twice.
//
// Metrics: ia_alert_turn, ia_alert_rules{state}, ia_alerts_fired_total{kind},
// ia_alerts_suppressed_total, ia_alerts_dropped_total.
class AlertEngine {
 public:
  AlertEngine(AlertEngineParts parts, const Store& history, AlertStore& alerts, const Clock& clock,
              Metrics& metrics, Log& log);

  // One look, if it is our turn and there is something new: rules, or values. Returns how long to
  // rest.
  std::chrono::milliseconds step();

 private:
  void begin_turn(std::uint64_t number);
  void stand_by();
  void forget();
  Status load_rules();
  Status look(const LeaderboardSnapshot& board);
  Status record();
  AlertHistory history_of(InfluencerId influencer, MinuteRange range) const;
  void count_rules();

  const AlertEngineParts parts_;
  const Store& history_;
  AlertStore& alerts_;
  const Clock& clock_;
  Metrics& metrics_;
  Log& log_;
  StateLog state_;
  Backoff backoff_;
  std::uint64_t turn_ = 0;  // 0: somebody else's, or unknown
  bool stood_by_ = false;
  std::uint64_t looks_awaited_ = 0;  // of the board
  AlertRules rules_;
  std::map<AlertRuleId, AlertRule> by_id_;
  std::optional<std::uint64_t> revision_;
  std::uint64_t board_version_ = 0;
  std::vector<AlertStateRow> unrecorded_states_;
  std::vector<NewAlert> unrecorded_alerts_;
  GaugeMetric has_turn_, enabled_, disabled_;
  CounterMetric suppressed_, dropped_;
};

}  // namespace ia
