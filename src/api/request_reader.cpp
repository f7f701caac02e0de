#include "api/request_reader.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace ia {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

constexpr std::size_t kFirstBufferBytes = 4 * 1024;
// What a request line has besides its target: method, version, blanks.
constexpr std::size_t kRequestLineRest = 64;
constexpr BeastView kLastEventId = "Last-Event-ID";  // Beast has no name for it

// Beast before Boost 1.86 may abort on a last chunk that is cut here (boostorg/beast#2861).
bool is_cut_last_chunk(std::string_view bytes) {
  return bytes.size() < 5 && bytes.starts_with("0\r\n");
}

std::string_view view(BeastView text) { return {text.data(), text.size()}; }

HttpMethod method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpMethod::kGet;
    case http::verb::head:
      return HttpMethod::kHead;
    case http::verb::post:
      return HttpMethod::kPost;
    case http::verb::put:
      return HttpMethod::kPut;
    case http::verb::delete_:
      return HttpMethod::kDelete;
    default:
      return HttpMethod::kOther;
  }
}

// The views show a copy of what they show now.
void move_views(HttpRequest& request, const char* from, const char* to) {
  for (auto* shown :
       {&request.target, &request.if_none_match, &request.last_event_id, &request.host,
        &request.content_type, &request.authorization, &request.origin, &request.sec_fetch_site}) {
    if (!shown->empty()) *shown = {to + (shown->data() - from), shown->size()};
  }
}

// Keeps what we look at, as views into the buffer, and nothing else.
class Parser final : public http::basic_parser<true> {
 public:
  explicit Parser(std::size_t kept_body_bytes) : kept_body_bytes_(kept_body_bytes) {}

  HttpRequest request;
  int hosts = 0;
  int version = 11;
  bool expects_continue = false;

 private:
  void on_request_impl(http::verb verb, BeastView, BeastView target, int http_version,
                       error_code&) override {
    request.method = method_of(verb);
    request.target = view(target);
    version = http_version;
  }
  void on_field_impl(http::field name, BeastView text, BeastView value, error_code&) override {
    switch (name) {
      case http::field::host:
        ++hosts;
        request.host = view(value);
        break;
      case http::field::expect:
        expects_continue = true;
        break;
      case http::field::if_none_match:
        request.if_none_match = view(value);
        break;
      case http::field::accept_encoding:
        request.accepts_gzip = allows_gzip(view(value));
        break;
      case http::field::content_type:
        request.content_type = view(value);
        break;
      case http::field::authorization:
        request.authorization = view(value);
        break;
      case http::field::origin:
        request.origin = view(value);
        break;
      case http::field::sec_fetch_site:
        request.sec_fetch_site = view(value);
        break;
      case http::field::unknown:
        if (boost::beast::iequals(text, kLastEventId)) request.last_event_id = view(value);
        break;
      default:
        break;
    }
  }
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView body, error_code&) override { return keep(body); }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code&) override {
    return keep(body);
  }
  void on_finish_impl(error_code&) override {
    request.is_body_kept = request.has_body && body_bytes_ <= kept_body_bytes_;
    request.body = body_;
  }

  std::size_t keep(BeastView body) {
    body_bytes_ += body.size();
    if (body_bytes_ <= kept_body_bytes_) {
      body_.append(body.data(), body.size());
    } else {
      body_.clear();
    }
    return body.size();
  }

  const std::size_t kept_body_bytes_;
  std::size_t body_bytes_ = 0;
  std::string body_;
};

}  // namespace

struct HttpRequestReader::State {
  explicit State(const RequestLimits& limits_in) : limits(limits_in) {}

  const RequestLimits limits;
  std::vector<char> buffer = std::vector<char>(kFirstBufferBytes);
  std::size_t begin = 0;    // of what is not consumed
  std::size_t end = 0;      // of what was received
  std::size_t scanned = 0;  // up to here the header block is known to be unfinished
  std::optional<Parser> parser;
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
  std::optional<Event> check_line(std::size_t line_begin, std::size_t line_end);
  Event read_header();
  Event parse_header(std::size_t header_end);
  Event read_body();
};

// Some clients send a CRLF behind a body.
void HttpRequestReader::State::skip_blank_lines() {
  while (scanned == begin && unread().starts_with("\r\n")) scanned = begin += 2;
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
  parser.emplace(limits.kept_body_bytes);
  parser->header_limit(static_cast<std::uint32_t>(limits.header_bytes) + 1);
  parser->body_limit(limits.body_bytes);
  error_code error;
  const auto* header = buffer.data() + begin;
  const auto header_bytes = header_end - begin;
  parser->put({header, header_bytes}, error);
  if (error == http::error::body_limit) return refuse_body();
  if (error && error != http::error::need_more) return refuse_malformed(error.message());
  if (!parser->is_header_done()) return refuse_malformed("the header is incomplete");
  if (parser->request.target.size() > limits.target_bytes) return refuse_target();
  if (parser->hosts > 1 || (parser->hosts == 0 && parser->version == 11)) {
    return refuse_malformed("it needs exactly one Host field");
  }
  begin = header_end;
  keeps_connection = parser->keep_alive();
  if (parser->is_done()) return Event::kRequest;
  parser->request.has_body = true;
  if (parser->expects_continue) {  // whatever it wants to send, the answer is no
    keeps_connection = false;
    return Event::kRequest;
  }
  kept_header.assign(header, header_bytes);
  move_views(parser->request, header, kept_header.data());
  parser->eager(true);
  return read_body();
}

HttpRequestReader::Event HttpRequestReader::State::read_body() {
  while (!parser->is_done()) {
    if (begin == end) return Event::kMore;
    if (parser->chunked() && is_cut_last_chunk(unread())) return Event::kMore;
    error_code error;
    const auto used = parser->put({buffer.data() + begin, end - begin}, error);
    begin += used;
    if (error == http::error::body_limit) return refuse_body();
    if (error == http::error::need_more && begin < end && end - begin > limits.header_bytes) {
      return refuse_malformed("a chunk header is too long");
    }
    if (error == http::error::need_more) return Event::kMore;
    if (error) return refuse_malformed(error.message());
  }
  return Event::kRequest;
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
  if (s.parser && !s.parser->is_done() && s.parser->request.has_body &&
      !s.parser->expects_continue) {
    return s.read_body();
  }
  s.parser.reset();
  if (s.scanned < s.begin) s.scanned = s.begin;
  return s.read_header();
}

const HttpRequest& HttpRequestReader::request() const { return state_->parser->request; }
bool HttpRequestReader::keeps_connection() const { return state_->keeps_connection; }
bool HttpRequestReader::is_http_10() const { return state_->parser->version == 10; }
const HttpRequestReader::Refusal& HttpRequestReader::refusal() const { return state_->refusal; }

bool HttpRequestReader::is_empty() const { return state_->begin == state_->end && !is_in_body(); }

bool HttpRequestReader::is_in_body() const {
  return state_->parser.has_value() && !state_->parser->is_done();
}

}  // namespace ia
