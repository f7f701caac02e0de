#include "api/routes/routes.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "api/page/assets.h"
#include "api/parameters.h"
#include "api/past/past_minutes.h"
#include "api/routes/alert_routes.h"
#include "api/routes/badge_routes.h"
#include "api/routes/prometheus_routes.h"
#include "api/routes/signal_routes.h"
#include "http/late_answer.h"
#include "http/request_copy.h"
#include "http/server_problems.h"
#include "http/target.h"

namespace ia {

struct Router::State {
  explicit State(ApiContext context_in) : context(std::move(context_in)) {}

  const ApiContext context;
  AsideThreads aside;
  Observed observed{context, aside};
  PastMinutes past_minutes{context, observed};
  InfluencerRoutes influencers{context, observed, past_minutes};
  SeriesRoutes series{context, observed};
  SignalRoutes signals{context, observed};
  BadgeRoutes badges{context, observed};
  LeaderboardRoutes leaderboard{context, observed, past_minutes};
  GapRoutes gaps{context, observed};
  GrowthRoutes growth{context, observed};
  PastRoutes past{context, observed, past_minutes};
  CompareRoutes compare{context, observed};
  SummaryRoutes summary{context, observed};
  VerdictRoutes verdicts{context};
  OperationRoutes operation{context};
  LiveRoutes live{context, observed, summary, influencers};
  AlertRoutes alerts{context};
  PrometheusRoutes prometheus{context, observed};
};

// A request that is answered later, and the answer that its client waits for.
struct Router::Asked {
  Asked(const HttpRequest& request_in, MonoTime now) : request(request_in), asked_at(now) {}

  const RequestCopy request;
  const std::shared_ptr<LateAnswer> late = std::make_shared<LateAnswer>();
  const MonoTime asked_at;
};

// On the server's thread: always; where no read waits for a network; never.
enum class Runs : std::uint8_t { kHere, kHereWhenNear, kAside };

// "/a/{id}/b" as its two halves: path == before + id + after. No id when `has_id` is false.
struct Router::Entry {
  std::string_view name;  // in the metrics
  std::string_view before;
  bool has_id = false;
  std::string_view after;
  Answer (*answer)(State& state, const RouteRequest& request, HttpResponse& response);
  Runs runs = Runs::kHere;
  std::string_view methods = "GET, HEAD";

