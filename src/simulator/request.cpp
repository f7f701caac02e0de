#include "simulator/request.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <optional>

namespace ia {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

constexpr std::uint32_t kHeaderBytesMax = 16 * 1024;
constexpr std::uint64_t kBodyBytesMax = 1024 * 1024;
constexpr std::string_view kPlainStart = "GET /api/v1/influencers/";
constexpr std::string_view kPlainEnd = " HTTP/1.1\r\n";
constexpr std::size_t kPlainDigitsMax = 18;

// Beast before Boost 1.86 may abort on a last chunk that is cut here (boostorg/beast#2861).
bool is_cut_last_chunk(std::string_view bytes) {
  return bytes.size() < 5 && bytes.starts_with("0\r\n");
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

RequestReader::State state_of(const boost::beast::error_code& error) {
  if (error == http::error::header_limit) return RequestReader::State::kHeaderTooLarge;
  if (error == http::error::body_limit) return RequestReader::State::kBodyTooLarge;
  return RequestReader::State::kBad;
}

bool continues(const Parser::value_type& message) {
  return boost::beast::iequals(message[http::field::expect], "100-continue");
}

// What Node's server refuses before the application sees it.
bool refused(const Parser::value_type& message) {
  if (message.method() == http::verb::unknown) return true;
  return message.version() == 11 && message.count(http::field::host) != 1;
}

Request request_of(Parser& parser) {
  auto& message = parser.get();
  const auto expect = message[http::field::expect];
  return {.method = std::string(view(message.method_string())),
          .target = std::string(view(message.target())),
          .content_type = std::string(view(message[http::field::content_type])),
          .body = std::move(message.body()),
          .keep_alive = message.keep_alive(),
          .has_body = parser.chunked() || parser.content_length().value_or(0) > 0,
          .expects_continue = continues(message),
          .expects_unknown = !expect.empty() && !continues(message),
          .accepts_any_etag = view(message[http::field::if_none_match]) == "*"};
}

bool is_plain(const Parser::value_type& message, const Request& request) {
  return message.method() == http::verb::get && message.version() == 11 && request.keep_alive &&
         !request.has_body && message.count(http::field::expect) == 0 &&
         message.count(http::field::if_none_match) == 0;
}

}  // namespace

struct RequestReader::Impl {
  // Beast's parser reads one message: it is made anew for each.
  void begin() {
    parser.emplace();
    parser->header_limit(kHeaderBytesMax);
    parser->body_limit(kBodyBytesMax);
    parser->eager(true);
    continued = false;
    whole = false;
  }

  State partial() {
    const bool asks = parser->is_header_done() && !continued && continues(parser->get());
    if (!asks) return State::kPartial;
    continued = true;
    return State::kContinue;
  }

  std::optional<Parser> parser;
  Request request;
  bool started = false;
  bool continued = false;
  bool whole = true;
};

RequestReader::RequestReader() : impl_(std::make_unique<Impl>()) {}
RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::read(std::string_view bytes, std::size_t& taken) {
  auto& impl = *impl_;
  if (impl.whole) impl.begin();
  const bool from_start = !impl.started;
  taken = 0;
  const bool in_chunks = impl.parser->is_header_done() && impl.parser->chunked();
  if (in_chunks && is_cut_last_chunk(bytes)) return impl.partial();
  boost::beast::error_code error;
  taken = impl.parser->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  impl.started = impl.started || taken > 0;
  if (error && error != http::error::need_more) return state_of(error);
  if (impl.parser->is_header_done() && refused(impl.parser->get())) return State::kBad;
  if (!impl.parser->is_done()) return impl.partial();

  impl.request = request_of(*impl.parser);
  impl.request.expects_continue = impl.request.expects_continue && !impl.continued;
  if (from_start && is_plain(impl.parser->get(), impl.request)) {
    const auto line = bytes.find("HTTP/1.1\r\n") + 10;
    impl.request.headers_seen = bytes.substr(line, taken - line);
  }
  impl.whole = true;
  impl.started = false;
  return State::kWhole;
}

const Request& RequestReader::request() const { return impl_->request; }

bool RequestReader::in_request() const { return impl_->started; }

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
