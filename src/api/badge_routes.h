#pragma once

#include "api/routes.h"

namespace ia {

// GET /api/v1/influencers/{id}/badge.svg: the latest value from memory, and one read of the few
// minutes around a day earlier. Safe from any thread.
class BadgeRoutes {
 public:
  BadgeRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  Answer badge(const RouteRequest& request, HttpResponse& response);

 private:
  std::optional<std::int64_t> day_change(const Standing& standing);

  const ApiContext& context_;
  Observed& observed_;
};

}  // namespace ia
