#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_dialect.h"
#include "net/http_endpoint.h"
#include "net/proxy.h"
#include "ports/provider.h"

struct ssl_st;  // OpenSSL's SSL

namespace ia {

// The requests of a lane: all is the same in each but the dialect's path. One in the clear to a
// proxy has the whole URL, and the proxy's authorization. No coding is asked for: replies are
// small.
class RequestText {
 public:
  RequestText(const HttpEndpoint& endpoint, const HttpProxy* proxy, std::string_view user_agent);
  // Appends the request for one influencer.
  void append(std::string& out, const HttpDialect& dialect, InfluencerId influencer) const;

 private:
  std::string before_, after_;
};

// What the fetch of one influencer says of the network: kUnavailable unless it answered. `cause`
// is the network's last error, empty for none.
Status probed(const FinishedFetch& fetch, const std::string& url, const std::string& cause);

// Has a TLS handshake ask for `host`, and accept only certificates for it. An address is compared
// with those in the certificate, and is not asked for: SNI takes names.
void expect_server(ssl_st* handle, const std::string& host);

}  // namespace ia
