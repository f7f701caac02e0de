#include "api/alert_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <type_traits>

#include "api/id_json.h"
#include "base/byte_order_mark.h"
#include "base/printable.h"
#include "http/target.h"

namespace ia {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using std::chrono::minutes;
using Names = std::span<const std::string_view>;

constexpr std::size_t kErrorsMax = 10;
constexpr std::array<std::string_view, 8> kCommon = {
    "name", "enabled", "influencers", "kind", "cool_down_minutes", "url", "secret", "direction"};
constexpr std::string_view kIdTexts = "influencers_str";
// A rule that was read can be sent back: what only the server says is overlooked.
constexpr std::array<std::string_view, 7> kOverlooked = {
    "id", "target", "signed", "created_at", "updated_at", "warnings", "etag"};
constexpr std::array<std::string_view, 3> kThreshold = {"metric", "value", "hysteresis"};
constexpr std::array<std::string_view, 4> kRelative = {"metric", "count", "percent",
                                                       "window_minutes"};
constexpr std::array<std::string_view, 2> kMilestone = {"every", "values"};
constexpr std::array<std::string_view, 1> kRank = {"rank"};

Names members_of(AlertKind kind) {
  switch (kind) {
    case AlertKind::kThreshold:
      return kThreshold;
    case AlertKind::kRelative:
      return kRelative;
    case AlertKind::kMilestone:
      return kMilestone;
    case AlertKind::kRank:
      return kRank;
    case AlertKind::kVerdict:
      break;
  }
  return {};
}

bool has(Names names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

class RuleReader {
 public:
  RuleReader(object body, const AlertRule& before) : body_(body), rule_(before) {
    rule_.enabled = true;
    rule_.name.clear();
    rule_.influencers.clear();
    rule_.condition = {};
    rule_.cool_down = {};
  }

  std::expected<AlertRule, std::vector<ParameterError>> run() {
    read_kind();
    if (errors_.empty()) {
      check_names();
      read_common();
      read_condition();
    }
    if (errors_.empty()) {
      for (auto& error : check(rule_)) reject(error.member, std::move(error.detail));
    }
    if (!errors_.empty()) return std::unexpected(std::move(errors_));
    return std::move(rule_);
  }

 private:
  void reject(std::string_view member, std::string detail) {
    if (errors_.size() < kErrorsMax) errors_.push_back({std::string(member), std::move(detail)});
  }

  // Null is as good as not given.
  std::optional<element> find(std::string_view name) {
    element value;
    if (body_[name].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
    return value;
  }
  std::optional<std::string_view> text(std::string_view name) {
    const auto given = find(name);
    std::string_view value;
    if (!given || given->get(value) == simdjson::SUCCESS) {
      return given ? std::optional(value) : std::nullopt;
    }
    reject(name, "must be a text");
    return std::nullopt;
  }
  // As JSON has it, 1.0 and 1e3 are whole numbers too.
  template <class Value>
  static std::optional<Value> whole(element given) {
    constexpr double kExactMax = 9'007'199'254'740'992;  // 2^53
    Value value{};
    if (given.get(value) == simdjson::SUCCESS) return value;
    double real = 0;
    if (!given.is_double() || given.get(real) != simdjson::SUCCESS) return std::nullopt;
    if (std::trunc(real) != real || std::abs(real) > kExactMax) return std::nullopt;
    if (real < 0 && std::is_unsigned_v<Value>) return std::nullopt;
    return static_cast<Value>(real);
  }
  std::int64_t integer(std::string_view name) {
    const auto given = find(name);
    if (!given) return 0;
    const auto value = whole<std::int64_t>(*given);
    if (!value) reject(name, "must be a whole number");
    return value.value_or(0);
  }
  // Ascending, each once.
  template <class Value>
  std::vector<Value> list(std::string_view name, std::size_t count_max, std::string_view of_what,
                          std::optional<std::uint64_t> (*read)(element)) {
    const auto given = find(name);
    if (!given) return {};
    auto values = items_of<Value>(*given, read);
    if (!values || values->size() > count_max) {
      reject(name, fmt::format("must be a list of at most {} {}", count_max, of_what));
      return {};
    }
    std::ranges::sort(*values);
    values->erase(std::ranges::unique(*values).begin(), values->end());
    return std::move(*values);
  }
  std::vector<std::int64_t> integers(std::string_view name, std::size_t count_max) {
    return list<std::int64_t>(name, count_max, "whole numbers from 0", whole<std::uint64_t>);
  }
  std::vector<InfluencerId> ids(std::string_view name) {
    return list<InfluencerId>(name, kAlertInfluencersMax, "ids, as whole numbers or their digits",
                              id_of);
  }
  static std::optional<std::uint64_t> id_of(element given) {
    std::string_view digits;
    if (given.get(digits) != simdjson::SUCCESS) return whole<std::uint64_t>(given);
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    std::uint64_t value = 0;
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || stop != end || value > kInfluencerIdMax) return std::nullopt;
    return value;
  }
  // An array or element that simdjson did not fill must not be touched: it points nowhere.
  template <class Value>
  static std::optional<std::vector<Value>> items_of(element given,
                                                    std::optional<std::uint64_t> (*read)(element)) {
    array items;
    if (given.get(items) != simdjson::SUCCESS) return std::nullopt;
    std::vector<Value> values;
    for (const auto item : items) {
      const auto value = read(item);
      if (!value) return std::nullopt;
      values.push_back(static_cast<Value>(*value));
    }
    return values;
  }

  void read_kind() {
    const auto name = text("kind");
    const auto kind = name ? parse_alert_kind(*name) : std::nullopt;
    if (!kind)
      return reject("kind", fmt::format("must be one of {}", fmt::join(alert_kinds(), ", ")));
    rule_.condition.kind = *kind;
  }

  void check_names() {
    const auto own = members_of(rule_.condition.kind);
    std::vector<std::string_view> seen;
    for (const auto [name, value] : body_) {
      if (has(seen, name)) reject(excerpt(name), "is given more than once");
      seen.push_back(name);
      if (has(kOverlooked, name) || has(kCommon, name) || has(own, name) || name == kIdTexts)
        continue;
      reject(excerpt(name),
             fmt::format("is not known to this kind of rule; known: {}{}{}",
                         fmt::join(kCommon, ", "), own.empty() ? "" : ", ", fmt::join(own, ", ")));
    }
  }

  void read_common() {
    rule_.name = text("name").value_or("");
    read_influencers();
    rule_.cool_down = minutes{integer("cool_down_minutes")};
    if (const auto enabled = find("enabled")) {
      if (enabled->get(rule_.enabled) != simdjson::SUCCESS) {
        reject("enabled", "must be true or false");
      }
    }
    read_target();
  }

  // A secret is shared with one receiver: another URL is never signed with it.
  void read_target() {
    auto& target = rule_.target;
    const auto url = text("url");
    const bool is_moved = url && *url != target.url;
    if (url) target.url = *url;
    element secret;
    if (body_["secret"].get(secret) == simdjson::SUCCESS) {
      target.secret = text("secret").value_or("");
    } else if (is_moved && !target.secret.empty()) {
      reject("secret",
             "is needed with another url: the one that the rule has is not used for it; null "
             "sends unsigned");
    }
  }

  // A reader whose numbers are doubles sends back `influencers` as it rounded them, and
  // `influencers_str` as they are: those are taken, if they can be what was rounded.
  void read_influencers() {
    rule_.influencers = ids("influencers");
    if (!find(kIdTexts) || rule_.influencers.empty()) return;
    auto exact = ids(kIdTexts);
    if (as_doubles(exact) == as_doubles(rule_.influencers)) {
      rule_.influencers = std::move(exact);
    } else {
      reject(kIdTexts, "names others than influencers: leave it out, or change both");
    }
  }

  static std::vector<double> as_doubles(const std::vector<InfluencerId>& ids) {
    std::vector<double> doubles;
    for (const auto id : ids) doubles.push_back(static_cast<double>(number_of(id)));
    doubles.erase(std::ranges::unique(doubles).begin(), doubles.end());
    return doubles;
  }

  void read_condition() {
    auto& c = rule_.condition;
    read_direction();
    if (const auto name = text("metric")) {
      const auto metric = parse_alert_metric(*name);
      if (!metric) reject("metric", "must be followers or following");
      c.metric = metric.value_or(c.metric);
    }
    switch (c.kind) {
      case AlertKind::kThreshold:
        need("value");
        c.level = integer("value");
        c.hysteresis = integer("hysteresis");
        return;
      case AlertKind::kRelative:
        need("window_minutes");
        c.level = integer("count");
        c.basis_points = basis_points();
        c.window = minutes{integer("window_minutes")};
        return;
      case AlertKind::kMilestone:
        c.level = integer("every");
        c.milestones = integers("values", kAlertMilestonesMax);
        return;
      case AlertKind::kRank:
        need("rank");
        c.level = integer("rank");
        return;
      case AlertKind::kVerdict:
        return;
    }
  }

  void need(std::string_view name) {
    if (!find(name)) reject(name, "is needed");
  }

  void read_direction() {
    auto& c = rule_.condition;
    const auto word = text("direction");
    if (!word && c.kind == AlertKind::kMilestone) return;
    const auto direction = parse_alert_direction(c.kind, word.value_or(""));
    if (direction) {
      c.direction = *direction;
      return;
    }
    std::vector<std::string_view> words;
    for (const auto one : {AlertDirection::kUp, AlertDirection::kDown, AlertDirection::kEither}) {
      if (const auto known = direction_word(c.kind, one); !known.empty()) words.push_back(known);
    }
    reject("direction", fmt::format("must be one of {}", fmt::join(words, ", ")));
  }

  std::int64_t basis_points() {
    const auto given = find("percent");
    if (!given) return 0;
    double percent = 0;
    const bool is_number = given->get(percent) == simdjson::SUCCESS;
    const auto hundredths = std::round(percent * 100);
    const bool is_fine = std::abs(percent * 100 - hundredths) < 1e-6;
    if (!is_number || !is_fine || hundredths < 1 || hundredths > 1e8) {
      reject("percent", "must be a number from 0.01 to 1000000 with at most two decimals");
      return 0;
    }
    return static_cast<std::int64_t>(hundredths);
  }

  object body_;
  AlertRule rule_;
  std::vector<ParameterError> errors_;
};

void write_if_given(JsonWriter& json, std::string_view name, std::int64_t value) {
  json.key(name);
  if (value == 0) return json.null();
  json.integer(value);
}

void write_condition(JsonWriter& json, const AlertCondition& c) {
  json.member("kind", name_of(c.kind));
  const bool has_metric = c.kind == AlertKind::kThreshold || c.kind == AlertKind::kRelative;
  if (has_metric) json.member("metric", name_of(c.metric));
  if (c.kind != AlertKind::kMilestone) {
    json.member("direction", direction_word(c.kind, c.direction));
  }
  switch (c.kind) {
    case AlertKind::kThreshold:
      json.member("value", c.level);
      json.member("hysteresis", c.hysteresis);
      return;
    case AlertKind::kRelative:
      write_if_given(json, "count", c.level);
      json.member("percent", c.basis_points > 0
                                 ? std::optional(static_cast<double>(c.basis_points) / 100)
                                 : std::nullopt);
      json.member("window_minutes", c.window.count());
      return;
    case AlertKind::kMilestone:
      write_if_given(json, "every", c.level);
      json.key("values");
      if (c.milestones.empty()) return json.null();
      json.begin_array();
      for (const auto value : c.milestones) json.integer(value);
      json.end_array();
      return;
    case AlertKind::kRank:
      json.member("rank", c.level);
      return;
    case AlertKind::kVerdict:
      return;
  }
}

void begin_message(JsonWriter& json, std::string_view type, WallTime at, std::string_view text,
                   const AlertRule& rule) {
  json.begin_object();
  json.member("type", "alert." + std::string(type));
  json.member("timestamp", at);
  json.member("text", text);
  json.key("data");
  json.begin_object();
  json.key("rule");
  json.begin_object();
  json.member("id", number_of(rule.id));
  json.member("name", std::string_view(rule.name));
  json.end_object();
}

}  // namespace

std::vector<std::string_view> alert_kinds() {
  std::vector<std::string_view> names;
  for (const auto kind : kAlertKinds) names.push_back(name_of(kind));
  return names;
}

std::expected<AlertRule, std::vector<ParameterError>> parse_alert_rule(std::string_view body,
                                                                       const AlertRule& before) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(body);
  element parsed;
  object members;
  if (has_byte_order_mark(body) || parser.parse(padded).get(parsed) != simdjson::SUCCESS ||
      parsed.get(members) != simdjson::SUCCESS) {
    return std::unexpected(std::vector<ParameterError>{
        {"body", "must be a JSON object: docs/alerts.md has examples"}});
  }
  return RuleReader(members, before).run();
}

