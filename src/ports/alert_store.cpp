#include "ports/alert_store.h"

#include <array>
#include <string>
#include <utility>

namespace ia {

std::string_view name_of(AlertOutcome outcome) {
  static constexpr std::array<std::string_view, 6> kNames = {"pending", "delivered", "refused",
                                                             "gave_up", "gone",      "cancelled"};
  return kNames[std::to_underlying(outcome)];
}

std::optional<AlertOutcome> alert_outcome_of(std::int64_t number) {
  if (number < 0 || number > std::to_underlying(AlertOutcome::kCancelled)) return std::nullopt;
  return static_cast<AlertOutcome>(number);
}

std::unexpected<Error> unknown_alert_rule(AlertRuleId id) {
  return fail(Errc::kNotFound, "There is no rule " + std::to_string(number_of(id)) + ".");
}

std::unexpected<Error> changed_alert_rule(AlertRuleId id) {
  return fail(Errc::kInvalid, "Rule " + std::to_string(number_of(id)) +
                                  " has changed since it was read: read it again.");
}

Status check_alert_limits(const AlertRule& rule, std::uint64_t other_rules,
                          std::uint64_t other_pairs) {
  if (other_rules + 1 > kAlertRulesMax) {
    return fail(Errc::kInvalid, "There are " + std::to_string(other_rules) +
                                    " rules, which is the most: delete some.");
  }
  if (other_pairs + rule.influencers.size() > kAlertPairsMax) {
    return fail(Errc::kInvalid, "All rules together would watch more than " +
                                    std::to_string(kAlertPairsMax) +
                                    " influencers: shorten or delete some.");
  }
  return {};
}

}  // namespace ia
