#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "core/alert.h"
#include "http/problem.h"
#include "ports/alert_store.h"

namespace ia {

// Alerts as the API and the webhooks write them. Their forms: docs/alerts.md, docs/openapi.json.

// The rule that a body says. What `before` is known for is kept: id and times, and its address and
// secret unless the body names others; a secret is kept for the same address only. All that is
// wrong is said at once.
std::expected<AlertRule, std::vector<ParameterError>> parse_alert_rule(std::string_view body,
                                                                       const AlertRule& before);

// Changes with every change of the rule, in whatever process and also after a restored backup.
std::string alert_etag(const AlertRule& rule);
// Without the address but for its host, and without the secret; with its ETag. With warnings, the
// member "warnings".
void write_alert_rule(JsonWriter& json, const AlertRule& rule,
                      std::span<const std::string> warnings = {});
void write_alert_entry(JsonWriter& json, const AlertEntry& entry);

// The kinds of rules that are accepted, by name.
std::vector<std::string_view> alert_kinds();

// The message of an alert, and of a test.
std::string alert_body(const AlertRule& rule, const AlertEvent& event, std::string_view sentence);
std::string alert_test_body(const AlertRule& rule, WallTime now);

}  // namespace ia
