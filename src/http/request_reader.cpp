#include "http/request_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/http_chunks.h"
#include "base/http_head.h"
#include "http/host_name.h"
#include "http/target.h"

namespace ia {
namespace {

using http1::ChunkReader;
using http1::FieldReader;
using http1::has_other_version;

constexpr std::size_t kFirstBufferBytes = 4 * 1024;
// What a request line has besides its target: method, version, blanks.
constexpr std::size_t kRequestLineRest = 64;

HttpMethod method_of(std::string_view method) {
  if (method == "GET") return HttpMethod::kGet;
  if (method == "HEAD") return HttpMethod::kHead;
  if (method == "POST") return HttpMethod::kPost;
  if (method == "PUT") return HttpMethod::kPut;
  if (method == "DELETE") return HttpMethod::kDelete;
  if (method == "OPTIONS") return HttpMethod::kOptions;
  return HttpMethod::kOther;
}

// The views show a copy of what they show now.
void move_views(HttpRequest& request, const char* from, const char* to) {
  for (auto* shown :
       {&request.target, &request.if_match, &request.if_none_match, &request.last_event_id,
        &request.host, &request.content_type, &request.content_encoding, &request.authorization,
        &request.origin, &request.sec_fetch_site}) {
    if (!shown->empty()) *shown = {to + (shown->data() - from), shown->size()};
  }
}

// A request as far as it has come: what we look at, as views into the buffer, and nothing else.
struct Arrival {
  explicit Arrival(const RequestLimits& limits)
      : chunks(limits.body_bytes), kept_body_bytes(limits.kept_body_bytes) {}

  HttpRequest request;
  http1::Framing framing;
  bool has_begun = false;  // some of its body has come
  int hosts = 0;
  int minor_version = 1;
  bool expects_continue = false;
  bool expects_other = false;
  bool is_ended_early = false;  // it is answered without its body
  std::string forwarded_for, forwarded;
  bool is_whole = false;
  std::uint64_t body_left = 0;  // of a body that has a length
  ChunkReader chunks;
  const std::size_t kept_body_bytes;
  std::size_t body_bytes = 0;
  std::string body;

  bool has_body() const { return framing.is_chunked || framing.length.value_or(0) > 0; }

  bool takes_body() const {
    return request.method == HttpMethod::kPost || request.method == HttpMethod::kPut;
  }

  bool take(const http1::Field& field) {
    const auto is = [&](std::string_view name) { return http1::equals(field.name, name); };
    if (is("host")) {
      ++hosts;
      request.host = field.value;
    } else if (is("expect")) {
      expects_continue = http1::equals(field.value, "100-continue");
      expects_other = !expects_continue && !field.value.empty();
    } else if (is("if-match")) {
      request.if_match = field.value;
    } else if (is("if-none-match")) {
      request.if_none_match = field.value;
    } else if (is("accept-encoding")) {
      request.accepts_gzip = allows_gzip(field.value);
    } else if (is("content-type")) {
      request.content_type = field.value;
    } else if (is("authorization")) {
      request.authorization = field.value;
    } else if (is("origin")) {
      request.origin = field.value;
    } else if (is("sec-fetch-site")) {
      request.sec_fetch_site = field.value;
    } else if (is("last-event-id")) {
      request.last_event_id = field.value;
    } else if (is("content-encoding")) {
      request.content_encoding = field.value;
    } else {
      take_from_proxy(field);
    }
    return framing.take(field);
  }

  void take_from_proxy(const http1::Field& field) {
    const auto is = [&](std::string_view name) { return http1::equals(field.name, name); };
    const bool is_x = is("x-forwarded-for");
    const bool is_list = is_x || is("forwarded");
    if (!is_list && !is("x-real-ip") && !is("via")) return;
    request.is_forwarded = true;
    if (!is_list) return;
    auto& list = is_x ? forwarded_for : forwarded;
    if (!list.empty()) list += ',';
    list += field.value;
  }

  // What is wrong with the head; empty if nothing is.
  std::string_view read_head(std::string_view head) {
    const auto line = http1::parse_request_line(FieldReader::first_line(head));
    if (!line) return "the request line is not a method, a target and HTTP/1.1";
    request.method = method_of(line->method);
    request.target = line->target;
    minor_version = line->minor_version;
    FieldReader fields(FieldReader::fields_of(head));
    while (const auto field = fields.next()) {
      if (!take(*field)) return "Content-Length, Transfer-Encoding or Connection is malformed";
    }
    if (!fields.is_sound()) return "a header field is not a name, a colon and a value";
    if (framing.is_encoded && !framing.is_chunked) {
      return "the last transfer coding is not chunked, so the end of its body cannot be known";
    }
    if (framing.is_encoded && minor_version == 0) return "HTTP/1.0 has no Transfer-Encoding";
    if (hosts > 1 || (hosts == 0 && minor_version > 0)) return "it needs exactly one Host field";
    if (!is_host_field(request.host)) return "Host is not a host and a port";
    if (const auto authority = authority_of(request.target)) {
      if (authority->empty() || !is_host_field(*authority)) return "the target has no valid host";
      request.host = *authority;
    }
    request.forwarded_for = forwarded_for;
    request.forwarded = forwarded;
    body_left = framing.length.value_or(0);
    return {};
  }

