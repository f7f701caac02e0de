#include "api/gate.h"

#include "api/json.h"
#include "api/problem.h"
#include "api/target.h"

namespace ia {
namespace {

constexpr int kRetryAfterSeconds = 5;

}  // namespace

void Gate::say(std::string doing) {
  const std::scoped_lock lock(mutex_);
  doing_ = std::move(doing);
}

void Gate::open(HttpHandler handler) {
  auto opened = std::make_shared<const HttpHandler>(std::move(handler));
  const std::scoped_lock lock(mutex_);
  handler_ = std::move(opened);
}

std::shared_ptr<const HttpHandler> Gate::handler() const {
  const std::scoped_lock lock(mutex_);
  return handler_;
}

void Gate::answer(const HttpRequest& request, HttpResponse& response) {
  if (const auto opened = handler()) {
    (*opened)(request, response);
  } else {
    answer_closed(request, response);
  }
}

void Gate::answer_closed(const HttpRequest& request, HttpResponse& response) const {
  const auto target = split_target(request.target);
  if (target && target->path == "/healthz") {
    response.content_type = content_type::kJson;
    JsonWriter json(response.body);
    json.begin_object();
    json.member("status", "alive");
    json.member("version", std::string_view(version_));
    json.end_object();
    return;
  }
  if (target && target->path == "/metrics") {
    response.content_type = content_type::kMetrics;
    response.body = metrics_.text();
    return;
  }
  const std::scoped_lock lock(mutex_);
  answer_problem(response,
                 {.status = 503,
                  .kind = "not-ready",
                  .title = "Not ready",
                  .detail = "starting: " + doing_,
                  .retry_after_seconds = kRetryAfterSeconds},
                 request.target);
}

}  // namespace ia
