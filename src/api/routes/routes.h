#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/observed.h"
#include "api/route.h"
#include "http/gzip.h"

namespace ia {

class PastMinutes;
class RankCount;

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
  Answer one_at(InfluencerId id, Minute minute, const RouteRequest& request,
                HttpResponse& response);

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
  // Ranks that take longer than a second to count arrive in parts, an hour each.
  Answer ranks(const RouteRequest& request, HttpResponse& response);

 private:
  void append_ranks(const std::vector<RankAt>& ranks, std::size_t written, std::string& out);
  void go_on_in_parts(const std::shared_ptr<RankCount>& count, std::size_t written,
                      const RouteRequest& request, HttpResponse& response);

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

  // What takes longer than a thread of the server may be held is answered by AsideThreads; what a
  // route says is being made is asked for again by LaterThread, and answered there.
  void answer(const HttpRequest& request, HttpResponse& response);

  // For HttpServerOptions::routes: what HttpResponse::route counts.
  static std::vector<std::string> names();

 private:
  struct Entry;
  struct State;
  struct Asked;  // a request that is answered later
  enum class Answered : std::uint8_t { kYes, kAside, kLater };
  // Unless it was answered, the response means nothing but its route. `asked` is set aside.
  Answered try_to_answer(const HttpRequest& request, const Asked* asked, HttpResponse& response);
  Answered answer_with(std::size_t route, const RouteRequest& request, HttpResponse& response);
  void answer_aside(const std::shared_ptr<Asked>& asked, HttpResponse& response);
  void wait_for(const std::shared_ptr<Asked>& asked);
  bool answer_asked(const std::shared_ptr<Asked>& asked, Gzip* gzip);
  Answered try_safely(const Asked& asked, HttpResponse& made);

  std::unique_ptr<State> state_;
};

}  // namespace ia
