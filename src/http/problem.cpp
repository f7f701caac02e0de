#include "http/problem.h"

#include "base/json.h"
#include "base/printable.h"
#include "http/target.h"

namespace ia {

Problem invalid_parameters(std::vector<ParameterError> errors) {
  Problem problem{.status = 400, .kind = "invalid-parameter", .title = "Invalid parameter"};
  for (const auto& error : errors) {
    if (!problem.detail.empty()) problem.detail += "; ";
    problem.detail += error.parameter + " " + error.detail;
  }
  problem.errors = std::move(errors);
  return problem;
}

Problem problem_of(const Error& error) {
  switch (error.code) {
    case Errc::kUnavailable:
    case Errc::kOverloaded:
    case Errc::kCancelled:
      return {.status = 503, .detail = error.message, .retry_after_seconds = 5};
    case Errc::kInvalid:
    case Errc::kNotFound:
    case Errc::kCorrupt:
      break;
  }
  return {.status = 500, .detail = error.message};
}

void answer_problem(HttpResponse& response, const Problem& problem, std::string_view instance) {
  response.status = problem.status;
  response.content_type = content_type::kProblem;
  response.cache_control = cache_control::kNever;
  response.etag.clear();
  response.body.clear();
  if (problem.retry_after_seconds > 0) {
    response.headers += "Retry-After: " + std::to_string(problem.retry_after_seconds) + "\r\n";
  }
  const std::string type = "urn:influencer-analytics:problem:" + std::string(problem.kind);
  JsonWriter json(response.body);
  json.begin_object();
  json.member("type", problem.kind.empty() ? "about:blank" : std::string_view(type));
  json.member("title", problem.title.empty() ? reason_phrase(problem.status) : problem.title);
  json.member("status", problem.status);
  json.member("detail", std::string_view(problem.detail));
  if (!instance.empty()) json.member("instance", std::string_view(excerpt(instance)));
  if (!problem.errors.empty()) {
    json.key("errors");
    json.begin_array();
    for (const auto& error : problem.errors) {
      json.begin_object();
      json.member("parameter", std::string_view(error.parameter));
      json.member("detail", std::string_view(error.detail));
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

}  // namespace ia
