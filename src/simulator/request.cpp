#include "simulator/request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/http_chunks.h"
#include "base/http_head.h"

namespace ia {
namespace {

using http1::ChunkReader;
using http1::FieldReader;

constexpr std::size_t kHeadBytesMax = 16 * 1024;
constexpr std::uint64_t kBodyBytesMax = 1024 * 1024;
constexpr std::string_view kPlainStart = "GET /api/v1/influencers/";
constexpr std::string_view kPlainEnd = " HTTP/1.1\r\n";
constexpr std::size_t kPlainDigitsMax = 18;

// Node's server refuses all others.
constexpr std::array<std::string_view, 34> kMethods = {
    "ACL",       "BIND",   "CHECKOUT", "CONNECT",  "COPY",        "DELETE",     "GET",
    "HEAD",      "LINK",   "LOCK",     "M-SEARCH", "MERGE",       "MKACTIVITY", "MKCALENDAR",
    "MKCOL",     "MOVE",   "NOTIFY",   "OPTIONS",  "PATCH",       "POST",       "PROPFIND",
    "PROPPATCH", "PURGE",  "PUT",      "REBIND",   "REPORT",      "SEARCH",     "SUBSCRIBE",
    "TRACE",     "UNBIND", "UNLINK",   "UNLOCK",   "UNSUBSCRIBE", "SOURCE"};

RequestReader::State state_of(http1::HeadState state) {
  if (state == http1::HeadState::kPartial) return RequestReader::State::kPartial;
  if (state == http1::HeadState::kTooLarge) return RequestReader::State::kHeaderTooLarge;
  return RequestReader::State::kBad;
}

// A request as far as it has come.
struct Arrival {
  Request request;
  http1::Framing framing;
  int minor_version = 1;
  int hosts = 0;
  bool has_conditions = false;
  std::uint64_t body_left = 0;  // of a body that has a length
  ChunkReader chunks{kBodyBytesMax};
  bool is_whole = false;

  bool take(const http1::Field& field) {
    if (http1::equals(field.name, "host")) {
      ++hosts;
    } else if (http1::equals(field.name, "expect")) {
      request.expects_continue = http1::equals(field.value, "100-continue");
      request.expects_unknown = !field.value.empty() && !request.expects_continue;
      has_conditions = true;
    } else if (http1::equals(field.name, "if-none-match")) {
      request.accepts_any_etag = field.value == "*";
      has_conditions = true;
    } else if (http1::equals(field.name, "content-type")) {
      request.content_type = field.value;
    }
    return framing.take(field);
  }

  // False for what Node's server refuses before the application sees it.
  bool read_head(std::string_view head) {
    const auto line = http1::parse_request_line(FieldReader::first_line(head));
    if (!line || line->minor_version > 1) return false;
    if (std::ranges::find(kMethods, line->method) == kMethods.end()) return false;
    request.method = line->method;
    request.target = line->target;
    minor_version = line->minor_version;
    FieldReader fields(FieldReader::fields_of(head));
    while (const auto field = fields.next()) {
      if (!take(*field)) return false;
    }
    if (framing.is_encoded && !framing.is_chunked) return false;
    request.keep_alive = framing.keeps_connection(minor_version);
    body_left = framing.length.value_or(0);
    request.has_body = framing.is_chunked || body_left > 0;
    is_whole = !request.has_body;
    return fields.is_sound() && (minor_version == 0 || hosts == 1);
  }

  bool is_plain() const {
    return request.method == "GET" && minor_version == 1 && request.keep_alive &&
           !request.has_body && !has_conditions;
  }

  ChunkReader::State take_body(std::string_view bytes, std::size_t& used) {
    if (framing.is_chunked) return take_chunks(bytes, used);
    const auto piece = bytes.substr(0, body_left);
    request.body += piece;
    used = piece.size();
    body_left -= piece.size();
    is_whole = body_left == 0;
    return ChunkReader::State::kMore;
  }

  ChunkReader::State take_chunks(std::string_view bytes, std::size_t& used) {
    for (;;) {
      std::size_t more = 0;
      const auto state = chunks.read(bytes.substr(used), more);
      used += more;
      is_whole = state == ChunkReader::State::kDone;
      if (state != ChunkReader::State::kData) return state;
      request.body += chunks.data();
    }
  }
};

}  // namespace

struct RequestReader::Impl {
  State partial() {
    if (!arrival || !arrival->request.expects_continue || continued) return State::kPartial;
    continued = true;
    return State::kContinue;
  }

  State read_head(std::string_view bytes, std::size_t& taken) {
    const auto scan = http1::scan_head(bytes, kHeadBytesMax);
    if (scan.state != http1::HeadState::kWhole) return state_of(scan.state);
    arrival.emplace();
    continued = false;
    const bool is_good = arrival->read_head(bytes.substr(0, scan.size));
    if (!is_good || arrival->body_left > kBodyBytesMax) {
      arrival.reset();
      return is_good ? State::kBodyTooLarge : State::kBad;
    }
    taken = scan.size;
    if (arrival->is_plain()) {
      arrival->request.headers_seen = FieldReader::fields_of(bytes.substr(0, scan.size));
    }
    return State::kWhole;
  }

  State read_body(std::string_view bytes, std::size_t& taken) {
    std::size_t used = 0;
    const auto state = arrival->take_body(bytes, used);
    taken += used;
    if (state == ChunkReader::State::kTooLarge) return State::kBodyTooLarge;
    return state == ChunkReader::State::kMalformed ? State::kBad : State::kWhole;
  }

  std::optional<Arrival> arrival;  // its head is complete
  Request request;
  bool continued = false;
};

RequestReader::RequestReader() : impl_(std::make_unique<Impl>()) {}
RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::read(std::string_view bytes, std::size_t& taken) {
  auto& impl = *impl_;
  taken = 0;
  if (!impl.arrival) {
    const auto state = impl.read_head(bytes, taken);
    if (state != State::kWhole) return state;
  }
  if (!impl.arrival->is_whole) {
    const auto state = impl.read_body(bytes.substr(taken), taken);
    if (state != State::kWhole) return state;
  }
  if (!impl.arrival->is_whole) return impl.partial();
  impl.request = std::move(impl.arrival->request);
  impl.request.expects_continue = impl.request.expects_continue && !impl.continued;
  impl.arrival.reset();
  return State::kWhole;
}

const Request& RequestReader::request() const { return impl_->request; }

bool RequestReader::in_request() const { return impl_->arrival.has_value(); }

std::optional<PlainGet> match_plain_get(std::string_view bytes, std::string_view known_headers) {
  if (known_headers.empty() || !bytes.starts_with(kPlainStart)) return std::nullopt;
  const char* const begin = bytes.data() + kPlainStart.size();
  const char* const end = bytes.data() + bytes.size();
  std::uint64_t pk = 0;
  const auto [after, error] = std::from_chars(begin, end, pk);
  const auto digits = static_cast<std::size_t>(after - begin);
  if (error != std::errc{} || digits == 0 || digits > kPlainDigitsMax) return std::nullopt;
  auto rest = bytes.substr(kPlainStart.size() + digits);
  if (!rest.starts_with(kPlainEnd)) return std::nullopt;
  if (!rest.substr(kPlainEnd.size()).starts_with(known_headers)) return std::nullopt;
  return PlainGet{pk, kPlainStart.size() + digits + kPlainEnd.size() + known_headers.size()};
}

}  // namespace ia
