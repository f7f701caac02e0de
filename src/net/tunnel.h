#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http_endpoint.h"
#include "net/proxy.h"

namespace ia {

// The request that has a proxy open a tunnel (RFC 9110, section 9.3.6).
std::string connect_request(const HttpEndpoint& endpoint, const HttpProxy& proxy,
                            std::string_view user_agent);

// What the proxy has answered so far: none while its head is not complete, empty when the tunnel is
// open, else why it is not, and what to do.
std::optional<std::string> tunnel_trouble(std::string_view reply, const HttpProxy& proxy);

}  // namespace ia
