#include "http/message.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/http_head.h"

namespace ia {
namespace {

// A body larger than this is not kept for its memory.
constexpr std::size_t kBodyKeptMax = std::size_t{1} << 20;

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts the next element off a comma-separated list.
std::string_view next_element(std::string_view& list) {
  const auto comma = list.find(',');
  const auto element = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return trimmed(element);
}

bool same_word(std::string_view a, std::string_view b) {
  return http1::equals(a, lowered(b));
}

bool is_zero_weight(std::string_view parameters) {
  const auto q = parameters.find("q=");
  if (q == std::string_view::npos) return false;
  const auto weight = trimmed(parameters.substr(q + 2));
  return weight.find_first_not_of("0.") == std::string_view::npos;
}

// The ETag itself, or that of its compressed form.
bool is_form_of(std::string_view etag, std::string_view candidate) {
  const auto opaque = etag.substr(0, etag.size() - 1);
  if (!candidate.starts_with(opaque)) return false;
  candidate.remove_prefix(opaque.size());
  return candidate == "\"" || candidate == "-gzip\"";
}

}  // namespace

void HttpResponse::clear() {
  status = 200;
  route = 0;
  content_type = {};
  cache_control = cache_control::kNever;
  etag.clear();
  headers.clear();
  body.clear();
  is_gzip = false;
  is_page = false;
  is_picture = false;
  late.reset();
  is_stream = false;
  if (body.capacity() > kBodyKeptMax) body.shrink_to_fit();
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

bool allows_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const auto element = next_element(accept_encoding);
    const auto semicolon = element.find(';');
    const auto coding = trimmed(element.substr(0, semicolon));
    const bool allowed =
        semicolon == std::string_view::npos || !is_zero_weight(element.substr(semicolon));
    if (same_word(coding, "gzip")) return allowed;
    if (coding == "*") any = allowed;
  }
  return any;
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.empty()) return false;
  while (!if_none_match.empty()) {
    auto candidate = next_element(if_none_match);
    if (candidate == "*") return true;
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (is_form_of(etag, candidate)) return true;
  }
  return false;
}

bool matches_etag(std::string_view if_match, std::string_view etag) {
  while (!if_match.empty()) {
    const auto candidate = next_element(if_match);
    if (candidate == "*") return true;
    if (!etag.empty() && !etag.starts_with("W/") && is_form_of(etag, candidate)) return true;
  }
  return false;
}

bool is_media_type(std::string_view content_type, std::string_view type) {
  return same_word(trimmed(content_type.substr(0, content_type.find(';'))), type);
}

}  // namespace ia
