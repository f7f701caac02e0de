#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "net/proxy.h"
#include "ports/webhook.h"

namespace ia {

struct WebhookOptions {
  // Private, loopback and link-local addresses are refused otherwise.
  bool allow_private = false;
  std::chrono::milliseconds timeout{10'000};  // of the whole exchange
  std::string ca_file{};                      // PEM; empty: the system's
  std::string user_agent = "influencer-analytics";
  Proxies proxies{};  // without them, receivers are asked directly
};

// Webhooks over libcurl: POST of JSON with webhook-id, webhook-timestamp (of the attempt) and, with
// a secret, webhook-signature and X-IA-Signature (webhook_signature.h). HTTP and HTTPS only, no
// redirects, each on a connection of its own; of an answer nothing but the status and Retry-After
// is used. The address that was looked up is checked when the connection is made, so a name that
// changes its address between a check and the connection gains nothing. A proxy looks names up
// itself: by one, addresses and localhost are checked in the URL, and what other names lead to is
// the proxy's affair.
std::unique_ptr<WebhookSender> make_webhook_sender(WebhookOptions options, const Clock& clock);

}  // namespace ia
