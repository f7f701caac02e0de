#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/operation_answers.h"
#include "api/parameters.h"
#include "api/routes/routes.h"

namespace ia {
Answer OperationRoutes::healthz(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  answer_status(response, "alive", context_.version);
  return {};
}

Answer OperationRoutes::readyz(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  const auto reasons = context_.not_ready_reasons();
  if (reasons.empty()) {
    answer_status(response, "ready", context_.version);
    return {};
  }
  return refuse(not_ready(fmt::format("{}", fmt::join(reasons, "; "))));
}

Answer OperationRoutes::metrics(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  answer_metrics(response, context_.metrics);
  return {};
}

}  // namespace ia
