#include "api/gate.h"

#include "api/operation_answers.h"
#include "http/target.h"

namespace ia {
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
  if (target && target->path == "/healthz") return answer_status(response, "alive", version_);
  if (target && target->path == "/metrics") return answer_metrics(response, metrics_);
  const std::scoped_lock lock(mutex_);
  answer_problem(response, not_ready("starting: " + doing_), request.target);
}

}  // namespace ia
