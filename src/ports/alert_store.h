#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/alert.h"
#include "core/alert_rules.h"

namespace ia {

// How the delivery of an alert stands.
enum class AlertOutcome : std::uint8_t {
  kPending,    // not delivered yet: it will be tried, or tried again
  kDelivered,  // the receiver answered 2xx
  kRefused,    // we do not send there: a private address, or not HTTP
  kGaveUp,     // it failed for a day
  kGone,       // the receiver answered 410: its rule was switched off
  kCancelled,  // its rule was deleted, or switched off by a 410
};
std::string_view name_of(AlertOutcome outcome);
std::optional<AlertOutcome> alert_outcome_of(std::int64_t number);

// An alert that fired, in the log.
struct AlertEntry {
  std::uint64_t number = 0;  // ascending in the order of firing
  std::string webhook_id{};  // the same in every attempt
  AlertRuleId rule{};
  std::string rule_name{};  // when it fired
  AlertKind kind = AlertKind::kThreshold;
  InfluencerId influencer{};
  WallTime fired_at{};
  std::string text{};  // a sentence for people
  std::string body{};  // what is sent
  AlertOutcome outcome = AlertOutcome::kPending;
  std::uint32_t attempts = 0;
  WallTime tried_at{};         // meaningful when attempts > 0
  WallTime next_attempt_at{};  // meaningful while pending
  int status = 0;              // of the last attempt's answer; 0: there was none
  std::string detail{};        // why the last attempt failed; empty: it did not
  friend bool operator==(const AlertEntry&, const AlertEntry&) = default;
};

// An alert that has just fired.
struct NewAlert {
  AlertRuleId rule{};
  std::uint64_t version = 0;  // of the rule
  InfluencerId influencer{};
  WallTime fired_at{};
  std::string webhook_id{};
  std::string text{};
  std::string body{};
};

struct DueAlert {
  AlertEntry entry;
  AlertTarget target;  // of its rule, as it is now
};

// What came of an attempt. Of kPending: it is tried again.
struct AlertAttempt {
  AlertOutcome outcome = AlertOutcome::kPending;
  WallTime tried_at{};
  WallTime next_attempt_at{};
  int status = 0;
  std::string detail{};
};

// Rules, what they remember, and what fired. Safe from any thread. What a call has done survives a
// crash of the program and of the machine. After kUnavailable it may or may not have been done.
class AlertStore {
 public:
  // The newest alerts that are kept. An older one that is still pending is dropped.
  static constexpr std::size_t kLogMax = 10'000;

  virtual ~AlertStore() = default;

  // By ascending id.
  [[nodiscard]] virtual Result<std::vector<AlertRule>> rules() const = 0;
  // kNotFound.
  [[nodiscard]] virtual Result<AlertRule> rule(AlertRuleId id) const = 0;
  // Stores a rule that check() accepts and gives it an id and a version. kInvalid when there
  // would be more than kAlertRulesMax rules or kAlertPairsMax influencers in them.
  [[nodiscard]] virtual Result<AlertRule> add(AlertRule rule) = 0;
  // Takes the place of the rule of that id and version, and gives it a new version, so that it
  // begins again; created_at stays. kNotFound; kInvalid as with add, and when the rule has changed
  // since, so that of two who read the same version only one replaces it.
  [[nodiscard]] virtual Result<AlertRule> replace(AlertRule rule) = 0;
  // Pending alerts of it are cancelled; the log keeps them. kNotFound; kInvalid when `version` is
  // given and the rule has another one.
  [[nodiscard]] virtual Status remove(AlertRuleId id,
                                      std::optional<std::uint64_t> version = {}) = 0;
  // Changes whenever a rule does, in any process.
  [[nodiscard]] virtual Result<std::uint64_t> revision() const = 0;

  // Where processes share a store, one at a time looks and sends. Asks for the turn, or whether it
  // is still ours: its number, larger than that of any turn before; nothing: another process's.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> take_turn() { return 1; }
  // Whether take_turn last gave a number. At once.
  [[nodiscard]] virtual bool has_turn() const { return true; }

  [[nodiscard]] virtual Result<std::vector<AlertStateRow>> states() const = 0;
  // All or none, and only in our turn: kUnavailable after it. What is of another version than its
  // rule has now is left out, and so is an alert whose webhook_id is there already: repeating it is
  // harmless. Gives how many pending alerts were dropped because the log is full.
  [[nodiscard]] virtual Result<std::uint64_t> record(const std::vector<AlertStateRow>& states,
                                                     const std::vector<NewAlert>& alerts) = 0;

  // Each rule's oldest pending alert whose time has come, those due longest first.
  [[nodiscard]] virtual Result<std::vector<DueAlert>> due(WallTime now,
                                                          std::size_t count_max) const = 0;
  // Of a pending alert; of any other it does nothing. kGone also switches its rule off and
  // cancels the rule's other pending ones.
  [[nodiscard]] virtual Status settle(std::uint64_t number, const AlertAttempt& attempt) = 0;

  // The newest first, those before a number, of one rule or of all.
  struct LogQuery {
    std::optional<std::uint64_t> before{};
    std::optional<AlertRuleId> rule{};
    std::size_t count_max = 100;
  };
  [[nodiscard]] virtual Result<std::vector<AlertEntry>> log(const LogQuery& query) const = 0;
  [[nodiscard]] virtual Result<std::uint64_t> pending() const = 0;
};

// The errors that stores have in common.
std::unexpected<Error> unknown_alert_rule(AlertRuleId id);
std::unexpected<Error> changed_alert_rule(AlertRuleId id);
// Whether a rule fits beside the others and the influencers that they watch; kInvalid.
Status check_alert_limits(const AlertRule& rule, std::uint64_t other_rules,
                          std::uint64_t other_pairs);

}  // namespace ia
