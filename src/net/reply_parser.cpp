#include "net/reply_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <optional>

namespace ia {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kHeaderBytesMax = 16 * 1024;
constexpr std::size_t kBodyBytesMax = 64 * 1024;
constexpr unsigned kSwitchingProtocols = 101;
constexpr std::string_view kVersion = "HTTP/1.1 ";
constexpr std::string_view kEndOfHeader = "\r\n\r\n";

// Beast before Boost 1.86 may abort on a last chunk that is cut here (boostorg/beast#2861).
bool is_cut_last_chunk(std::string_view bytes) {
  return bytes.size() < 5 && bytes.starts_with("0\r\n");
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool is_plain_text(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 0x7f; });
}

// `lower` is in lower case.
bool equals(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
}

std::string_view trimmed(std::string_view value) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

std::optional<std::size_t> whole_number(std::string_view digits) {
  std::size_t value = 0;
  const auto end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || at != end || digits.size() > 9) return std::nullopt;
  return value;
}

// What the common form says of its body. False for anything out of the common.
struct Head {
  HttpReply reply;
  std::optional<std::size_t> length;

  bool take(std::string_view name, std::string_view value) {
    if (equals(name, "content-length")) {
      if (length) return false;
      length = whole_number(value);
      return length.has_value();
    }
    if (equals(name, "connection")) {
      reply.keep_alive = equals(value, "keep-alive");
      return reply.keep_alive || equals(value, "close");
    }
    if (equals(name, "retry-after")) {
      reply.retry_after = value;
    } else if (equals(name, "content-encoding")) {
      reply.is_compressed = true;
    }
    return !equals(name, "transfer-encoding") && !equals(name, "upgrade") &&
           !equals(name, "proxy-connection");
  }

  bool read_status(std::string_view line) {
    if (!line.starts_with(kVersion) || line.size() < kVersion.size() + 3) return false;
    const auto status = whole_number(line.substr(kVersion.size(), 3));
    const auto phrase = line.substr(kVersion.size() + 3);
    if (!status || *status < 200 || *status == 204 || *status == 304) return false;
    reply.status = static_cast<unsigned>(*status);
    return phrase.starts_with(' ') && is_plain_text(phrase);
  }

  bool read(std::string_view lines) {
    auto end = lines.find("\r\n");
    if (!read_status(lines.substr(0, end))) return false;
    while (end != lines.npos) {
      lines.remove_prefix(end + 2);
      end = lines.find("\r\n");
      const auto line = lines.substr(0, end);
      const auto colon = line.find(':');
      if (colon == line.npos || !is_token(line.substr(0, colon))) return false;
      const auto value = trimmed(line.substr(colon + 1));
      if (!is_plain_text(value) || !take(line.substr(0, colon), value)) return false;
    }
    return length && *length <= kBodyBytesMax;
  }
};

}  // namespace

struct ReplyParser::Slow {
  http::response_parser<http::string_body> parser;
  std::string retry_after;
  Slow() {
    parser.eager(true);
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(kBodyBytesMax);
  }
  bool in_chunks() const { return parser.is_header_done() && parser.chunked(); }
};

ReplyParser::ReplyParser() = default;
ReplyParser::~ReplyParser() = default;

ReplyParser::Result ReplyParser::read(std::string_view bytes, std::size_t& used) {
  used = 0;
  for (;;) {
    std::size_t more = 0;
    const auto result = read_one(bytes.substr(used), more);
    used += more;
    if (result != Result::kReply || reply_.status >= 200) return result;
    if (reply_.status == kSwitchingProtocols) return Result::kUnsound;
  }
}

ReplyParser::Result ReplyParser::read_one(std::string_view bytes, std::size_t& used) {
  if (!slow_ && !slow_only_) {
    bool unusual = false;
    const auto result = read_fast(bytes, used, unusual);
    if (!unusual) return result;
  }
  return read_slow(bytes, used);
}

ReplyParser::Result ReplyParser::read_fast(std::string_view bytes, std::size_t& used,
                                           bool& unusual) {
  const auto end = bytes.substr(0, kHeaderBytesMax).find(kEndOfHeader);
  if (end == bytes.npos) {
    const auto known = std::min(bytes.size(), kVersion.size());
    unusual =
        bytes.size() >= kHeaderBytesMax || bytes.substr(0, known) != kVersion.substr(0, known);
    return Result::kNeedMore;
  }
  Head head;
  if (!head.read(bytes.substr(0, end))) {
    unusual = true;
    return Result::kNeedMore;
  }
  const auto body = bytes.substr(end + kEndOfHeader.size());
  if (body.size() < *head.length) return Result::kNeedMore;
  reply_ = head.reply;
  reply_.body = body.substr(0, *head.length);
  used = end + kEndOfHeader.size() + *head.length;
  return Result::kReply;
}

ReplyParser::Result ReplyParser::read_slow(std::string_view bytes, std::size_t& used) {
  if (!slow_) slow_ = std::make_unique<Slow>();
  while (!slow_->parser.is_done()) {
    boost::system::error_code error;
    const auto rest = bytes.substr(used);
    if (slow_->in_chunks() && is_cut_last_chunk(rest)) return Result::kNeedMore;
    const auto count = slow_->parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    used += count;
    if (error == http::error::need_more) return Result::kNeedMore;
    if (error) return Result::kUnsound;
    if (count == 0) return slow_->parser.is_done() ? take_slow() : Result::kNeedMore;
  }
  return take_slow();
}

ReplyParser::Result ReplyParser::end() {
  if (!slow_ || !slow_->parser.got_some()) return Result::kNeedMore;
  boost::system::error_code error;
  slow_->parser.put_eof(error);
  if (error || !slow_->parser.is_done()) return Result::kUnsound;
  const auto result = take_slow();
  reply_.keep_alive = false;
  return result;
}

ReplyParser::Result ReplyParser::take_slow() {
  finished_ = std::move(slow_);
  const auto& message = finished_->parser.get();
  finished_->retry_after = std::string(message[http::field::retry_after]);
  reply_ = {.status = message.result_int(),
            .body = message.body(),
            .is_compressed = message.count(http::field::content_encoding) > 0,
            .keep_alive = message.keep_alive(),
            .retry_after = finished_->retry_after};
  return Result::kReply;
}

bool ReplyParser::has_begun() const { return slow_ && slow_->parser.got_some(); }

void ReplyParser::reset() { slow_.reset(); }

}  // namespace ia
