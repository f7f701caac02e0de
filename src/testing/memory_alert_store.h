#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "ports/alert_store.h"

namespace ia {

// The AlertStore port in memory: the reference of its contract.
class MemoryAlertStore final : public AlertStore {
 public:
  Result<std::vector<AlertRule>> rules() const override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    std::vector<AlertRule> all;
    for (const auto& [id, rule] : rules_) all.push_back(rule);
    return all;
  }
  Result<AlertRule> rule(AlertRuleId id) const override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    const auto found = rules_.find(id);
    if (found == rules_.end()) return not_found(id);
    return found->second;
  }
  Result<AlertRule> add(AlertRule rule) override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    rule.id = AlertRuleId{newest_rule_ + 1};
    rule.version = 1;
    if (!fits(rule)) return fail(Errc::kInvalid, "too many rules");
    ++newest_rule_;
    return put(std::move(rule));
  }
  Result<AlertRule> replace(AlertRule rule) override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    const auto found = rules_.find(rule.id);
    if (found == rules_.end()) return not_found(rule.id);
    if (found->second.version != rule.version) return changed_alert_rule(rule.id);
    ++rule.version;
    rule.created_at = found->second.created_at;
    if (!fits(rule)) return fail(Errc::kInvalid, "too many rules");
    forget(rule.id);
    return put(std::move(rule));
  }
  Status remove(AlertRuleId id, std::optional<std::uint64_t> version = {}) override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    const auto found = rules_.find(id);
    if (found == rules_.end()) return not_found(id);
    if (version && found->second.version != *version) return changed_alert_rule(id);
    rules_.erase(found);
    forget(id);
    cancel(id);
    ++revision_;
    return {};
  }
  Result<std::uint64_t> revision() const override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    return revision_;
  }

  Result<std::vector<AlertStateRow>> states() const override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    std::vector<AlertStateRow> rows;
    for (const auto& [key, row] : states_) rows.push_back(row);
    return rows;
  }
  Result<std::uint64_t> record(const std::vector<AlertStateRow>& states,
                               const std::vector<NewAlert>& alerts) override {
    const std::scoped_lock lock(mutex_);
    if (down_ || std::exchange(fails_next_record_, false)) return away();
    if (!turn_) return away();
    for (const auto& row : states) {
      if (is_current(row.rule, row.version)) states_[{row.rule, row.influencer}] = row;
    }
    for (const auto& alert : alerts) {
      if (is_current(alert.rule, alert.version) && !ids_.contains(alert.webhook_id)) enter(alert);
    }
    return trim();
  }

  Result<std::vector<DueAlert>> due(WallTime now, std::size_t count_max) const override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    std::vector<DueAlert> found;
    std::set<AlertRuleId> seen;
    for (const auto& [number, entry] : log_) {
      if (entry.outcome != AlertOutcome::kPending || !seen.insert(entry.rule).second) continue;
      if (entry.next_attempt_at > now) continue;
      found.push_back({entry, rules_.at(entry.rule).target});
    }
    std::ranges::sort(found, {}, [](const DueAlert& due) {
      return std::pair(due.entry.next_attempt_at, due.entry.number);
    });
    if (found.size() > count_max) found.resize(count_max);
    return found;
  }
  Status settle(std::uint64_t number, const AlertAttempt& attempt) override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    const auto found = log_.find(number);
    if (found == log_.end() || found->second.outcome != AlertOutcome::kPending) return {};
    auto& entry = found->second;
    ++entry.attempts;
    entry.outcome = attempt.outcome;
    entry.tried_at = attempt.tried_at;
    entry.next_attempt_at = attempt.next_attempt_at;
    entry.status = attempt.status;
    entry.detail = attempt.detail;
    if (attempt.outcome != AlertOutcome::kGone) return {};
    auto& rule = rules_.at(entry.rule);
    rule.enabled = false;
    ++rule.version;
    ++revision_;
    forget(rule.id);
    cancel(rule.id);
    return {};
  }

  Result<std::vector<AlertEntry>> log(const LogQuery& query) const override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    std::vector<AlertEntry> found;
    for (auto it = log_.rbegin(); it != log_.rend() && found.size() < query.count_max; ++it) {
      if (query.before && it->first >= *query.before) continue;
      if (query.rule && it->second.rule != *query.rule) continue;
      found.push_back(it->second);
    }
    return found;
  }
  Result<std::uint64_t> pending() const override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    return static_cast<std::uint64_t>(std::ranges::count_if(log_, [](const auto& numbered) {
      return numbered.second.outcome == AlertOutcome::kPending;
    }));
  }

  Result<std::optional<std::uint64_t>> take_turn() override {
    const std::scoped_lock lock(mutex_);
    if (down_) return away();
    return turn_;
  }
  bool has_turn() const override {
    const std::scoped_lock lock(mutex_);
    return turn_.has_value();
  }

  // Nothing: it is somebody else's.
  void set_turn(std::optional<std::uint64_t> number) {
    const std::scoped_lock lock(mutex_);
    turn_ = number;
  }
  // Every call gives kUnavailable until it is up again.
  void set_down(bool down) { down_ = down; }
  // The next record does nothing and gives kUnavailable.
  void fail_next_record() { fails_next_record_ = true; }

 private:
  static std::unexpected<Error> away() { return fail(Errc::kUnavailable, "the alerts are away"); }
  static std::unexpected<Error> not_found(AlertRuleId id) {
    return fail(Errc::kNotFound, "no rule " + std::to_string(number_of(id)));
  }
  bool is_current(AlertRuleId id, std::uint64_t version) const {
    const auto found = rules_.find(id);
    return found != rules_.end() && found->second.version == version;
  }
  bool fits(const AlertRule& rule) const {
    auto pairs = rule.influencers.size();
    std::size_t count = 1;
    for (const auto& [id, other] : rules_) {
      if (id == rule.id) continue;
      pairs += other.influencers.size();
      ++count;
    }
    return count <= kAlertRulesMax && pairs <= kAlertPairsMax;
  }
  AlertRule put(AlertRule rule) {
    ++revision_;
    rules_[rule.id] = rule;
    return rule;
  }
  void forget(AlertRuleId id) {
    std::erase_if(states_, [id](const auto& keyed) { return keyed.first.first == id; });
  }
  void cancel(AlertRuleId id) {
    for (auto& [number, entry] : log_) {
      const bool is_pending = entry.outcome == AlertOutcome::kPending;
      if (entry.rule == id && is_pending) entry.outcome = AlertOutcome::kCancelled;
    }
  }
  void enter(const NewAlert& alert) {
    const auto& rule = rules_.at(alert.rule);
    const auto number = ++newest_entry_;
    ids_.insert(alert.webhook_id);
    log_[number] = {.number = number,
                    .webhook_id = alert.webhook_id,
                    .rule = alert.rule,
                    .rule_name = rule.name,
                    .kind = rule.condition.kind,
                    .influencer = alert.influencer,
                    .fired_at = alert.fired_at,
                    .text = alert.text,
                    .body = alert.body,
                    .next_attempt_at = alert.fired_at};
  }
  std::uint64_t trim() {
    std::uint64_t dropped = 0;
    for (; log_.size() > kLogMax; log_.erase(log_.begin())) {
      if (log_.begin()->second.outcome == AlertOutcome::kPending) ++dropped;
    }
    return dropped;
  }

  mutable std::mutex mutex_;
  std::map<AlertRuleId, AlertRule> rules_;
  std::map<std::pair<AlertRuleId, InfluencerId>, AlertStateRow> states_;
  std::map<std::uint64_t, AlertEntry> log_;
  std::set<std::string> ids_;  // of all that ever fired
  std::optional<std::uint64_t> turn_ = 1;
  std::uint64_t newest_rule_ = 0;
  std::uint64_t newest_entry_ = 0;
  std::uint64_t revision_ = 0;
  std::atomic<bool> down_ = false;
  bool fails_next_record_ = false;
};

}  // namespace ia
