#include "api/json.h"
#include "api/parameters.h"
#include "api/routes.h"
#include "base/process_metrics.h"

namespace ia {
namespace {

constexpr int kRetryAfterSeconds = 5;

void write_status(HttpResponse& response, std::string_view status, std::string_view version) {
  response.content_type = content_type::kJson;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("status", status);
  json.member("version", version);
  json.end_object();
}

}  // namespace

Answer OperationRoutes::healthz(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  write_status(response, "alive", context_.version);
  return {};
}

Answer OperationRoutes::readyz(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  const auto reasons = context_.not_ready_reasons();
  if (reasons.empty()) {
    write_status(response, "ready", context_.version);
    return {};
  }
  Problem problem{.status = 503,
                  .kind = "not-ready",
                  .title = "Not ready",
                  .retry_after_seconds = kRetryAfterSeconds};
  for (const auto& reason : reasons) {
    if (!problem.detail.empty()) problem.detail += "; ";
    problem.detail += reason;
  }
  return refuse(std::move(problem));
}

Answer OperationRoutes::metrics(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  response.content_type = content_type::kMetrics;
  response.body = context_.metrics.text() + process_metrics_text();
  return {};
}

}  // namespace ia
