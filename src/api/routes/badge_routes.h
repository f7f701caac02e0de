#pragma once

#include "api/page/badge.h"
#include "api/routes/routes.h"

namespace ia {

// GET /api/v1/influencers/{id}/badge.svg: the latest value from memory, and one read of the few
// minutes around a day earlier. Safe from any thread.
class BadgeRoutes {
 public:
  BadgeRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  Answer badge(const RouteRequest& request, HttpResponse& response);

 private:
  Badge::Value value_of(const Standing& standing, HttpResponse& response);

  const ApiContext& context_;
  Observed& observed_;
};

}  // namespace ia
