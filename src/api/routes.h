#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/observed.h"
#include "api/problem.h"

namespace ia {

// One request, as a route sees it.
struct RouteRequest {
  std::string_view id;  // the path's variable part, unescaped; empty when it has none
  std::string_view query;
  const HttpRequest& http;
};

// The route filled the response, or says what is wrong.
using Answer = std::expected<void, Problem>;

inline std::unexpected<Problem> refuse(Problem problem) {
  return std::unexpected(std::move(problem));
}
Problem unknown_influencer(InfluencerId id);

class PastMinutes;

// The routes by noun. Paths, parameters and answers: docs/openapi.json. Safe from any thread.

class InfluencerRoutes {
 public:
  InfluencerRoutes(const ApiContext& context, Observed& observed, PastMinutes& past)
      : context_(context), observed_(observed), past_(past) {}
  Answer one(const RouteRequest& request, HttpResponse& response);
  // Appends what `one` says of an influencer that is known.
  void write_one(InfluencerId id, const LeaderboardSnapshot& board, std::string& out) const;
  Answer search(const RouteRequest& request, HttpResponse& response);

 private:
  Answer one_at(InfluencerId id, Minute minute, HttpResponse& response);

  const ApiContext& context_;
  Observed& observed_;
  PastMinutes& past_;
};

class SeriesRoutes {
 public:
  SeriesRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  // The seed's contract: GET /influencer_analytics/{id}.
  Answer analytics(const RouteRequest& request, HttpResponse& response);
  Answer series(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
  Observed& observed_;
};

// GET /api/v1/influencers/{id}/gaps: minutes without a value, and why.
class GapRoutes {
 public:
  GapRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  Answer gaps(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
  Observed& observed_;
};

class GrowthRoutes {
 public:
  GrowthRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  Answer movers(const RouteRequest& request, HttpResponse& response);
  Answer growth(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
  Observed& observed_;
};

// GET /api/v1/compare: several series on one time axis.
class CompareRoutes {
 public:
  CompareRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  Answer compare(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
  Observed& observed_;
};

class LeaderboardRoutes {
 public:
  LeaderboardRoutes(const ApiContext& context, Observed& observed, PastMinutes& past);
  ~LeaderboardRoutes();
  Answer page(const RouteRequest& request, HttpResponse& response);

 private:
  struct State;
  const ApiContext& context_;
  Observed& observed_;
  PastMinutes& past_;
  std::unique_ptr<State> state_;
};

class PastRoutes {
 public:
  PastRoutes(const ApiContext& context, Observed& observed, PastMinutes& past)
      : context_(context), observed_(observed), past_(past) {}
  Answer ranks(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
  Observed& observed_;
  PastMinutes& past_;
};

class SummaryRoutes {
 public:
  SummaryRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  Answer summary(const RouteRequest& request, HttpResponse& response);
  // Appends what `summary` says.
  Answer write_summary(const LeaderboardSnapshot& board, std::string& out) const;
  Answer minutes(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
  Observed& observed_;
};

class VerdictRoutes {
 public:
  explicit VerdictRoutes(const ApiContext& context) : context_(context) {}
  Answer newly_suspicious(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
};

// GET /api/v1/stream: the summary and chosen influencers as server-sent events.
class LiveRoutes {
 public:
  LiveRoutes(const ApiContext& context, Observed& observed, const SummaryRoutes& summary,
             const InfluencerRoutes& influencers);
  ~LiveRoutes();
  Answer stream(const RouteRequest& request, HttpResponse& response);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class OperationRoutes {
 public:
  explicit OperationRoutes(const ApiContext& context) : context_(context) {}
  Answer healthz(const RouteRequest& request, HttpResponse& response);
  Answer readyz(const RouteRequest& request, HttpResponse& response);
  Answer metrics(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
};

// Finds the route of a request and lets it answer.
class Router {
 public:
  explicit Router(ApiContext context);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // What a route says is being made is asked for again on another thread, and answered there.
  void answer(const HttpRequest& request, HttpResponse& response);

  // For HttpServerOptions::routes: what HttpResponse::route counts.
  static std::vector<std::string> names();

 private:
  struct Entry;
  struct State;
  // False when the answer is being made: then the response means nothing but its route.
  bool try_to_answer(const HttpRequest& request, HttpResponse& response);

  std::unique_ptr<State> state_;
};

}  // namespace ia