void write_alert_rule(JsonWriter& json, const AlertRule& rule,
                      std::span<const std::string> warnings) {
  json.begin_object();
  json.member("id", number_of(rule.id));
  json.member("name", std::string_view(rule.name));
  json.member("enabled", rule.enabled);
  write_ids(json, "influencers", rule.influencers);
  write_condition(json, rule.condition);
  json.member("cool_down_minutes", rule.cool_down.count());
  json.member("target", std::string_view(shown_target(rule.target.url)));
  json.member("signed", !rule.target.secret.empty());
  json.member("created_at", rule.created_at);
  json.member("updated_at", rule.updated_at);
  json.member("etag", std::string_view(alert_etag(rule)));
  if (!warnings.empty()) {
    json.key("warnings");
    json.begin_array();
    for (const auto& warning : warnings) json.text(warning);
    json.end_array();
  }
  json.end_object();
}

std::string alert_etag(const AlertRule& rule) {
  return fmt::format("\"{}-{}-{:x}\"", number_of(rule.id), rule.version,
                     rule.updated_at.time_since_epoch().count());
}

void write_alert_entry(JsonWriter& json, const AlertEntry& entry) {
  const bool is_pending = entry.outcome == AlertOutcome::kPending;
  const auto when = [](bool applies, WallTime time) {
    return applies ? std::optional(time) : std::nullopt;
  };
  json.begin_object();
  json.member("number", entry.number);
  json.member("webhook_id", std::string_view(entry.webhook_id));
  json.member("rule", number_of(entry.rule));
  json.member("rule_name", std::string_view(entry.rule_name));
  json.member("kind", name_of(entry.kind));
  write_id(json, "influencer", entry.influencer);
  json.member("fired_at", entry.fired_at);
  json.member("text", std::string_view(entry.text));
  json.member("outcome", name_of(entry.outcome));
  json.member("attempts", entry.attempts);
  json.member("tried_at", when(entry.attempts > 0, entry.tried_at));
  json.member("next_attempt_at", when(is_pending, entry.next_attempt_at));
  json.member("status", entry.status > 0 ? std::optional(entry.status) : std::nullopt);
  json.member("detail",
              entry.detail.empty() ? std::nullopt : std::optional(std::string_view(entry.detail)));
  json.end_object();
}

