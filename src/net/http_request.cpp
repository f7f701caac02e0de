#include "net/http_request.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace ia {

RequestText::RequestText(const HttpEndpoint& endpoint, const HttpProxy* proxy,
                         std::string_view user_agent) {
  const bool is_absolute = proxy != nullptr && !endpoint.tls;
  before_ = "GET " + (is_absolute ? "http://" + endpoint.authority : "") + endpoint.prefix;
  after_ = fmt::format(
      " HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: application/json\r\n"
      "Accept-Encoding: identity\r\n",
      endpoint.authority, user_agent);
  if (is_absolute && !proxy->authorization().empty()) {
    after_ += "Proxy-Authorization: " + proxy->authorization() + "\r\n";
  }
  after_ += "\r\n";
}

void RequestText::append(std::string& out, const HttpDialect& dialect,
                         InfluencerId influencer) const {
  out += before_;
  dialect.append_path(out, influencer);
  out += after_;
}

Status probed(const FinishedFetch& fetch, const std::string& url, const std::string& cause) {
  if (!fetch.values.empty()) return {};
  const auto reason = fetch.misses.front().reason;
  if (reason == MissReason::kNotFound) return {};  // it speaks, and does not know this one
  return fail(Errc::kUnavailable,
              url + ": " + std::string(name_of(reason)) + (cause.empty() ? "" : ": " + cause));
}

// OpenSSL's own macro for the name casts in the old style.
void expect_server(ssl_st* handle, const std::string& host) {
  auto* const expected = SSL_get0_param(handle);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return;
  X509_VERIFY_PARAM_set1_host(expected, host.c_str(), 0);
  std::string name = host;
  SSL_ctrl(handle, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
}

}  // namespace ia
