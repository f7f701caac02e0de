#pragma once

#include <string>
#include <string_view>

namespace ia {

// The key that a secret stands for: "whsec_" and the base64 of its bytes. Empty when it is none.
std::string webhook_key(std::string_view secret);

// The value of webhook-signature, as of Standard Webhooks 1.0.0 (standardwebhooks.com): "v1," and
// the base64 of the HMAC-SHA256 of "<id>.<timestamp>.<body>".
std::string webhook_signature(std::string_view key, std::string_view id, std::string_view timestamp,
                              std::string_view body);

// The value of X-IA-Signature, for receivers that know the form of GitHub's: "sha256=" and the
// hexadecimal HMAC-SHA256 of "<timestamp>.<body>".
std::string plain_signature(std::string_view key, std::string_view timestamp,
                            std::string_view body);

}  // namespace ia