std::string alert_body(const AlertRule& rule, const AlertEvent& event, std::string_view sentence) {
  const auto kind = rule.condition.kind;
  const bool is_relative = kind == AlertKind::kRelative;
  std::string body;
  JsonWriter json(body);
  begin_message(json, name_of(kind), event.at, sentence, rule);
  json.key("influencer");
  json.begin_object();
  write_id(json, "id", event.influencer);
  json.member("username", event.username.empty() ? std::nullopt
                                                 : std::optional(std::string_view(event.username)));
  json.member("follower_count", event.counts.followers);
  json.member("following_count", event.counts.following);
  json.member("rank", event.rank);
  json.end_object();
  json.member("metric", name_of(rule.condition.metric));
  json.member("direction", direction_word(kind, event.direction));
  json.member("level", kind == AlertKind::kVerdict ? std::nullopt : std::optional(event.level));
  json.member("since", is_relative ? std::optional(WallTime{event.since}) : std::nullopt);
  json.member("damaged", event.is_damaged);
  json.end_object();
  json.end_object();
  return body;
}

std::string alert_test_body(const AlertRule& rule, WallTime now) {
  std::string body;
  JsonWriter json(body);
  begin_message(json, "test", now, "This is a test of the rule \"" + rule.name + "\".", rule);
  json.end_object();
  json.end_object();
  return body;
}

}  // namespace ia
