#include "promql/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;

// Times after the first second of the year 5000, or as long before the epoch, are not seconds.
constexpr double kSecondsMax = 95'617'584'000.0;
constexpr std::int64_t kDurationMax = 292LL * 365 * 86'400'000;
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
constexpr std::string_view kDurationForms =
    "a duration like 5m, 1h30m or 1d: whole numbers, larger units first";
constexpr std::string_view kStepForms = "seconds, or a duration like 5m";
constexpr std::string_view kEscapes = "an escape of Go after a backslash";

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 7> kUnits = {{{"y", 365 * 86'400'000LL},
                                         {"w", 7 * 86'400'000LL},
                                         {"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1'000},
                                         {"ms", 1}}};

std::size_t run_of(std::string_view text, std::size_t from, std::string_view set) {
  return std::min(text.find_first_not_of(set, from), text.size());
}

bool has_at(std::string_view text, std::size_t at, std::string_view set) {
  return at < text.size() && set.find(text[at]) != std::string_view::npos;
}

std::optional<double> whole_of(std::string_view digits, int base) {
  std::int64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return static_cast<double>(value);
}

std::optional<double> decimal_of(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc{}) return value;
  const auto exponent = text.find_first_of("eE");
  const bool is_small = exponent == std::string_view::npos
                            ? text.find_first_of("123456789") > text.find('.')
                            : text[exponent + 1] == '-';
  return is_small ? std::optional(0.0) : std::nullopt;
}

// A decimal number of a parameter, with a sign.
std::optional<double> signed_decimal(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with("0x") || text.starts_with("0X")) return std::nullopt;
  if (text.empty() || prom_number_length(text) != text.size()) return std::nullopt;
  auto value = decimal_of(text);
  if (value && is_negative) *value = -*value;
  return value;
}

void append_utf8(std::string& out, std::uint32_t rune) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((rune >> shift) & 0x3f)));
  };
  if (rune < 0x80) {
    out.push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (rune >> 6)));
    tail(0);
  } else if (rune < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (rune >> 12)));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xf0 | (rune >> 18)));
    tail(12), tail(6), tail(0);
  }
}

// "n" of "\n", at `at`; moves behind it. False: no escape of Go.
bool take_escape(std::string_view text, std::size_t& at, char quote, std::string& out) {
  constexpr std::string_view kNames = "abfnrtv\\";
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\";
  if (at >= text.size()) return false;
  const char c = text[at];
  if (const auto simple = kNames.find(c); simple != std::string_view::npos || c == quote) {
    out.push_back(c == quote ? quote : kValues[simple]);
    ++at;
    return true;
  }
  const bool is_octal = '0' <= c && c <= '7';
  const std::size_t length = is_octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (length == 0) return false;
  if (!is_octal) ++at;
  std::uint32_t rune = 0;
  const auto* begin = text.data() + at;
  const auto* end = begin + std::min(length, text.size() - at);
  const auto [stop, error] = std::from_chars(begin, end, rune, is_octal ? 8 : 16);
  if (error != std::errc{} || stop != begin + length) return false;
  at += length;
  if (length <= 3) {
    if (rune > 0xff) return false;
    out.push_back(static_cast<char>(rune));
    return true;
  }
  if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) return false;
  append_utf8(out, rune);
  return true;
}

}  // namespace

std::size_t prom_number_length(std::string_view text) {
  if (!has_at(text, 0, kDigits) && !(text.starts_with('.') && has_at(text, 1, kDigits))) return 0;
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = is_hex ? kHexDigits : kDigits;
  auto end = run_of(text, is_hex ? 2 : 0, digits);
  if (has_at(text, end, ".")) end = run_of(text, end + 1, digits);
  if (!has_at(text, end, "eE")) return end;
  ++end;
  if (has_at(text, end, "+-")) ++end;
  return run_of(text, end, kDigits);
}

