#include "api/write_guard.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/http_head.h"
#include "http/host_name.h"

namespace ia {
namespace {

constexpr std::string_view kBearer = "bearer ";

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
  if (!http1::equals(scheme, kBearer)) return false;
  return same_secret(authorization.substr(kBearer.size()), token);
}

bool is_own_page(const HttpRequest& request) {
  const auto site = request.sec_fetch_site;
  if (!site.empty() && site != "same-origin" && site != "none") return false;
  if (request.origin.empty()) return true;
  constexpr std::string_view kHttp = "http://";
  return request.origin.starts_with(kHttp) &&
         http1::equals(request.origin.substr(kHttp.size()), lowered(request.host));
}

Problem forbidden(std::string detail) { return {.status = 403, .detail = std::move(detail)}; }

Answer check_without_token(const WriteAccess& access, const HttpRequest& request) {
  if (!access.listens_on_loopback) {
    return refuse(
        forbidden("Changes need a token when others than this machine can reach the API: "
                  "start it with --api-token."));
  }
  if (request.is_forwarded) {
    return refuse(
        forbidden("Changes need a token when they come through a proxy: start the API "
                  "with --api-token."));
  }
  if (!names_this_machine(request.host)) {
    return refuse(
        forbidden("Without --api-token, changes are for this machine only: ask for "
                  "localhost or 127.0.0.1."));
  }
  if (!is_own_page(request)) {
    return refuse(forbidden("Without --api-token, pages of other origins may change nothing."));
  }
  return {};
}

Answer check_body(const HttpRequest& request) {
  if (request.method != HttpMethod::kPost && request.method != HttpMethod::kPut) return {};
  const bool has_nothing = !request.has_body && request.content_type.empty();
  if (!has_nothing && !is_media_type(request.content_type, content_type::kJson)) {
    return refuse({.status = 415, .detail = "Send Content-Type: application/json."});
  }
  if (request.has_body && !request.is_body_kept) {
    return refuse({.status = 413, .detail = "The body must be at most 48 KiB."});
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
