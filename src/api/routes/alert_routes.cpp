#include "api/routes/alert_routes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "api/alert_json.h"
#include "api/parameters.h"
#include "api/write_guard.h"
#include "base/hash.h"
#include "base/json.h"
#include "http/late_answer.h"
#include "http/server_problems.h"

namespace ia {
namespace {

constexpr std::size_t kNamedMax = 10;
// Of a change that meets others; then it is told that it came too late.
constexpr int kAttemptsMax = 5;
constexpr std::uint64_t kLogLimit = 100;
constexpr std::uint64_t kLogLimitMax = 1'000;
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;

Problem problem_of_alerts(const Error& error) {
  if (error.code == Errc::kNotFound) {
    return {
        .status = 404, .kind = "unknown-rule", .title = "Unknown rule", .detail = error.message};
  }
  if (error.code == Errc::kInvalid) return {.status = 409, .detail = error.message};
  return problem_of(error);
}

std::expected<AlertRuleId, Problem> id_in(const RouteRequest& request) {
  Parameters parameters(request.query, {});
  const auto id = parameters.influencer(request.id);  // the same range
  if (!parameters.is_valid()) return std::unexpected(parameters.problem());
  return AlertRuleId{number_of(id)};
}

// What If-Match and If-None-Match of a change ask for (RFC 9110, section 13.2.2).
bool meets_conditions(const HttpRequest& http, const AlertRule& rule) {
  const auto etag = alert_etag(rule);
  if (!http.if_match.empty() && !matches_etag(http.if_match, etag)) return false;
  return http.if_none_match.empty() || !names_etag(http.if_none_match, etag);
}

bool has_changed(const AlertStore& alerts, const AlertRule& before) {
  const auto now = alerts.rule(before.id);
  return !now || now->version != before.version;
}

std::string etag_of_text(std::string_view text) {
  Hash64 hash;
  for (const char c : text) hash.add(static_cast<unsigned char>(c));
  return etag_of(hash);
}

void give_rule(const AlertRule& rule, HttpResponse& response,
               std::span<const std::string> warnings = {}) {
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kNever;
  response.etag = alert_etag(rule);
  JsonWriter json(response.body);
  write_alert_rule(json, rule, warnings);
}

std::string_view word_of(WebhookReply::Kind kind) {
  switch (kind) {
    case WebhookReply::Kind::kDelivered:
      return "delivered";
    case WebhookReply::Kind::kFailed:
      return "failed";
    case WebhookReply::Kind::kRefused:
      return "refused";
    case WebhookReply::Kind::kGone:
      return "gone";
  }
  return "failed";
}

HttpResponse test_answer(const std::string& webhook_id, const WebhookReply& reply) {
  HttpResponse response;
  response.clear();
  response.content_type = content_type::kJson;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("webhook_id", std::string_view(webhook_id));
  json.member("outcome", word_of(reply.kind));
  json.member("status", reply.status > 0 ? std::optional(reply.status) : std::nullopt);
  json.member("detail",
              reply.detail.empty() ? std::nullopt : std::optional(std::string_view(reply.detail)));
  json.member("took_ms", reply.took.count());
  json.end_object();
  return response;
}

}  // namespace

std::expected<AlertStore*, Problem> AlertRoutes::store() const {
  if (context_.alerts.store != nullptr) return context_.alerts.store;
  return std::unexpected(Problem{.status = 503, .detail = "This process keeps no alerts."});
}

std::expected<AlertRule, Problem> AlertRoutes::rule_in(std::string_view body,
                                                       const AlertRule& before) const {
  auto rule = parse_alert_rule(body, before);
  if (!rule) return std::unexpected(invalid_parameters(std::move(rule.error())));
  const bool is_new = context_.alerts.refused_url && rule->target.url != before.target.url;
  if (auto why = is_new ? context_.alerts.refused_url(rule->target.url) : std::nullopt) {
    return std::unexpected(invalid_parameters({{"url", std::move(*why)}}));
  }
  return std::move(*rule);
}

std::vector<std::string> AlertRoutes::warnings_on(const AlertRule& rule) const {
  const auto registry = context_.store.registry();
  if (!registry || registry->influencers.empty()) return {};
  std::vector<std::uint64_t> unwatched;
  for (const auto id : rule.influencers) {
    if (!registry->influencers.contains(id)) unwatched.push_back(number_of(id));
  }
  if (unwatched.empty()) return {};
  const auto count = unwatched.size();
  unwatched.resize(std::min(count, kNamedMax));
  return {fmt::format("not watched, so no alert comes until that changes: {}{}",
                      fmt::join(unwatched, ", "),
                      count > kNamedMax ? fmt::format(" and {} more", count - kNamedMax) : "")};
}

// Rules are on a disk. Who may not change them hears it at once, so that wrong tokens are counted.
Answer AlertRoutes::go_aside(const RouteRequest& request, HttpResponse& response) const {
  if (!is_read(request.http)) {
    const auto may = check_write(context_.writes, request.http, response);
    if (!may) return may;
  }
  return refuse(takes_longer());
}

Answer AlertRoutes::all(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  if (!request.is_aside()) return go_aside(request, response);
  return request.http.method == HttpMethod::kPost ? add(request, response) : list(response);
}

Answer AlertRoutes::list(HttpResponse& response) {
  const auto alerts = store();
  if (!alerts) return refuse(alerts.error());
  const auto rules = (*alerts)->rules();
  if (!rules) return refuse(problem_of_alerts(rules.error()));
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kNever;
  JsonWriter json(response.body);
  json.begin_object();
  json.key("kinds");
  json.begin_array();
  for (const auto kind : alert_kinds()) json.text(kind);
  json.end_array();
  json.key("items");
  json.begin_array();
  for (const auto& rule : *rules) write_alert_rule(json, rule);
  json.end_array();
  json.end_object();
  response.etag = etag_of_text(response.body);
  return {};
}

Answer AlertRoutes::add(const RouteRequest& request, HttpResponse& response) {
  if (const auto may = check_write(context_.writes, request.http, response); !may) return may;
  const auto alerts = store();
  if (!alerts) return refuse(alerts.error());
  const auto now = context_.clock.wall();
  auto rule = rule_in(request.http.body, {.created_at = now, .updated_at = now});
  if (!rule) return refuse(std::move(rule.error()));
  const auto added = (*alerts)->add(std::move(*rule));
  if (!added) return refuse(problem_of_alerts(added.error()));
  give_rule(*added, response, warnings_on(*added));
  response.status = 201;
  response.headers += fmt::format("Location: /api/v1/alerts/{}\r\n", number_of(added->id));
  return {};
}

Answer AlertRoutes::one(const RouteRequest& request, HttpResponse& response) {
  const auto id = id_in(request);
  if (!id) return refuse(id.error());
  if (!request.is_aside()) return go_aside(request, response);
  if (request.http.method == HttpMethod::kPut) return replace(*id, request, response);
  if (request.http.method == HttpMethod::kDelete) return remove(*id, request, response);
  const auto alerts = store();
  if (!alerts) return refuse(alerts.error());
  const auto rule = (*alerts)->rule(*id);
  if (!rule) return refuse(problem_of_alerts(rule.error()));
  give_rule(*rule, response);
  return {};
}

Answer AlertRoutes::replace(AlertRuleId id, const RouteRequest& request, HttpResponse& response) {
  if (const auto may = check_write(context_.writes, request.http, response); !may) return may;
  const auto alerts = store();
  if (!alerts) return refuse(alerts.error());
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto before = (*alerts)->rule(id);
    if (!before) return refuse(problem_of_alerts(before.error()));
    auto rule = rule_in(request.http.body, *before);
    if (!rule) return refuse(std::move(rule.error()));
    if (!meets_conditions(request.http, *before)) break;
    rule->updated_at = context_.clock.wall();
    const auto replaced = (*alerts)->replace(std::move(*rule));
    if (replaced) {
      give_rule(*replaced, response, warnings_on(*replaced));
      return {};
    }
    if (!has_changed(**alerts, *before)) return refuse(problem_of_alerts(replaced.error()));
  }
  return refuse(precondition_failed());
}

