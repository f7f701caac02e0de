#include "api/operation_answers.h"

#include <utility>

#include "base/json.h"
#include "base/process_metrics.h"

namespace ia {
namespace {

constexpr int kRetryAfterSeconds = 5;

}  // namespace

void answer_status(HttpResponse& response, std::string_view status, std::string_view version) {
  response.content_type = content_type::kJson;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("status", status);
  json.member("version", version);
  json.end_object();
}

void answer_metrics(HttpResponse& response, const Metrics& metrics) {
  response.content_type = content_type::kMetrics;
  response.body = metrics.text() + process_metrics_text();
}

Problem not_ready(std::string detail) {
  return {.status = 503,
          .kind = "not-ready",
          .title = "Not ready",
          .detail = std::move(detail),
          .retry_after_seconds = kRetryAfterSeconds};
}

}  // namespace ia
