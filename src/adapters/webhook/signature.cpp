#include "adapters/webhook/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "net/base64.h"

namespace ia {
namespace {

constexpr std::string_view kPrefix = "whsec_";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(std::string_view key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(),
       digest.data(), &size);
  return {digest.begin(), digest.begin() + size};
}

}  // namespace

std::string webhook_key(std::string_view secret) {
  if (!secret.starts_with(kPrefix) || secret.size() % 4 != kPrefix.size() % 4) return {};
  secret.remove_prefix(kPrefix.size());
  const auto padding = secret.size() - (secret.find_last_not_of('=') + 1);
  if (padding > 2) return {};
  std::string key(secret.size() / 4 * 3, '\0');
  const auto size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()), bytes_of(secret),
                                    static_cast<int>(secret.size()));
  if (size < 0) return {};
  key.resize(static_cast<std::size_t>(size));
  key.resize(key.size() - padding);  // which it counts as bytes
  return key;
}

std::string webhook_signature(std::string_view key, std::string_view id, std::string_view timestamp,
                              std::string_view body) {
  std::string text(id);
  text.append(".").append(timestamp).append(".").append(body);
  return "v1," + base64(hmac(key, text));
}

std::string plain_signature(std::string_view key, std::string_view timestamp,
                            std::string_view body) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text(timestamp);
  text.append(".").append(body);
  std::string signature = "sha256=";
  for (const char c : hmac(key, text)) {
    const auto byte = static_cast<unsigned char>(c);
    signature += kHex[byte >> 4];
    signature += kHex[byte & 15];
  }
  return signature;
}

}  // namespace ia