Answer AlertRoutes::remove(AlertRuleId id, const RouteRequest& request, HttpResponse& response) {
  if (const auto may = check_write(context_.writes, request.http, response); !may) return may;
  const auto alerts = store();
  if (!alerts) return refuse(alerts.error());
  if (request.http.if_match.empty() && request.http.if_none_match.empty()) {
    const auto removed = (*alerts)->remove(id);  // also a rule that cannot be read
    if (!removed) return refuse(problem_of_alerts(removed.error()));
    response.status = 204;
    return {};
  }
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto before = (*alerts)->rule(id);
    if (!before) return refuse(problem_of_alerts(before.error()));
    if (!meets_conditions(request.http, *before)) break;
    const auto removed = (*alerts)->remove(id, before->version);
    if (removed) {
      response.status = 204;
      return {};
    }
    if (!has_changed(**alerts, *before)) return refuse(problem_of_alerts(removed.error()));
  }
  return refuse(precondition_failed());
}

Answer AlertRoutes::test(const RouteRequest& request, HttpResponse& response) {
  const auto id = id_in(request);
  if (!id) return refuse(id.error());
  if (const auto may = check_write(context_.writes, request.http, response); !may) return may;
  const auto alerts = store();
  if (!alerts) return refuse(alerts.error());
  const auto rule = (*alerts)->rule(*id);
  if (!rule) return refuse(problem_of_alerts(rule.error()));
  const auto webhook_id = context_.alerts.make_id();
  const auto late = request.late ? request.late : std::make_shared<LateAnswer>();
  const bool is_taken =
      context_.alerts.test({.target = rule->target,
                            .id = webhook_id,
                            .body = alert_test_body(*rule, context_.clock.wall())},
                           [late, webhook_id](const WebhookReply& reply) {
                             late->answer(test_answer(webhook_id, reply));
                           });
  if (!is_taken) {
    return refuse({.status = 503,
                   .detail = "Too many tests are under way: try again soon.",
                   .retry_after_seconds = 5});
  }
  response.late = late;
  return {};
}