  void keep(std::string_view piece) {
    body_bytes += piece.size();
    if (body_bytes <= kept_body_bytes) {
      body += piece;
    } else {
      body.clear();
    }
  }

  void finish() {
    is_whole = true;
    request.is_body_kept = request.has_body && body_bytes <= kept_body_bytes;
    request.body = body;
  }
};

}  // namespace

struct HttpRequestReader::State {
  explicit State(const RequestLimits& limits_in) : limits(limits_in) {}

  const RequestLimits limits;
  std::vector<char> buffer = std::vector<char>(kFirstBufferBytes);
  std::size_t begin = 0;    // of what is not consumed
  std::size_t end = 0;      // of what was received
  std::size_t scanned = 0;  // up to here the header block is known to be unfinished
  std::optional<Arrival> arrival;
  std::string kept_header;  // of a request with a body: its buffer goes on
  bool keeps_connection = true;
  Refusal refusal;

  std::string_view unread() const { return {buffer.data() + begin, end - begin}; }
  std::size_t buffer_max() const { return limits.header_bytes + kFirstBufferBytes; }

  Event refuse(int status, std::string detail) {
    refusal = {status, std::move(detail)};
    keeps_connection = false;
    return Event::kRefused;
  }
  Event refuse_malformed(std::string_view what) {
    return refuse(400, "The request is not well-formed HTTP/1.1: " + std::string(what) + ".");
  }
  Event refuse_version() {
    return refuse(505, "The versions of HTTP that are understood are 1.0 and 1.1.");
  }
  Event refuse_coding() {
    return refuse(501, "The only transfer coding that is supported is chunked.");
  }
  Event refuse_expectation() {
    return refuse(417, "The only expectation that can be met is 100-continue.");
  }
  Event refuse_target() {
    return refuse(414, "The request target is longer than " + std::to_string(limits.target_bytes) +
                           " bytes.");
  }
  Event refuse_header() {
    return refuse(431, "The request line and header fields are longer than " +
                           std::to_string(limits.header_bytes) + " bytes.");
  }
  Event refuse_body() {
    return refuse(413, "The body is longer than " + std::to_string(limits.body_bytes) + " bytes.");
  }

