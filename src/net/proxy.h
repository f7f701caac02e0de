#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace ia {

// A proxy that speaks HTTP/1.1 in the clear: CONNECT for https, absolute URLs for http.
struct HttpProxy {
  std::string host;  // a name or an address, without brackets
  std::string port;
  std::string user{};
  std::string password{};

  std::string authority() const;      // "proxy.example:3128", "[::1]:3128"
  std::string authorization() const;  // the value of Proxy-Authorization; empty without a user
};

// The one rule of the program for proxies: every request to a network, a webhook's receiver or SQS
// follows it. It is curl's: https_proxy or HTTPS_PROXY for https, http_proxy or HTTP_PROXY for
// http, else all_proxy or ALL_PROXY, each [http://][USER[:PASSWORD]@]HOST[:PORT] with port 1080
// unless given; the lower case first, and a variable that is set and empty means none. no_proxy or
// NO_PROXY names the hosts that are asked directly, separated by commas or blanks: * for all, a
// domain with all names in it, an address, a CIDR block. Unlike curl's: HTTP_PROXY in capitals
// counts, too, except under CGI (REQUEST_METHOD is set), where a client could set it; HOST:PORT
// exempts one port; link-local addresses, where clouds serve credentials, are always asked
// directly.
//
// A value: copies may be used from any thread.
class Proxies {
 public:
  using Environment = std::function<const char*(const char* name)>;

  Proxies() = default;  // none: all are asked directly
  explicit Proxies(const Environment& environment);
  static Proxies of_process();

  // The proxy for an http or https URL; none: it is asked directly. kInvalid if its variable holds
  // what is not spoken here (https and SOCKS proxies), or no proxy at all. The message shows no
  // password.
  Result<std::optional<HttpProxy>> find(std::string_view url) const;

 private:
  struct Source {
    std::string variable;
    std::string text;
  };
  static Result<std::optional<HttpProxy>> parse(const Source& source);
  bool is_exempt(std::string_view host, std::string_view port) const;

  Source https_, http_;
  std::vector<std::string> exempt_;
};

// What to do where a reply has the status with which proxies want to be logged in to, 407; empty
// for any other.
std::string_view proxy_advice(unsigned status);
// `text`, with that advice behind it if there is one.
std::string with_proxy_advice(std::string text, unsigned status);
// The same of an answer to CONNECT, where more is the proxy's own doing.
std::string_view tunnel_advice(unsigned status);

}  // namespace ia
