#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace ia {

// What the server and the routes say to each other: HTTP without its library.

enum class HttpMethod : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kOther };

// The views are valid during the handler's call.
struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string_view target;         // as sent: path and query, still escaped
  std::string_view if_match;       // the header's value; empty without one
  std::string_view if_none_match;  // the header's value; empty without one
  std::string_view last_event_id;  // the header's value; empty without one
  bool accepts_gzip = false;
  bool has_body = false;
  bool is_body_kept = false;  // `body` is all of it: it was not too long, and it was sent
  std::string_view body;
  // Values of headers; empty without them.
  std::string_view host;  // of an absolute target: its own
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view authorization;
  std::string_view origin;
  std::string_view sec_fetch_site;
  std::string_view forwarded_for;  // the elements of all X-Forwarded-For fields, with commas
  std::string_view forwarded;      // of all Forwarded fields, likewise
  bool is_forwarded = false;       // a proxy says that it passed the request on
  // Who asks: the other end of the connection, or whom trusted proxies vouch for.
  IpAddress client{};
};

// GET and HEAD.
inline bool is_read(const HttpRequest& request) {
  return request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
}

class LateAnswer;

// The server adds Date, Content-Length and the headers that every answer has; it answers HEAD and
// If-None-Match, and compresses. Reused from request to request for its memory.
struct HttpResponse {
  int status = 200;
  std::size_t route = 0;           // index into HttpServerOptions::routes, for the metrics
  std::string_view content_type;   // a literal
  std::string_view cache_control;  // a literal
  std::string etag;                // with its quotes; empty: none
  std::string headers;             // further header lines, each ending in CRLF
  std::string body;
  bool is_gzip = false;     // the body is compressed already: only for those who accept it
  bool is_page = false;     // may load scripts and styles of its own origin
  bool is_picture = false;  // may have a style inside
  // The answer comes later, from another thread; all but the route is to be said there. See
  // late_answer.h.
  std::shared_ptr<LateAnswer> late;
  bool is_stream = false;  // of a late answer only: more follows, until it is ended

  void clear();
};

// Answers one request. Called from every server thread. What it throws becomes a 500.
using HttpHandler = std::function<void(const HttpRequest& request, HttpResponse& response)>;

namespace content_type {
inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProblem = "application/problem+json";
inline constexpr std::string_view kCsv = "text/csv; charset=utf-8; header=present";
inline constexpr std::string_view kText = "text/plain; charset=utf-8";
inline constexpr std::string_view kMetrics = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view kEvents = "text/event-stream";
inline constexpr std::string_view kHtml = "text/html; charset=utf-8";
inline constexpr std::string_view kScript = "text/javascript; charset=utf-8";
inline constexpr std::string_view kStyle = "text/css; charset=utf-8";
inline constexpr std::string_view kIcon = "image/svg+xml";
}  // namespace content_type

namespace cache_control {
// Ask again each time.
inline constexpr std::string_view kRevalidate = "no-cache";
inline constexpr std::string_view kNever = "no-store";
inline constexpr std::string_view kMinute = "public, max-age=60";
// For what can no longer change.
inline constexpr std::string_view kForever = "public, max-age=31536000, immutable";
}  // namespace cache_control

std::string_view reason_phrase(int status);

// Whether an Accept-Encoding header allows gzip (q=0 forbids it).
bool allows_gzip(std::string_view accept_encoding);

// Whether an If-None-Match header names the ETag, weakly compared. The form that a compressed
// answer has ("x-gzip" for "x") counts as the same.
bool names_etag(std::string_view if_none_match, std::string_view etag);
// Whether an If-Match header names the ETag, strongly compared: a weak one never does. "*" names
// any; an empty ETag is named by nothing else.
bool matches_etag(std::string_view if_match, std::string_view etag);

// Whether a Content-Type header says that media type, whatever its case and parameters.
bool is_media_type(std::string_view content_type, std::string_view type);

}  // namespace ia
