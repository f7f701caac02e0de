#include "http/request_gate.h"

#include <algorithm>

#include "base/http_head.h"
#include "http/client_address.h"
#include "http/host_name.h"
#include "http/server_problems.h"

namespace ia {
namespace {

bool is_loopback(std::string_view host) {
  const auto address = IpAddress::parse(host);
  return address && address->is_loopback();
}

// "example.org" names itself, "*.example.org" what is below it, "*" anything. In lower case.
bool covers(std::string_view pattern, std::string_view name) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return http1::equals(name, pattern);
  pattern.remove_prefix(1);
  return name.size() > pattern.size() &&
         http1::equals(name.substr(name.size() - pattern.size()), pattern);
}

bool is_encoded(const HttpRequest& request) {
  return !request.content_encoding.empty() && !http1::equals(request.content_encoding, "identity");
}

}  // namespace

RequestGate::RequestGate(const HttpServerOptions& options, Metrics& metrics, Log& log)
    : options_(options),
      checks_hosts_(!options.allowed_hosts.empty() || is_loopback(options.host)),
      limiter_(options.rate_limit),
      wrong_tokens_(metrics, log) {}

std::optional<RequestGate::Refusal> RequestGate::refuse(HttpRequest& request, MonoTime now) {
  request.client = client_behind(
      request.client, {.x_forwarded_for = request.forwarded_for, .forwarded = request.forwarded},
      options_.trusted_proxies);
  if (auto refused = refuse_client(request, now)) return refused;
  if (!answers_for(request.host)) return Refusal{foreign_host(request.host)};
  if (request.has_body && is_encoded(request)) {
    return Refusal{compressed_body(), "Accept-Encoding: identity\r\n"};
  }
  if (request.has_body && is_read(request)) return Refusal{no_body_allowed()};
  return std::nullopt;
}

std::optional<RequestGate::Refusal> RequestGate::refuse_client(const HttpRequest& request,
                                                               MonoTime now) {
  if (const auto wait = limiter_.refuse(request.client.limit_key(), now)) {
    return Refusal{too_many_requests(options_.rate_limit, *wait)};
  }
  if (is_read(request) || request.authorization.empty()) return std::nullopt;
  if (const auto wait = wrong_tokens_.wait(request.client, now)) {
    return Refusal{too_many_wrong_tokens(*wait)};
  }
  return std::nullopt;
}

void RequestGate::answered(const HttpRequest& request, int status, MonoTime now) {
  if (status == 401 && !request.authorization.empty()) wrong_tokens_.add(request.client, now);
}

// A request without a host, as of HTTP/1.0, is from no page of a browser.
bool RequestGate::answers_for(std::string_view host) const {
  if (!checks_hosts_ || host.empty()) return true;
  if (names_this_machine(host) || is_address(host)) return true;
  auto name = without_port(host);
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::ranges::any_of(options_.allowed_hosts,
                             [name](const auto& pattern) { return covers(pattern, name); });
}

}  // namespace ia
