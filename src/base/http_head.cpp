// Reads the heads of HTTP/1.x messages (RFC 9112, sections 2 to 6). Whatever could be understood in
// two ways by two programs on the way (lengths that differ, a length beside chunks, bare line
// feeds, blanks before a colon) is malformed: a message must not end elsewhere for somebody else.
#include "base/http_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace ia::http1 {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kVersion = "HTTP/1.";
constexpr std::size_t kStatusDigits = 3;

constexpr auto kTokenCharacters = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

bool is_token_character(char c) { return kTokenCharacters[static_cast<unsigned char>(c)]; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_target_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f;
}

bool is_text_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || c == '\t';
}

constexpr std::uint64_t each_byte(std::uint64_t byte) { return byte * 0x0101010101010101U; }

// Whether one of eight bytes is below 0x20 or is 0x7f.
bool has_control(std::uint64_t bytes) {
  const auto rubout = bytes ^ each_byte(0x7f);
  const auto below = (bytes - each_byte(0x20)) & ~bytes;
  const auto equal = (rubout - each_byte(0x01)) & ~rubout;
  return ((below | equal) & each_byte(0x80)) != 0;
}

// Eight bytes at a time, for as long as none of them needs a closer look.
bool is_text(std::string_view text) {
  std::uint64_t bytes = 0;
  while (text.size() >= sizeof bytes) {
    std::memcpy(&bytes, text.data(), sizeof bytes);
    if (has_control(bytes)) break;
    text.remove_prefix(sizeof bytes);
  }
  return std::ranges::all_of(text, is_text_character);
}

// Of the first CR LF.
std::size_t find_line_end(std::string_view text) {
  auto at = text.find('\n');
  while (at != text.npos && (at == 0 || text[at - 1] != '\r')) at = text.find('\n', at + 1);
  return at == text.npos ? at : at - 1;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Later minor versions of HTTP/1 mean to their receiver what 1.1 means.
std::optional<int> minor_version(std::string_view version) {
  if (version.size() != kVersion.size() + 1 || !version.starts_with(kVersion)) return std::nullopt;
  if (!is_digit(version.back())) return std::nullopt;
  return version.back() - '0';
}

std::optional<std::uint64_t> whole_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

}  // namespace

std::string_view take_element(std::string_view& list) {
  const auto comma = list.find(',');
  const auto element = without_blanks(list.substr(0, comma));
  list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
  return element;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

bool equals(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  return std::ranges::equal(text, lower, {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
}

HeadScan scan_head(std::string_view bytes, std::size_t limit) {
  const auto known = bytes.substr(0, limit);
  std::size_t line = 0;
  for (auto end = known.find('\n'); end != known.npos; end = known.find('\n', line)) {
    if (end == line || known[end - 1] != '\r') return {HeadState::kMalformed, 0};
    const bool is_last = end == line + 1;
    line = end + 1;
    if (is_last) return {HeadState::kWhole, line};
  }
  return {bytes.size() >= limit ? HeadState::kTooLarge : HeadState::kPartial, 0};
}

std::optional<RequestLine> parse_request_line(std::string_view line) {
  const auto method_end = line.find(' ');
  const auto target_end = line.rfind(' ');
  if (method_end == line.npos || target_end <= method_end + 1) return std::nullopt;
  const auto method = line.substr(0, method_end);
  const auto target = line.substr(method_end + 1, target_end - method_end - 1);
  const auto version = minor_version(line.substr(target_end + 1));
  if (!version || !is_token(method) || !std::ranges::all_of(target, is_target_character)) {
    return std::nullopt;
  }
  return RequestLine{method, target, *version};
}

bool has_other_version(std::string_view line) {
  const auto version = line.substr(line.rfind(' ') + 1);
  constexpr std::string_view kName = "HTTP/";
  return version.size() == kName.size() + 3 && version.starts_with(kName) && is_digit(version[5]) &&
         version[5] != '1' && version[6] == '.' && is_digit(version[7]);
}

// The blank before the phrase is often missing where the phrase is: then nothing is ambiguous.
std::optional<StatusLine> parse_status_line(std::string_view line) {
  constexpr auto kVersionSize = kVersion.size() + 1;
  const auto minor = minor_version(line.substr(0, kVersionSize));
  if (!minor) return std::nullopt;
  line.remove_prefix(kVersionSize);
  if (line.size() < kStatusDigits + 1 || line[0] != ' ') return std::nullopt;
  const auto digits = line.substr(1, kStatusDigits);
  if (!std::ranges::all_of(digits, is_digit) || digits[0] == '0') return std::nullopt;
  const auto phrase = line.substr(kStatusDigits + 1);
  if (!phrase.empty() && (phrase[0] != ' ' || !is_text(phrase))) return std::nullopt;
  return StatusLine{static_cast<unsigned>(*whole_number(digits)), *minor == 0 ? 0 : 1};
}

std::string_view FieldReader::first_line(std::string_view head) {
  return head.substr(0, find_line_end(head));
}

std::string_view FieldReader::fields_of(std::string_view head) {
  return head.substr(first_line(head).size() + kLineEnd.size());
}

std::optional<Field> FieldReader::next() {
  const auto end = find_line_end(rest_);
  if (end == 0) return std::nullopt;
  const auto line = rest_.substr(0, end);
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  is_sound_ =
      end != rest_.npos && colon != line.npos && is_token(name) && is_text(line.substr(colon + 1));
  if (!is_sound_) return std::nullopt;
  rest_.remove_prefix(end + kLineEnd.size());
  return Field{name, without_blanks(line.substr(colon + 1))};
}

bool has_folded_field(std::string_view fields) {
  for (auto end = find_line_end(fields); end != fields.npos; end = find_line_end(fields)) {
    fields.remove_prefix(end + kLineEnd.size());
    if (!fields.empty() && is_blank(fields.front())) return true;
  }
  return false;
}

bool Framing::take(const Field& field) {
  if (equals(field.name, "content-length")) return take_length(field.value);
  if (equals(field.name, "transfer-encoding")) return take_encoding(field.value);
  if (equals(field.name, "connection") || equals(field.name, "proxy-connection")) {
    return take_connection(field.value);
  }
  return true;
}

// A length may be said more than once, as long as it is the same.
bool Framing::take_length(std::string_view value) {
  if (is_encoded || value.ends_with(',')) return false;
  do {
    const auto said = whole_number(take_element(value));
    if (!said || (length && *length != *said)) return false;
    length = said;
  } while (!value.empty());
  return true;
}

bool Framing::take_connection(std::string_view value) {
  while (!value.empty()) {
    const auto option = take_element(value);
    if (!option.empty() && !is_token(option)) return false;
    says_close_ = says_close_ || equals(option, "close");
    says_keep_alive_ = says_keep_alive_ || equals(option, "keep-alive");
  }
  return true;
}

bool Framing::take_encoding(std::string_view value) {
  if (length || is_chunked) return false;
  is_encoded = true;
  while (!value.empty()) {
    const auto coding = take_element(value);
    if (is_chunked || !is_token(coding)) return false;
    is_chunked = equals(coding, "chunked");
    has_other_coding_ = has_other_coding_ || !is_chunked;
  }
  return true;
}

// With chunks, of which HTTP/1.0 knows nothing, its end is not to be relied on.
bool Framing::keeps_connection(int minor_version) const {
  if (minor_version >= 1) return !says_close_;
  return says_keep_alive_ && !says_close_ && !is_encoded;
}

}  // namespace ia::http1
