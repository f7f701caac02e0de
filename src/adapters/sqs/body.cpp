#include "adapters/sqs/body.h"

#include <openssl/evp.h>

#include <optional>

#include "net/base64.h"

namespace ia {
namespace {

constexpr std::string_view kMark = "base64:";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Bytes of the character at the front when SQS takes it; 0 when not.
std::size_t character_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  const unsigned lead = at(0);
  if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if ((lead & 0xf0) != 0xe0) return 0;
  const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : 0xbf;
  if (!follows(1, low, high) || !follows(2)) return 0;
  const bool is_noncharacter = lead == 0xef && at(1) == 0xbf && at(2) >= 0xbe;
  return is_noncharacter ? 0 : 3;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.empty()) return std::string();
  const auto letters = text.find_first_not_of(kAlphabet);
  const auto padding = letters == std::string_view::npos ? 0 : text.size() - letters;
  if (text.size() % 4 != 0 || padding > 2) return std::nullopt;
  if (text.substr(text.size() - padding) != std::string_view("==").substr(0, padding)) {
    return std::nullopt;
  }
  std::string bytes(text.size() / 4 * 3, '\0');
  const auto size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), bytes_of(text),
                                    static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace

bool is_sqs_text(std::string_view text) {
  while (!text.empty()) {
    const auto size = character_bytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string sqs_encode_body(std::string_view body) {
  if (!body.empty() && !body.starts_with(kMark) && is_sqs_text(body)) return std::string(body);
  return std::string(kMark) + base64(body);
}

std::string sqs_decode_body(std::string_view text) {
  if (text.starts_with(kMark)) {
    if (auto bytes = from_base64(text.substr(kMark.size()))) return std::move(*bytes);
  }
  return std::string(text);
}

bool is_md5_of(std::string_view md5, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (md5.empty()) return true;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) != 1) return true;
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (md5.size() != 2 * size) return false;
  for (std::size_t i = 0; i < md5.size(); ++i) {
    const auto digit = kDigits[(digest[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
    if ((md5[i] | 0x20) != (digit | 0x20)) return false;
  }
  return true;
}

std::string sqs_clean_text(std::string_view text, std::size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const auto size = character_bytes(text);
    const auto piece = size == 0 ? std::string_view("?") : text.substr(0, size);
    if (clean.size() + piece.size() > bytes_max) break;
    clean += piece;
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return clean.empty() ? "?" : clean;
}

}  // namespace ia
