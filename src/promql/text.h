#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ia {

// The literals of PromQL and of the parameters around it, as Prometheus 2 and 3 read them. The
// errors are half sentences for people: what is allowed.

// The length of the number that begins the text, in the shape of Prometheus's scanner: decimal
// with point and exponent, or hexadecimal. 0: no number begins here.
std::size_t prom_number_length(std::string_view text);
// "31", "0x1F", "010" (which is octal: 8), ".5", "1e3". Numbers beyond a double are refused.
std::optional<double> parse_prom_number(std::string_view text);

// "5m", "1h30m": whole numbers with units, the larger units first, each at most once; "0" needs no
// unit. At most 292 years.
std::expected<std::chrono::milliseconds, std::string_view> parse_prom_duration(
    std::string_view text);
// The parameter `step`: a duration, or seconds as a decimal number: "0.5", "1e2".
std::expected<std::chrono::milliseconds, std::string_view> parse_prom_step(std::string_view text);
// Epoch seconds as a decimal number, which may be negative, rounded to milliseconds. nullopt for
// anything else, such as a date; the error is for a number that cannot be meant as seconds.
std::expected<std::optional<std::chrono::milliseconds>, std::string_view> parse_prom_seconds(
    std::string_view text);

// A literal in quotes at the text's begin: its value and the length with the quotes. In ' and ",
// backslash escapes are those of Go; ` has none.
struct PromString {
  std::string value;
  std::size_t length = 0;
};
std::expected<PromString, std::string_view> parse_prom_string(std::string_view text);

// A regular expression, of which only words with "|" between them, ".*" and ".+" are understood.
struct PromWords {
  bool is_anything = false;  // ".*"; or ".+", which has the value ""
  std::vector<std::string> values;
};
std::expected<PromWords, std::string_view> parse_prom_words(std::string_view pattern);

// A value as Prometheus writes it into JSON: "67.5", "1e+21", "NaN", "+Inf".
std::string prom_value_text(double value);

}  // namespace ia