  static std::span<const Entry> all();
  bool matches(std::string_view path) const;
  bool takes(HttpMethod method) const;
  std::string_view id_in(std::string_view path) const;
};

namespace {

constexpr std::string_view kAssets = "/assets/";

Answer give_asset(std::string_view path, const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  const auto* asset = find_asset(path);
  if (asset == nullptr) {
    return refuse({.status = 404,
                   .detail = "This version of the page has no such part: load the page again."});
  }
  response.content_type = asset->content_type;
  response.cache_control =
      asset->is_immutable ? cache_control::kForever : cache_control::kRevalidate;
  response.etag = asset->etag;
  response.is_gzip = request.http.accepts_gzip;
  response.body = response.is_gzip ? asset->gzipped : asset->bytes;
  response.is_page = asset->content_type == content_type::kHtml;
  return {};
}

}  // namespace

std::span<const Router::Entry> Router::Entry::all() {
  using Q = const RouteRequest&;
  using R = HttpResponse&;
  constexpr std::string_view kReads = "GET, HEAD, POST";  // a POST is a query in a form
  static constexpr std::array kAll = {
      Entry{"influencer_analytics", "/influencer_analytics/", true, "",
            [](State& s, Q q, R r) { return s.series.analytics(q, r); },
            Runs::kHereWhenNear},
      Entry{"influencer", "/api/v1/influencers/", true, "",
            [](State& s, Q q, R r) { return s.influencers.one(q, r); },
            Runs::kHereWhenNear},
      Entry{"series", "/api/v1/influencers/", true, "/series",
            [](State& s, Q q, R r) { return s.series.series(q, r); },
            Runs::kHereWhenNear},
      Entry{"gaps", "/api/v1/influencers/", true, "/gaps",
            [](State& s, Q q, R r) { return s.gaps.gaps(q, r); },
            Runs::kAside},
      Entry{"influencer_signals", "/api/v1/influencers/", true, "/signals",
            [](State& s, Q q, R r) { return s.signals.of_one(q, r); },
            Runs::kAside},
      Entry{"badge", "/api/v1/influencers/", true, "/badge.svg",
            [](State& s, Q q, R r) { return s.badges.badge(q, r); },
            Runs::kHereWhenNear},
      Entry{"search", "/api/v1/influencers", false, "",
            [](State& s, Q q, R r) { return s.influencers.search(q, r); },
            Runs::kHereWhenNear},
      Entry{"compare", "/api/v1/compare", false, "",
            [](State& s, Q q, R r) { return s.compare.compare(q, r); },
            Runs::kHereWhenNear},
      Entry{"leaderboard", "/api/v1/leaderboard", false, "",
            [](State& s, Q q, R r) { return s.leaderboard.page(q, r); },
            Runs::kHereWhenNear},
      Entry{"movers", "/api/v1/movers", false, "",
            [](State& s, Q q, R r) { return s.growth.movers(q, r); }},
      Entry{"growth", "/api/v1/influencers/", true, "/growth",
            [](State& s, Q q, R r) { return s.growth.growth(q, r); },
            Runs::kAside},
      Entry{"ranks", "/api/v1/influencers/", true, "/ranks",
            [](State& s, Q q, R r) { return s.past.ranks(q, r); },
            Runs::kAside},
      Entry{"summary", "/api/v1/summary", false, "",
            [](State& s, Q q, R r) { return s.summary.summary(q, r); },
            Runs::kHereWhenNear},
      Entry{"minutes", "/api/v1/minutes", false, "",
            [](State& s, Q q, R r) { return s.summary.minutes(q, r); },
            Runs::kHereWhenNear},
      Entry{"verdicts", "/api/v1/verdicts", false, "",
            [](State& s, Q q, R r) { return s.verdicts.newly_suspicious(q, r); }},
      Entry{"signals", "/api/v1/signals", false, "",
            [](State& s, Q q, R r) { return s.signals.of_all(q, r); }},
      Entry{"stream", "/api/v1/stream", false, "",
            [](State& s, Q q, R r) { return s.live.stream(q, r); },
            Runs::kHereWhenNear},
      Entry{"alerts", "/api/v1/alerts", false, "",
            [](State& s, Q q, R r) { return s.alerts.all(q, r); },
            Runs::kHere, "GET, HEAD, POST"},
      Entry{"alert_log", "/api/v1/alerts/log", false, "",
            [](State& s, Q q, R r) { return s.alerts.log(q, r); }},
      Entry{"alert", "/api/v1/alerts/", true, "",
            [](State& s, Q q, R r) { return s.alerts.one(q, r); },
            Runs::kHere, "GET, HEAD, PUT, DELETE"},
      Entry{"alert_test", "/api/v1/alerts/", true, "/test",
            [](State& s, Q q, R r) { return s.alerts.test(q, r); },
            Runs::kHereWhenNear, "POST"},
      Entry{"prometheus_query", "/prometheus/api/v1/query", false, "",
            [](State& s, Q q, R r) { return s.prometheus.query(q, r); },
            Runs::kAside, kReads},
      Entry{"prometheus_query_range", "/prometheus/api/v1/query_range", false, "",
            [](State& s, Q q, R r) { return s.prometheus.query_range(q, r); },
            Runs::kAside, kReads},
      Entry{"prometheus_series", "/prometheus/api/v1/series", false, "",
            [](State& s, Q q, R r) { return s.prometheus.series(q, r); },
            Runs::kAside, kReads},
      Entry{"prometheus_labels", "/prometheus/api/v1/labels", false, "",
            [](State& s, Q q, R r) { return s.prometheus.labels(q, r); },
            Runs::kAside, kReads},
      Entry{"prometheus_label_values", "/prometheus/api/v1/label/", true, "/values",
            [](State& s, Q q, R r) { return s.prometheus.label_values(q, r); },
            Runs::kAside},
      Entry{"prometheus_metadata", "/prometheus/api/v1/metadata", false, "",
            [](State& s, Q q, R r) { return s.prometheus.metadata(q, r); }},
      Entry{"prometheus_rules", "/prometheus/api/v1/rules", false, "",
            [](State& s, Q q, R r) { return s.prometheus.rules(q, r); }},
      Entry{"prometheus_alerts", "/prometheus/api/v1/alerts", false, "",
            [](State& s, Q q, R r) { return s.prometheus.alerts(q, r); }},
      Entry{"prometheus_exemplars", "/prometheus/api/v1/query_exemplars", false, "",
            [](State& s, Q q, R r) { return s.prometheus.exemplars(q, r); },
            Runs::kHere, kReads},
      Entry{"prometheus_buildinfo", "/prometheus/api/v1/status/buildinfo", false, "",
            [](State& s, Q q, R r) { return s.prometheus.build_info(q, r); }},
      Entry{"healthz", "/healthz", false, "",
            [](State& s, Q q, R r) { return s.operation.healthz(q, r); }},
      Entry{"readyz", "/readyz", false, "",
            [](State& s, Q q, R r) { return s.operation.readyz(q, r); }},
      Entry{"metrics", "/metrics", false, "",
            [](State& s, Q q, R r) { return s.operation.metrics(q, r); },
            Runs::kAside},
      Entry{"openapi", "/openapi.json", false, "",
            [](State&, Q q, R r) { return give_asset("/openapi.json", q, r); }},
      Entry{"page", "/", false, "", [](State&, Q q, R r) { return give_asset("/", q, r); }},
      Entry{"page", "/icon.svg", false, "",
            [](State&, Q q, R r) { return give_asset("/icon.svg", q, r); }},
      Entry{"page", kAssets, true, "",
            [](State&, Q q, R r) { return give_asset(fmt::format("{}{}", kAssets, q.id), q, r); }},
  };
  return kAll;
}

bool Router::Entry::matches(std::string_view path) const {
  if (!has_id) return path == before;
  if (path.size() <= before.size() + after.size()) return false;
  if (!path.starts_with(before) || !path.ends_with(after)) return false;
  return id_in(path).find('/') == std::string_view::npos;
}

bool Router::Entry::takes(HttpMethod method) const {
  static constexpr std::array<std::string_view, 5> kNames = {"GET", "HEAD", "POST", "PUT",
                                                             "DELETE"};
  const std::size_t index = std::to_underlying(method);
  return index < kNames.size() && methods.find(kNames[index]) != std::string_view::npos;
}

std::string_view Router::Entry::id_in(std::string_view path) const {
  if (!has_id) return {};
  return path.substr(before.size(), path.size() - before.size() - after.size());
}

Problem unknown_influencer(InfluencerId id) {
  return {.status = 404,
          .kind = "unknown-influencer",
          .title = "Unknown influencer",
          .detail = fmt::format("Nobody watches influencer {}, and no value of it was ever stored.",
                                number_of(id))};
}

namespace {

Problem method_not_allowed(std::string_view methods, HttpResponse& response) {
  response.headers += fmt::format("Allow: {}\r\n", methods);
  return {.status = 405, .detail = fmt::format("Only {} is understood here.", methods)};
}

}  // namespace

Router::Router(ApiContext context) : state_(std::make_unique<State>(std::move(context))) {}

// The threads ask routes: before they go.
Router::~Router() {
  state_->past_minutes.thread().stop();
  state_->aside.stop();
}

std::vector<std::string> Router::names() {
  std::vector<std::string> names{"none"};
  for (const auto& entry : Entry::all()) names.emplace_back(entry.name);
  return names;
}

Router::Answered Router::try_to_answer(const HttpRequest& request, const Asked* asked,
                                       HttpResponse& response) {
  if (request.method == HttpMethod::kOptions && request.target == "*") {
    response.status = 204;
    response.headers += "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n";
    return Answered::kYes;
  }
  const auto target = split_target(request.target);
  if (!target) {
    answer_problem(response,
                   {.status = 400, .detail = "The request target must begin with a slash."},
                   request.target);
    return Answered::kYes;
  }
  for (std::size_t i = 0; i < Entry::all().size(); ++i) {
    const auto& entry = Entry::all()[i];
    if (!entry.matches(target->path)) continue;
    const auto escaped = entry.id_in(target->path);
    const auto id = unescape(escaped);
    RouteRequest routed{.id = id ? *id : escaped, .query = target->query, .http = request};
    if (asked != nullptr) {
      routed.late = asked->late;
      routed.asked_at = asked->asked_at;
    }
    return answer_with(i, routed, response);
  }
  answer_problem(response,
                 {.status = 404, .detail = "There is nothing here: /openapi.json lists the paths."},
                 request.target);
  return Answered::kYes;
}

Router::Answered Router::answer_with(std::size_t route, const RouteRequest& request,
                                     HttpResponse& response) {
  const auto& entry = Entry::all()[route];
  if (!entry.takes(request.http.method)) {
    answer_problem(response, method_not_allowed(entry.methods, response), request.http.target);
    return Answered::kYes;
  }
  response.route = route + 1;
  const bool may_run =
      entry.runs == Runs::kHere ||
      (entry.runs == Runs::kHereWhenNear && !state_->context.reads_may_wait);
  if (!may_run && !request.is_aside()) return Answered::kAside;
  const auto answered = entry.answer(*state_, request, response);
  if (answered) return Answered::kYes;
  if (answered.error().kind == kTakesLonger) return Answered::kAside;
  if (answered.error().kind == kBeingMade) return Answered::kLater;
  answer_problem(response, answered.error(), request.http.target);
  return Answered::kYes;
}

void Router::answer(const HttpRequest& request, HttpResponse& response) {
  const auto answered = try_to_answer(request, nullptr, response);
  if (answered == Answered::kYes) return;
  const auto asked = std::make_shared<Asked>(request, state_->context.clock.mono());
  if (answered == Answered::kAside) return answer_aside(asked, response);
  response.late = asked->late;
  wait_for(asked);
}

void Router::answer_aside(const std::shared_ptr<Asked>& asked, HttpResponse& response) {
  const auto& request = asked->request.get();
  const auto work = [this, asked](Gzip& gzip) {
    if (!answer_asked(asked, &gzip)) wait_for(asked);
  };
  switch (state_->aside.begin(request.client.limit_key(), work)) {
    case AsideThreads::Begun::kYes:
      response.late = asked->late;
      return;
    case AsideThreads::Begun::kTooManyOfClient:
      return answer_problem(response, too_many_waiting_of_client(), request.target);
    case AsideThreads::Begun::kTooMany:
      return answer_problem(response, too_many_waiting(), request.target);
  }
}

void Router::wait_for(const std::shared_ptr<Asked>& asked) {
  state_->past_minutes.thread().when_made(
      [this, asked] { return answer_asked(asked, nullptr); });
}

// False while what the answer is made of is being made.
bool Router::answer_asked(const std::shared_ptr<Asked>& asked, Gzip* gzip) {
  if (!asked->late->is_wanted()) return true;
  HttpResponse made;
  made.clear();
  if (try_safely(*asked, made) == Answered::kLater) return false;
  if (made.late == asked->late) return true;
  const auto& request = asked->request.get();
  if (gzip != nullptr && request.accepts_gzip) compress(*gzip, made);
  asked->late->answer(std::move(made));
  return true;
}

// As the server does on its own threads.
Router::Answered Router::try_safely(const Asked& asked, HttpResponse& made) {
  const auto& request = asked.request.get();
  try {
    return try_to_answer(request, &asked, made);
  } catch (const std::exception& thrown) {
    state_->context.log.error("api", "a route failed", {{"cause", thrown.what()}});
    made.clear();
    answer_problem(made, handler_failed(), request.target);
    return Answered::kYes;
  }
}

HttpHandler make_api_handler(ApiContext context) {
  return [router = std::make_shared<Router>(std::move(context))](const HttpRequest& request,
                                                                 HttpResponse& response) {
    router->answer(request, response);
  };
}

std::vector<std::string> api_route_names() { return Router::names(); }

Result<std::unique_ptr<HttpServer>> start_api(const HttpServerOptions& options,
                                              ApiContext context) {
  auto with_names = options;
  with_names.routes = api_route_names();
  auto& metrics = context.metrics;
  auto& log = context.log;
  const auto& clock = context.clock;
  return HttpServer::start(std::move(with_names), make_api_handler(std::move(context)), metrics,
                           log, clock);
}

}  // namespace ia
