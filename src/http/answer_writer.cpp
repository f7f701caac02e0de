#include "http/answer_writer.h"

#include <array>
#include <charconv>

#include "base/time_text.h"

namespace ia {
namespace {

constexpr std::string_view kFieldsOfAll =
    "Vary: Accept-Encoding\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";
constexpr std::string_view kDataPolicy =
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
constexpr std::string_view kPagePolicy =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n";
constexpr std::string_view kPicturePolicy =
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'\r\n";

std::string_view policy_of(const HttpResponse& response) {
  if (response.is_page) return kPagePolicy;
  return response.is_picture ? kPicturePolicy : kDataPolicy;
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += name;
  out += value;
  out += "\r\n";
}

// A compressed answer is another one, byte by byte: a strong ETag has to tell them apart.
std::string compressed_form(std::string_view etag) {
  return std::string(etag.substr(0, etag.size() - 1)) + "-gzip\"";
}

void make_not_modified(const HttpRequest& request, HttpResponse& response) {
  response.status = 304;
  response.content_type = {};
  response.body.clear();
  response.is_gzip = false;
  const auto compressed = compressed_form(response.etag);
  if (request.if_none_match.find(compressed) != std::string_view::npos) {
    response.etag = compressed;
  }
}

}  // namespace

bool AnswerWriter::compress(const HttpRequest& request, HttpResponse& response) {
  if (!response.is_gzip) {
    if (!request.accepts_gzip || response.is_stream) return false;
    if (response.body.size() <= kGzipBytesMin) return false;
    if (!gzip_.compress(response.body, compressed_)) return false;
    response.body.swap(compressed_);
  }
  if (!response.etag.empty()) response.etag = compressed_form(response.etag);
  return true;
}

void AnswerWriter::append_date(WallTime now, std::string& out) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second != date_of_ || date_.empty()) {
    date_of_ = second;
    date_ = "Date: " + http_date(second) + "\r\n";
  }
  out += date_;
}

void AnswerWriter::write(const HttpRequest& request, Connection connection, WallTime now,
                         HttpResponse& response, std::string& out) {
  const bool is_known = !response.etag.empty() && names_etag(request.if_none_match, response.etag);
  if (response.status == 200 && is_known && is_read(request)) make_not_modified(request, response);
  const bool is_compressed = compress(request, response);
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  append_date(now, out);
  append_field(out, "Content-Type: ", response.content_type);
  const bool has_length = response.status != 304 && response.status != 204;
  if (has_length && !response.is_stream) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  if (is_compressed) out += "Content-Encoding: gzip\r\n";
  append_field(out, "Cache-Control: ", response.cache_control);
  append_field(out, "ETag: ", response.etag);
  out += response.headers;
  out += kFieldsOfAll;
  out += policy_of(response);
  if (!connection.keeps) {
    out += "Connection: close\r\n";
  } else if (connection.is_http_10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (request.method == HttpMethod::kHead) response.body.clear();
}

}  // namespace ia
