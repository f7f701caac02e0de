#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/problem.h"
#include "http/rate_limiter.h"
#include "http/server.h"
#include "http/wrong_tokens.h"

namespace ia {

// What the server refuses whatever the route: too many requests of a client (429), hosts that it
// does not answer for (403), bodies that are compressed (415) or sent with GET or HEAD (400), and
// tokens of a client that has sent too many wrong ones (429). Safe from any thread.
class RequestGate {
 public:
  struct Refusal {
    Problem problem;
    std::string_view headers{};  // a literal: lines that end in CRLF
  };

  // The options and the log must outlive it.
  RequestGate(const HttpServerOptions& options, Metrics& metrics, Log& log);

  // `request.client` is the other end of the connection; trusted proxies make it another one.
  std::optional<Refusal> refuse(HttpRequest& request, MonoTime now);
  // What a route made of a request.
  void answered(const HttpRequest& request, int status, MonoTime now);
  void tell(MonoTime now) { wrong_tokens_.tell(now); }

 private:
  bool answers_for(std::string_view host) const;
  std::optional<Refusal> refuse_client(const HttpRequest& request, MonoTime now);

  const HttpServerOptions& options_;
  const bool checks_hosts_;
  RateLimiter limiter_;
  WrongTokens wrong_tokens_;
};

}  // namespace ia
