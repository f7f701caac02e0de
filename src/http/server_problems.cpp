#include "http/server_problems.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "http/host_name.h"
#include "http/target.h"

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

Problem too_many_answers_unread() {
  return {.status = 429,
          .detail = "This address has megabytes of answers that it has not read: read them first.",
          .retry_after_seconds = kRetrySoonSeconds};
}

Problem too_many_answers_waiting() {
  return {.status = 503,
          .detail = "Too many answers wait to be read by their clients: try again soon.",
          .retry_after_seconds = kRetrySoonSeconds};
}

Problem too_many_waiting_of_client() {
  return {.status = 429,
          .detail = "Too many answers that take long are being made for this address: wait for "
                    "some of them.",
          .retry_after_seconds = kRetrySoonSeconds};
}

Problem too_many_waiting() {
  return {.status = 503,
          .detail = "Too many answers that take long are being made: try again soon.",
          .retry_after_seconds = kRetrySoonSeconds};
}

Problem too_many_streams() {
  return {
      .status = 503,
      .detail = "Too many streams are open: try again later, or ask for the values without one.",
      .retry_after_seconds = kRetryLaterSeconds};
}

Problem too_many_wrong_tokens(std::chrono::nanoseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return {.status = 429,
          .detail = "Too many wrong tokens came from this address: try again later.",
          .retry_after_seconds = static_cast<int>(seconds)};
}

Problem foreign_host(std::string_view host) {
  return {.status = 403,
          .detail = fmt::format("This server does not answer for the host {}: ask for localhost or "
                                "its IP address, or add the name to --allowed-hosts.",
                                excerpt(without_port(host)))};
}

Problem compressed_body() {
  return {.status = 415,
          .detail = "The body must not be compressed: send it without Content-Encoding."};
}

Problem precondition_failed() {
  return {.status = 412,
          .detail = "It has changed since you read it: read it again, then repeat your change."};
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
