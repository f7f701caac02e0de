#include "api/server_problems.h"

#include <fmt/format.h>

namespace ia {
namespace {

constexpr int kRetrySoonSeconds = 1;
constexpr int kRetryLaterSeconds = 5;

}  // namespace

Problem too_many_requests(double limit, std::chrono::nanoseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return {.status = 429,
          .detail = fmt::format("More than {} requests a second from this address.", limit),
          .retry_after_seconds = static_cast<int>(seconds)};
}

Problem too_many_connections() {
  return {.status = 503,
          .detail = "Too many connections are open: try again soon, and keep yours.",
          .retry_after_seconds = kRetrySoonSeconds};
}

Problem too_many_streams() {
  return {
      .status = 503,
      .detail = "Too many streams are open: try again later, or ask for the values without one.",
      .retry_after_seconds = kRetryLaterSeconds};
}

Problem no_body_allowed() { return {.status = 400, .detail = "GET and HEAD take no body."}; }

Problem handler_failed() {
  return {.status = 500, .detail = "The server failed to answer: see its log."};
}

Problem answer_too_late() {
  return {.status = 503,
          .detail = "The answer took too long: ask for less, or try again later.",
          .retry_after_seconds = kRetryLaterSeconds};
}

}  // namespace ia
