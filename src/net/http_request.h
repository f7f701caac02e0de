#pragma once

#include <string>

#include "base/error.h"
#include "net/http_dialect.h"
#include "net/http_endpoint.h"
#include "ports/provider.h"

struct ssl_st;  // OpenSSL's SSL

namespace ia {

// Appends the request for one influencer.
void append_request(std::string& out, const HttpEndpoint& endpoint, const HttpDialect& dialect,
                    InfluencerId influencer);

// What the fetch of one influencer says of the network: kUnavailable unless it answered. `cause`
// is the network's last error, empty for none.
Status probed(const FinishedFetch& fetch, const std::string& url, const std::string& cause);

// Names the server in a TLS handshake. An address is not a name: nothing is done.
void set_server_name(ssl_st* handle, std::string host);

}  // namespace ia
