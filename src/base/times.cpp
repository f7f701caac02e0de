#include "base/times.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kForms =
    "must be epoch seconds, such as 1767225600 or 1767225600.5, or RFC 3339, such as "
    "2026-01-01T00:00:00Z";
constexpr std::string_view kLeapSecond =
    "has second 60: leap seconds are not counted here, the last second of a minute is 59";
constexpr std::string_view kTooLarge =
    "is too large for epoch seconds (milliseconds must be divided by 1000)";
// The first second of the year 5000: what is later is not meant as seconds.
constexpr std::int64_t kSecondsMax = 95'617'584'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads exactly `count` digits.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_any(std::string_view& text, std::string_view allowed) {
  if (text.empty() || allowed.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" as 250 ms; none is 0. Nothing when there is a point without digits.
std::optional<milliseconds> take_fraction(std::string_view& text) {
  if (!take_any(text, ".")) return milliseconds{0};
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  int value = 0;
  int scale = 100;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    value += (text.front() - '0') * scale;
    scale /= 10;
  }
  return milliseconds{value};
}

std::optional<days> take_date(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || !take_any(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take_any(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *year < 1970) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch();
}

std::optional<seconds> take_hours_minutes(std::string_view& text, int hour_max) {
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > hour_max || !take_any(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  return hours{*hour} + minutes{*minute};
}

// A plus sign that was not escaped in a query has become a blank.
std::optional<seconds> take_offset(std::string_view& text) {
  if (take_any(text, "Zz")) return seconds{0};
  const bool is_east = !text.starts_with('-');
  if (!take_any(text, "+- ")) return std::nullopt;
  const auto offset = take_hours_minutes(text, 23);
  if (!offset) return std::nullopt;
  return is_east ? *offset : -*offset;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take_any(text, "Tt ")) return std::nullopt;
  const auto time = take_hours_minutes(text, 23);
  if (!time || !take_any(text, ":")) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return WallTime{*date + *time + seconds{*second} + *fraction - *offset};
}

// Where epoch seconds are told apart, 23:59:60 would be the next minute's first second.
bool has_leap_second(std::string_view text) {
  constexpr std::size_t kSecondAt = 17;  // of YYYY-MM-DDTHH:MM:SS
  std::string other(text);
  if (other.size() < kSecondAt + 2 || other.substr(kSecondAt, 2) != "60") return false;
  return parse_rfc3339(other.replace(kSecondAt, 2, "59")).has_value();
}

char* write_two(char* to, unsigned value) {
  *to++ = static_cast<char>('0' + value / 10);
  *to++ = static_cast<char>('0' + value % 10);
  return to;
}

}  // namespace

std::expected<WallTime, std::string_view> parse_instant(std::string_view text) {
  const auto time_end = text.find_first_not_of("0123456789.");
  if (time_end != std::string_view::npos) {
    const auto time = parse_rfc3339(text);
    if (time && time->time_since_epoch() >= milliseconds{0}) return *time;
    return std::unexpected(has_leap_second(text) ? kLeapSecond : kForms);
  }
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc::result_out_of_range) return std::unexpected(kTooLarge);
  if (error != std::errc{}) return std::unexpected(kForms);
  auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  const auto fraction = take_fraction(rest);
  if (!fraction || !rest.empty()) return std::unexpected(kForms);
  if (whole >= kSecondsMax) return std::unexpected(kTooLarge);
  return WallTime{seconds{whole} + *fraction};
}

void append_time(std::string& out, WallTime time, bool always_millis) {
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date{day};
  const auto in_day = static_cast<std::uint64_t>((time - day).count());
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::array<char, 24> text;
  char* to = write_two(text.data(), year / 100 % 100);
  to = write_two(to, year % 100);
  *to++ = '-';
  to = write_two(to, static_cast<unsigned>(date.month()));
  *to++ = '-';
  to = write_two(to, static_cast<unsigned>(date.day()));
  *to++ = 'T';
  to = write_two(to, static_cast<unsigned>(in_day / 3'600'000));
  *to++ = ':';
  to = write_two(to, static_cast<unsigned>(in_day / 60'000 % 60));
  *to++ = ':';
  to = write_two(to, static_cast<unsigned>(in_day / 1'000 % 60));
  const auto millis = static_cast<unsigned>(in_day % 1'000);
  if (always_millis || millis != 0) {
    *to++ = '.';
    *to++ = static_cast<char>('0' + millis / 100);
    to = write_two(to, millis % 100);
  }
  *to++ = 'Z';
  out.append(text.data(), static_cast<std::size_t>(to - text.data()));
}

std::optional<seconds> parse_step(std::string_view text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 9 || text.size() > digits + 1) return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + digits, number);
  switch (digits == text.size() ? 's' : text.back()) {
    case 's':
      return seconds{number};
    case 'm':
      return minutes{number};
    case 'h':
      return hours{number};
    case 'd':
      return days{number};
    default:
      return std::nullopt;
  }
}

}  // namespace ia
