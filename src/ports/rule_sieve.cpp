#include "ports/rule_sieve.h"

namespace ia {
namespace {

std::string flaw_of(const Result<AlertRule>& rule) {
  if (!rule) return rule.error().message;
  const auto errors = check(*rule);
  return errors.empty() ? "" : std::string(errors[0].member) + " " + errors[0].detail;
}

}  // namespace

std::vector<AlertRule> RuleSieve::sound(std::vector<Row> rows) {
  std::vector<AlertRule> rules;
  for (auto& row : rows) {
    if (const auto flaw = flaw_of(row.rule); !flaw.empty()) {
      say(row.id, flaw);
    } else {
      rules.push_back(std::move(*row.rule));
    }
  }
  return rules;
}

void RuleSieve::say(std::uint64_t id, const std::string& flaw) {
  const std::scoped_lock lock(mutex_);
  if (!said_.insert(id).second || log_ == nullptr) return;
  log_->warning("alerts", "a stored rule is not used",
                {{"rule", std::to_string(id)},
                 {"cause", flaw},
                 {"advice", "replace or delete it through the API"}});
}

}  // namespace ia
