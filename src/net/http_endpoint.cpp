#include "net/http_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace ia {

Result<HttpEndpoint> parse_endpoint(const std::string& url) {
  const auto wrong = [&](const char* why) {
    return fail(Errc::kInvalid, fmt::format("the network's URL '{}' {}: it must be like "
                                            "http://host:3000 or https://host/prefix",
                                            url.substr(0, 100), why));
  };
  HttpEndpoint endpoint;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    endpoint.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("is neither http nor https");
  }
  for (const char c : rest) {
    if (c <= ' ' || c == '?' || c == '#' || c == 0x7f) return wrong("has a character too many");
  }
  const auto slash = std::min(rest.find('/'), rest.size());
  endpoint.authority = std::string(rest.substr(0, slash));
  endpoint.prefix = std::string(rest.substr(slash));
  while (endpoint.prefix.ends_with('/')) endpoint.prefix.pop_back();
  if (endpoint.authority.find('@') != std::string::npos) return wrong("has credentials");
  std::string_view host = endpoint.authority;
  std::string_view port = endpoint.tls ? "443" : "80";
  const auto bracket = host.find(']');
  const auto colon = host.rfind(':');
  if (colon != host.npos && (bracket == host.npos || colon > bracket)) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong("has no host");
  if (port.empty() || port.size() > 5 ||
      !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) ||
      std::stoi(std::string(port)) > 65535) {
    return wrong("has no valid port");
  }
  endpoint.host = host;
  endpoint.port = port;
  return endpoint;
}

}  // namespace ia
