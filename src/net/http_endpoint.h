#pragma once

#include <string>

#include "base/error.h"

namespace ia {

// Where a network is.
struct HttpEndpoint {
  bool tls = false;
  std::string host;  // a name or an address, without brackets
  std::string port;
  std::string authority;  // as in the URL, for the Host header
  std::string prefix;     // of every path: "" or "/something"
};

// kInvalid says what is wrong: neither http nor https, credentials, no host, a bad port.
Result<HttpEndpoint> parse_endpoint(const std::string& url);

}  // namespace ia