Answer AlertRoutes::log(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"before", "rule", "limit"});
  const auto limit = parameters.whole_number("limit", kLogLimit, 1, kLogLimitMax);
  AlertStore::LogQuery query{.count_max = limit + 1};
  if (parameters.text("before")) query.before = parameters.whole_number("before", 0, 1, kNumberMax);
  if (parameters.text("rule")) {
    query.rule = AlertRuleId{parameters.whole_number("rule", 0, 1, kNumberMax)};
  }
  if (!parameters.is_valid()) return refuse(parameters.problem());
  if (!request.is_aside()) return refuse(takes_longer());
  const auto alerts = store();
  if (!alerts) return refuse(alerts.error());
  const auto entries = (*alerts)->log(query);
  if (!entries) return refuse(problem_of_alerts(entries.error()));
  const auto pending = (*alerts)->pending();
  if (!pending) return refuse(problem_of_alerts(pending.error()));
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kNever;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("pending", *pending);
  const bool has_more = entries->size() > limit;
  json.key("next");
  if (has_more) {
    json.text(fmt::format("/api/v1/alerts/log?limit={}&before={}{}", limit,
                          (*entries)[limit - 1].number,
                          query.rule ? fmt::format("&rule={}", number_of(*query.rule)) : ""));
  } else {
    json.null();
  }
  json.key("items");
  json.begin_array();
  for (std::size_t i = 0; i < std::min<std::size_t>(limit, entries->size()); ++i) {
    write_alert_entry(json, (*entries)[i]);
  }
  json.end_array();
  json.end_object();
  return {};
}

}  // namespace ia
