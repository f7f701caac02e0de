#include "api/write_guard.h"

#include <algorithm>
#include <cctype>

namespace ia {
namespace {

constexpr std::string_view kBearer = "bearer ";

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// Takes as long wherever the first difference is.
bool same_secret(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto other = wanted[i % wanted.size()];
    difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i] ^ other));
  }
  return difference == 0;
}

bool knows(std::string_view token, std::string_view authorization) {
  const auto scheme = authorization.substr(0, kBearer.size());
  if (!same_ignoring_case(scheme, kBearer)) return false;
  return same_secret(authorization.substr(kBearer.size()), token);
}

// Of "host:port"; IPv6 addresses keep their brackets.
std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? host.substr(0, colon) : host;
}

bool is_of_this_machine(std::string_view host) {
  const auto name = without_port(host);
  if (same_ignoring_case(name, "localhost") || name == "[::1]") return true;
  const auto is_digit_or_dot = [](char c) { return c == '.' || ('0' <= c && c <= '9'); };
  return name.starts_with("127.") && std::ranges::all_of(name, is_digit_or_dot);
}

bool is_own_page(const HttpRequest& request) {
  const auto site = request.sec_fetch_site;
  if (!site.empty() && site != "same-origin" && site != "none") return false;
  if (request.origin.empty()) return true;
  constexpr std::string_view kHttp = "http://";
  return request.origin.starts_with(kHttp) &&
         same_ignoring_case(request.origin.substr(kHttp.size()), request.host);
}

Problem forbidden(std::string detail) { return {.status = 403, .detail = std::move(detail)}; }

Answer check_without_token(const WriteAccess& access, const HttpRequest& request) {
  if (!access.listens_on_loopback) {
    return refuse(
        forbidden("Changes need a token when others than this machine can reach the API: "
                  "start it with --api-token."));
  }
  if (!is_of_this_machine(request.host)) {
    return refuse(
        forbidden("Without --api-token, changes are for this machine only: ask for "
                  "localhost or 127.0.0.1."));
  }
  if (!is_own_page(request)) {
    return refuse(forbidden("Without --api-token, pages of other origins may change nothing."));
  }
  return {};
}

bool is_json(std::string_view content_type) {
  const auto type = content_type.substr(0, content_type.find(';'));
  const auto end = type.find_last_not_of(' ');
  return end != std::string_view::npos &&
         same_ignoring_case(type.substr(0, end + 1), content_type::kJson);
}

Answer check_body(const HttpRequest& request) {
  if (request.method != HttpMethod::kPost && request.method != HttpMethod::kPut) return {};
  const bool has_nothing = !request.has_body && request.content_type.empty();
  if (!has_nothing && !is_json(request.content_type)) {
    return refuse({.status = 415, .detail = "Send Content-Type: application/json."});
  }
  if (request.has_body && !request.is_body_kept) {
    return refuse(
        {.status = 413, .detail = "The body must be at most 48 KiB, and sent without Expect."});
  }
  return {};
}

}  // namespace

Answer check_write(const WriteAccess& access, const HttpRequest& request, HttpResponse& response) {
  if (access.token.empty()) {
    if (const auto may = check_without_token(access, request); !may) return may;
  } else if (!knows(access.token, request.authorization)) {
    response.headers += "WWW-Authenticate: Bearer\r\n";
    return refuse({.status = 401,
                   .detail = "Changes need the token of --api-token, as "
                             "\"Authorization: Bearer ...\"."});
  }
  return check_body(request);
}

}  // namespace ia
