#include "net/curl.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>

#include "base/ascii.h"
#include "net/retry_after.h"
#include "net/tls_failure.h"

namespace ia::curl {
namespace {

constexpr std::chrono::hours kRetryAfterLongest{24};

std::string server_of(void* easy) {
  char* url = nullptr;
  curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
  auto host = url == nullptr ? std::string() : host_of(url);
  return host.empty() ? "the server" : host;
}

// libcurl compares the names itself, before it asks for OpenSSL's result.
long verify_result(void* easy, int code) {
  long result = X509_V_OK;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
  const bool is_refused = code == CURLE_PEER_FAILED_VERIFICATION;
  if (!is_refused) return X509_V_OK;
  const bool is_name = result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED;
  return is_name ? X509_V_ERR_HOSTNAME_MISMATCH : result;
}

std::string advice_on_tunnel(void* easy) {
  long status = 0;  // of the answer to CONNECT; 0: there was none
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return std::string(tunnel_advice(static_cast<unsigned>(status)));
}

// What versions of curl say of a peer that hangs up while TLS begins.
constexpr std::string_view kClosed[] = {"SYSCALL", "reset", "Broken pipe"};

bool is_closed(const std::string& message) {
  return std::ranges::any_of(kClosed, [&](std::string_view word) {
    return message.find(word) != message.npos;
  });
}

}  // namespace

std::string host_of(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  char* found = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &found, CURLU_URLDECODE) != CURLUE_OK) {
    return {};
  }
  std::string host(found);
  curl_free(found);
  host = lowered(host);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  while (host.ends_with('.')) host.pop_back();
  return host;
}

void EasyCleanup::operator()(void* handle) const { curl_easy_cleanup(handle); }
void MultiCleanup::operator()(void* handle) const { curl_multi_cleanup(handle); }
void ListCleanup::operator()(curl_slist* list) const { curl_slist_free_all(list); }

HeaderList header_list(std::span<const std::string> headers) {
  HeaderList list;
  for (const auto& header : headers) {
    list.reset(curl_slist_append(list.release(), header.c_str()));
  }
  return list;
}

void set_proxy(void* easy, const std::optional<HttpProxy>& proxy) {
  const auto url = proxy ? "http://" + proxy->authority() : "";
  curl_easy_setopt(easy, CURLOPT_PROXY, url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  if (!proxy || proxy->authorization().empty()) return;
  curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, proxy->user.c_str());
  curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, proxy->password.c_str());
}

void set_tls(void* easy, const std::string& ca_file) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
}

std::string failure_text(void* easy, int code, const std::string& message) {
  const std::string text =
      message.empty() ? curl_easy_strerror(static_cast<CURLcode>(code)) : message;
  if (const auto advice = advice_on_tunnel(easy); !advice.empty()) return text + ": " + advice;
  if (code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CONNECT_ERROR) return text;
  return describe({.verify_result = verify_result(easy, code),
                   .code = openssl_code_in(message),
                   .was_closed = is_closed(message),
                   .text = text},
                  server_of(easy));
}

std::optional<std::chrono::seconds> retry_after(void* easy, WallTime now) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return std::nullopt;
  }
  return parse_retry_after(header->value, now, kRetryAfterLongest);
}

void initialise() {
  static const bool initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  (void)initialised;
}

}  // namespace ia::curl
