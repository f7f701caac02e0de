#include "adapters/webhook_target.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "adapters/curl.h"
#include "adapters/webhook_address.h"

namespace ia {
namespace {

constexpr auto kAdvice = "alerts go there only with --alert-allow-private on";

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

// As libcurl reads it: lower case, unescaped, without brackets and without a dot at its end.
std::string host_of(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  char* found = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &found, CURLU_URLDECODE) != CURLUE_OK) {
    return {};
  }
  std::string host(found);
  curl_free(found);
  std::ranges::transform(host, host.begin(), [](unsigned char c) { return std::tolower(c); });
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  while (host.ends_with('.')) host.pop_back();
  return host;
}

// Of a host that is one: "127.1" and "0x7f000001" are, names are not.
AddressList address_in(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return nullptr;
  return AddressList(found);
}

}  // namespace

std::optional<std::string> private_target(const std::string& url) {
  curl::initialise();
  const auto host = host_of(url);
  if (host == "localhost" || host.ends_with(".localhost")) {
    return fmt::format("is this machine: {}", kAdvice);
  }
  const auto address = address_in(host);
  if (!address || is_public(*address->ai_addr)) return std::nullopt;
  return fmt::format("is {}, not an address of the public internet: {}", shown(*address->ai_addr),
                     kAdvice);
}

}  // namespace ia
