#pragma once

#include <memory>

#include "api/routes/routes.h"

namespace ia {

// Our own suspicion signals (docs/signals.md). Safe from any thread.
class SignalRoutes {
 public:
  SignalRoutes(const ApiContext& context, Observed& observed);
  ~SignalRoutes();
  // GET /api/v1/influencers/{id}/signals: costs one read of a series and its judgement.
  Answer of_one(const RouteRequest& request, HttpResponse& response);
  // GET /api/v1/signals: from what is in memory.
  Answer of_all(const RouteRequest& request, HttpResponse& response);

 private:
  struct State;
  const ApiContext& context_;
  Observed& observed_;
  std::unique_ptr<State> state_;
};

}  // namespace ia
