#include "net/retry_after.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/excerpt.h"
#include "net/http_date.h"

namespace ia {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kEnough = 1'000'000'000;  // more digits change nothing
constexpr std::size_t kShownBytes = 40;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Rounded up. None unless it is a number without an exponent.
std::optional<std::int64_t> whole_seconds(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto point = std::min(text.find('.'), text.size());
  const auto whole = text.substr(0, point);
  const auto part = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || !std::ranges::all_of(whole, is_digit)) return std::nullopt;
  if (!std::ranges::all_of(part, is_digit)) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : whole) value = std::min(kEnough, value * 10 + (c - '0'));
  const bool rounds_up = part.find_first_not_of('0') != part.npos;
  return is_negative ? 0 : value + (rounds_up ? 1 : 0);
}

}  // namespace

std::optional<seconds> parse_retry_after(std::string_view text, WallTime now, seconds most) {
  text = without_blanks(text);
  auto wait = whole_seconds(text);
  if (!wait) {
    const auto then = parse_http_date(text, now);
    if (!then) return std::nullopt;
    wait = std::chrono::ceil<seconds>(*then - now).count();
  }
  return seconds{std::clamp<std::int64_t>(*wait, 1, most.count())};
}

std::string describe_retry_after(std::string_view text, std::optional<seconds> wait,
                                 std::chrono::milliseconds otherwise) {
  const std::chrono::duration<double> used = otherwise;
  if (text.empty()) return fmt::format("no Retry-After: waiting {} s", used.count());
  const auto shown = excerpt(text, kShownBytes);
  if (!wait) {
    return fmt::format("Retry-After \"{}\" is not understood: waiting {} s", shown, used.count());
  }
  return fmt::format("Retry-After \"{}\": waiting {} s{}", shown, wait->count(),
                     *wait == kRetryAfterMax ? ", the longest" : "");
}

}  // namespace ia