std::optional<double> parse_prom_number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return whole_of(text.substr(2), 16);
  if (text.size() > 1 && text.front() == '0') {
    if (const auto octal = whole_of(text, 8)) return octal;
  }
  return decimal_of(text);
}

std::expected<milliseconds, std::string_view> parse_prom_duration(std::string_view text) {
  if (text == "0") return milliseconds{0};
  const auto wrong = std::unexpected(kDurationForms);
  if (text.empty()) return wrong;
  std::int64_t total = 0;
  std::size_t unit = 0;
  while (!text.empty()) {
    const auto digits = run_of(text, 0, kDigits);
    const auto number = whole_of(text.substr(0, digits), 10);
    text.remove_prefix(digits);
    const auto name = text.substr(0, run_of(text, 0, "ywdhms"));
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (!number || unit == kUnits.size()) return wrong;
    const auto length = static_cast<double>(kUnits[unit].milliseconds);
    if (*number * length + static_cast<double>(total) > static_cast<double>(kDurationMax)) {
      return wrong;
    }
    total += static_cast<std::int64_t>(*number) * kUnits[unit].milliseconds;
    text.remove_prefix(name.size());
    ++unit;
  }
  return milliseconds{total};
}

std::expected<milliseconds, std::string_view> parse_prom_step(std::string_view text) {
  const auto seconds = signed_decimal(text);
  if (!seconds) {
    const auto duration = parse_prom_duration(text);
    return duration ? duration : std::unexpected(kStepForms);
  }
  if (*seconds * 1'000 > static_cast<double>(kDurationMax)) return std::unexpected(kStepForms);
  return milliseconds{static_cast<std::int64_t>(*seconds * 1'000)};
}

std::expected<std::optional<milliseconds>, std::string_view> parse_prom_seconds(
    std::string_view text) {
  const auto seconds = signed_decimal(text);
  if (!seconds) return std::nullopt;
  if (std::abs(*seconds) >= kSecondsMax) {
    return std::unexpected("is too large for epoch seconds (milliseconds must be divided by 1000)");
  }
  return milliseconds{std::llround(*seconds * 1'000)};
}

std::expected<PromString, std::string_view> parse_prom_string(std::string_view text) {
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'' && quote != '`') return std::unexpected("a text in quotes");
  PromString string;
  for (std::size_t at = 1; at < text.size();) {
    const char c = text[at++];
    if (c == quote) {
      string.length = at;
      return string;
    }
    if (quote != '`' && c == '\n') break;
    if (quote == '`' || c != '\\') {
      string.value.push_back(c);
    } else if (!take_escape(text, at, quote, string.value)) {
      return std::unexpected(kEscapes);
    }
  }
  return std::unexpected("a closing quote");
}

std::expected<PromWords, std::string_view> parse_prom_words(std::string_view pattern) {
  if (pattern == ".*") return PromWords{true, {}};
  if (pattern == ".+") return PromWords{true, {""}};
  if (pattern.starts_with('(') && pattern.ends_with(')')) {
    pattern = pattern.substr(1, pattern.size() - 2);
  }
  PromWords words;
  std::string word;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '|') {
      words.values.push_back(std::exchange(word, {}));
      continue;
    }
    const bool is_escape = pattern[i] == '\\' && i + 1 < pattern.size();
    if (!is_escape && std::string_view(".*+?()[]{}^$\\").find(pattern[i]) != pattern.npos) {
      return std::unexpected(
          "of regular expressions, only words with | between them are understood here: "
          "=~\"1000000|1000001\"");
    }
    word.push_back(pattern[is_escape ? ++i : i]);
  }
  words.values.push_back(std::move(word));
  return words;
}

std::string prom_value_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const auto size = std::abs(value);
  const bool is_plain = size == 0 || (size >= 1e-6 && size < 1e21);
  std::array<char, 64> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value,
                    is_plain ? std::chars_format::fixed : std::chars_format::scientific)
          .ptr;
  return {text.data(), end};
}

}  // namespace ia
