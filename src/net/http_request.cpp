#include "net/http_request.h"

#include <openssl/ssl.h>

#include <boost/asio/ip/address.hpp>

namespace ia {

void append_request(std::string& out, const HttpEndpoint& endpoint, const HttpDialect& dialect,
                    InfluencerId influencer) {
  out += "GET ";
  out += endpoint.prefix;
  dialect.append_path(out, influencer);
  out += " HTTP/1.1\r\nHost: ";
  out += endpoint.authority;
  out += "\r\nAccept: application/json\r\n\r\n";
}

Status probed(const FinishedFetch& fetch, const std::string& url, const std::string& cause) {
  if (!fetch.values.empty()) return {};
  const auto reason = fetch.misses.front().reason;
  if (reason == MissReason::kNotFound) return {};  // it speaks, and does not know this one
  return fail(Errc::kUnavailable,
              url + ": " + std::string(name_of(reason)) + (cause.empty() ? "" : ": " + cause));
}

// OpenSSL's own macro for it casts in the old style.
void set_server_name(ssl_st* handle, std::string host) {
  boost::system::error_code no_address;
  boost::asio::ip::make_address(host, no_address);
  if (!no_address) return;
  SSL_ctrl(handle, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
}

}  // namespace ia
