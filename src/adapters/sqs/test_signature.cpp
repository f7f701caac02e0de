#include "adapters/sqs/test_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>
#include <sstream>

namespace ia {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256(const std::string& text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

std::string hmac(const std::string& key, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

// No blanks at the ends, single ones within.
std::string trimmed(const std::string& value) {
  std::istringstream words(value);
  std::string result;
  for (std::string word; words >> word;) result += (result.empty() ? "" : " ") + word;
  return result;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::string part_behind(const std::string& text, const std::string& label) {
  const auto at = text.find(label);
  if (at == std::string::npos) return {};
  const auto begin = at + label.size();
  return text.substr(begin, text.find(',', begin) - begin);
}

}  // namespace

std::string TestSigner::canonical(const TestRequest& request,
                                  const std::string& signed_headers) const {
  auto text = request.method + "\n" + request.target + "\n\n";
  for (const auto& name : split(signed_headers, ';')) {
    text += name + ":" + trimmed(request.header(name)) + "\n";
  }
  return text + "\n" + signed_headers + "\n" + hex(sha256(request.body));
}

std::string TestSigner::signature(const TestRequest& request,
                                  const std::string& signed_headers) const {
  const auto time = request.header("X-Amz-Date");
  const auto day = time.substr(0, 8);
  const auto scope = day + "/" + region + "/" + service + "/aws4_request";
  const auto text = "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" +
                    hex(sha256(canonical(request, signed_headers)));
  const auto key = hmac(hmac(hmac(hmac("AWS4" + secret, day), region), service), "aws4_request");
  return hex(hmac(key, text));
}

std::string signature_defect(const TestRequest& request, const std::string& key_id,
                             const TestSigner& signer) {
  const auto given = request.header("Authorization");
  if (!given.starts_with("AWS4-HMAC-SHA256 Credential=" + key_id + "/")) {
    return "Authorization: '" + given + "'";
  }
  const auto signed_headers = part_behind(given, "SignedHeaders=");
  const auto names = split(signed_headers, ';');
  for (const auto& [name, value] : request.headers) {
    const auto key = lower(name);
    const bool wanted = key == "host" || key == "content-type" || key.starts_with("x-amz-");
    if (wanted && std::ranges::find(names, key) == names.end()) return name + " is not signed";
  }
  if (!std::ranges::is_sorted(names)) return "unsorted: " + signed_headers;
  const auto expected = signer.signature(request, signed_headers);
  if (part_behind(given, "Signature=") != expected) return "the signature does not match";
  return {};
}

}  // namespace ia