  void skip_blank_lines();
  std::optional<Event> check_first_byte();
  std::optional<Event> check_line(std::size_t line_begin, std::size_t line_end);
  Event read_header();
  Event parse_header(std::size_t header_end);
  Event read_body();
  std::optional<Event> read_piece();
  std::optional<Event> read_chunks();
};

// Some clients send a CRLF behind a body.
void HttpRequestReader::State::skip_blank_lines() {
  while (scanned == begin && unread().starts_with("\r\n")) scanned = begin += 2;
}

// A TLS handshake has no end of line to wait for.
std::optional<HttpRequestReader::Event> HttpRequestReader::State::check_first_byte() {
  if (scanned != begin || begin == end) return std::nullopt;
  const auto first = unread().substr(0, 1);
  if (first == "\r" || http1::is_token(first)) return std::nullopt;
  return refuse_malformed("it does not begin with a method");
}

std::optional<HttpRequestReader::Event> HttpRequestReader::State::check_line(std::size_t line_begin,
                                                                             std::size_t line_end) {
  const bool is_first = line_begin == begin;
  if (line_end == line_begin || buffer[line_end - 1] != '\r') {
    return refuse_malformed("a line does not end in CR LF");
  }
  if (is_first && line_end - line_begin > limits.target_bytes + kRequestLineRest) {
    return refuse_target();
  }
  if (!is_first && (buffer[line_begin] == ' ' || buffer[line_begin] == '\t')) {
    return refuse_malformed("a header field is folded");
  }
  return std::nullopt;
}

// Looks for the blank line, so that the parser sees whole header blocks only.
HttpRequestReader::Event HttpRequestReader::State::read_header() {
  skip_blank_lines();
  if (const auto refused = check_first_byte()) return *refused;
  for (;;) {
    const auto* line = buffer.data() + scanned;
    const auto* newline = static_cast<const char*>(std::memchr(line, '\n', end - scanned));
    if (newline == nullptr) break;
    const auto line_end = static_cast<std::size_t>(newline - buffer.data());
    if (const auto refused = check_line(scanned, line_end)) return *refused;
    const bool is_blank = line_end == scanned + 1;
    scanned = line_end + 1;
    if (scanned - begin > limits.header_bytes) return refuse_header();
    if (is_blank) return parse_header(scanned);
  }
  if (scanned == begin && end - begin > limits.target_bytes + kRequestLineRest) {
    return refuse_target();
  }
  if (end - begin > limits.header_bytes) return refuse_header();
  return Event::kMore;
}

HttpRequestReader::Event HttpRequestReader::State::parse_header(std::size_t header_end) {
  arrival.emplace(limits);
  const std::string_view header(buffer.data() + begin, header_end - begin);
  const auto wrong = arrival->read_head(header);
  if (!wrong.empty()) {
    const auto line = FieldReader::first_line(header);
    return has_other_version(line) ? refuse_version() : refuse_malformed(wrong);
  }
  if (!arrival->framing.is_plain()) return refuse_coding();
  if (arrival->expects_other && arrival->minor_version > 0) return refuse_expectation();
  if (arrival->body_left > limits.body_bytes) return refuse_body();
  if (arrival->request.target.size() > limits.target_bytes) return refuse_target();
  begin = header_end;
  keeps_connection = arrival->framing.keeps_connection(arrival->minor_version);
  if (!arrival->has_body()) {
    arrival->finish();
    return Event::kRequest;
  }
  arrival->request.has_body = true;
  const bool waits = arrival->expects_continue && arrival->minor_version > 0;
  arrival->expects_continue = waits;
  if (waits && (!arrival->takes_body() || arrival->body_left > limits.kept_body_bytes)) {
    arrival->is_ended_early = true;  // whatever it wants to send, the answer is no
    keeps_connection = false;
    return Event::kRequest;
  }
  kept_header = header;
  move_views(arrival->request, header.data(), kept_header.data());
  return read_body();
}

HttpRequestReader::Event HttpRequestReader::State::read_body() {
  while (!arrival->is_whole) {
    if (begin == end) return Event::kMore;
    arrival->has_begun = true;
    const auto refused = arrival->framing.is_chunked ? read_chunks() : read_piece();
    if (refused) return *refused;
  }
  return Event::kRequest;
}

std::optional<HttpRequestReader::Event> HttpRequestReader::State::read_piece() {
  const auto piece = unread().substr(0, arrival->body_left);
  arrival->keep(piece);
  arrival->body_left -= piece.size();
  begin += piece.size();
  if (arrival->body_left == 0) arrival->finish();
  return std::nullopt;
}

std::optional<HttpRequestReader::Event> HttpRequestReader::State::read_chunks() {
  std::size_t used = 0;
  const auto state = arrival->chunks.read(unread(), used);
  begin += used;
  if (state == ChunkReader::State::kTooLarge) return refuse_body();
  if (state == ChunkReader::State::kMalformed) return refuse_malformed("a chunk is malformed");
  if (state == ChunkReader::State::kData) arrival->keep(arrival->chunks.data());
  if (state == ChunkReader::State::kDone) arrival->finish();
  return std::nullopt;
}

HttpRequestReader::HttpRequestReader(const RequestLimits& limits)
    : state_(std::make_unique<State>(limits)) {}
HttpRequestReader::~HttpRequestReader() = default;

std::span<char> HttpRequestReader::space() {
  auto& s = *state_;
  if (s.begin == s.end) {
    s.begin = s.end = s.scanned = 0;
  } else if (s.end == s.buffer.size()) {
    std::memmove(s.buffer.data(), s.buffer.data() + s.begin, s.end - s.begin);
    s.scanned -= std::min(s.scanned, s.begin);
    s.end -= s.begin;
    s.begin = 0;
    if (s.end > s.buffer.size() / 2) {
      s.buffer.resize(std::min(s.buffer_max(), s.buffer.size() * 2));
    }
  }
  return {s.buffer.data() + s.end, s.buffer.size() - s.end};
}

void HttpRequestReader::received(std::size_t bytes) { state_->end += bytes; }

HttpRequestReader::Event HttpRequestReader::next() {
  auto& s = *state_;
  if (is_in_body()) return s.read_body();
  s.arrival.reset();
  if (s.scanned < s.begin) s.scanned = s.begin;
  return s.read_header();
}

HttpRequest& HttpRequestReader::request() { return state_->arrival->request; }
bool HttpRequestReader::keeps_connection() const { return state_->keeps_connection; }
bool HttpRequestReader::is_http_10() const { return state_->arrival->minor_version == 0; }
const HttpRequestReader::Refusal& HttpRequestReader::refusal() const { return state_->refusal; }

bool HttpRequestReader::is_empty() const { return state_->begin == state_->end && !is_in_body(); }

bool HttpRequestReader::is_in_body() const {
  const auto& arrival = state_->arrival;
  return arrival.has_value() && !arrival->is_whole && !arrival->is_ended_early;
}

// A client whose body is on its way already waits for nothing (RFC 9110, section 10.1.1).
bool HttpRequestReader::wants_continue() {
  if (!is_in_body()) return false;
  const bool has_begun = state_->arrival->has_begun;
  return std::exchange(state_->arrival->expects_continue, false) && !has_begun;
}

}  // namespace ia
