#include "base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/times.h"
#include "base/utf8.h"

namespace ia {
namespace {

constexpr double kFixedMax = 1e14;

// "00010203...99": two digits at a time halve the divisions.
constexpr auto kPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// Exactly kPairCount pairs of digits, with leading zeros.
template <int kPairCount>
char* write_pairs(char* to, std::uint64_t value) {
  for (int i = kPairCount; i-- > 0; value /= 100) {
    std::memcpy(to + 2 * i, &kPairs[2 * (value % 100)], 2);
  }
  return to + 2 * kPairCount;
}

template <std::uint64_t kScale, int kPairCount>
char* write_fixed(char* to, double value) {
  const auto scaled = static_cast<std::uint64_t>(value * static_cast<double>(kScale) + 0.5);
  to = std::to_chars(to, to + 20, scaled / kScale).ptr;
  *to++ = '.';
  to = write_pairs<kPairCount>(to, scaled % kScale);
  for (int i = 1; i < 2 * kPairCount && to[-1] == '0'; ++i) --to;
  return to;
}

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    default:
      break;
  }
  if (byte >= 0x20 && byte != 0x7f) {
    out.push_back(c);
  } else {
    out += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  }
}

void append_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto size = utf8_bytes(text);
    if (size == 1) {
      append_escaped(out, text.front());
    } else if (size == 0) {
      out += kReplacement;
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
}

}  // namespace

char* write_decimal(char* to, double value) {
  if (!std::isfinite(value)) return std::copy_n("null", 4, to);
  if (value < 0) {
    *to++ = '-';
    value = -value;
  }
  if (value < 1) return write_fixed<100'000'000, 4>(to, value);
  if (value < kFixedMax) return write_fixed<10'000, 2>(to, value);
  return std::to_chars(to, to + kDecimalBytesMax - 1, value).ptr;
}

char* write_integer(char* to, std::int64_t value) { return std::to_chars(to, to + 20, value).ptr; }

void JsonWriter::begin_value() {
  if (needs_comma_) out_.push_back(',');
  needs_comma_ = true;
}

void JsonWriter::open(char bracket) {
  begin_value();
  out_.push_back(bracket);
  needs_comma_ = false;
}

void JsonWriter::close(char bracket) {
  out_.push_back(bracket);
  needs_comma_ = true;
}

void JsonWriter::key(std::string_view name) {
  begin_value();
  out_.push_back('"');
  out_ += name;
  out_ += "\":";
  needs_comma_ = false;
}

void JsonWriter::text(std::string_view value) {
  begin_value();
  out_.push_back('"');
  append_text(out_, value);
  out_.push_back('"');
}

void JsonWriter::integer(std::int64_t value) {
  begin_value();
  std::array<char, 20> digits;
  out_.append(digits.data(), write_integer(digits.data(), value));
}

void JsonWriter::decimal(double value) {
  begin_value();
  std::array<char, kDecimalBytesMax> digits;
  out_.append(digits.data(), write_decimal(digits.data(), value));
}

void JsonWriter::boolean(bool value) {
  begin_value();
  out_ += value ? "true" : "false";
}

void JsonWriter::null() {
  begin_value();
  out_ += "null";
}

void JsonWriter::time(WallTime value) {
  begin_value();
  out_.push_back('"');
  append_time(out_, value);
  out_.push_back('"');
}

}  // namespace ia
