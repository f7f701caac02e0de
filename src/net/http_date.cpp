#include "net/http_date.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/http_head.h"

namespace ia {
namespace {

constexpr std::chrono::seconds kReadEvery{1};
constexpr std::size_t kWordsMax = 6;
constexpr int kSecondMax = 60;  // a leap second
constexpr int kYearsAhead = 50;

constexpr std::array<std::string_view, 7> kDays = {"monday", "tuesday",  "wednesday", "thursday",
                                                   "friday", "saturday", "sunday"};
constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
// GMT is what the standard knows; the others are what servers send instead.
constexpr std::array<std::string_view, 5> kZones = {"gmt", "utc", "ut", "+0000", "0000"};

struct Words {
  std::array<std::string_view, kWordsMax> at{};
  std::size_t count = 0;  // more than kWordsMax: too many
};

Words words_of(std::string_view text) {
  constexpr std::string_view kBetween = " ,-";
  Words words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty() || words.count > kWordsMax) return words;
    const auto word = text.substr(0, text.find_first_of(kBetween));
    if (words.count < kWordsMax) words.at[words.count] = word;
    ++words.count;
    text.remove_prefix(word.size());
  }
}

bool is_day(std::string_view word) {
  return std::ranges::any_of(kDays, [word](std::string_view day) {
    return http1::equals(word, day) || http1::equals(word, day.substr(0, 3));
  });
}

bool is_zone(std::string_view word) {
  return std::ranges::any_of(
      kZones, [word](std::string_view zone) { return http1::equals(word, zone); });
}

// None unless it is digits alone, `least` to `most` of them.
std::optional<int> number(std::string_view digits, std::size_t least, std::size_t most) {
  int value = 0;
  const auto* end = digits.data() + digits.size();
  if (digits.size() < least || digits.size() > most || digits.front() < '0') return std::nullopt;
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc{} && at == end ? std::optional(value) : std::nullopt;
}

std::optional<std::chrono::month> month_named(std::string_view word) {
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (http1::equals(word, kMonths[i])) return std::chrono::month{i + 1};
  }
  return std::nullopt;
}

// RFC 9110, section 5.6.7: two digits are not taken for a year more than 50 years ahead.
std::optional<int> year_of(std::string_view digits, WallTime now) {
  if (digits.size() != 2) return number(digits, 4, 4);
  const auto in_century = number(digits, 2, 2);
  if (!in_century) return std::nullopt;
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  const int year = this_year - this_year % 100 + *in_century;
  return year > this_year + kYearsAhead ? year - 100 : year;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hour = number(text.substr(0, 2), 2, 2);
  const auto minute = number(text.substr(3, 2), 2, 2);
  const auto second = number(text.substr(6, 2), 2, 2);
  if (!hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > kSecondMax) return std::nullopt;
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text, WallTime now) {
  const auto [words, count] = words_of(text);
  const bool is_asctime = count == 5;  // "Sun Nov  6 08:49:37 1994"
  if ((!is_asctime && count != 6) || !is_day(words[0])) return std::nullopt;
  if (!is_asctime && !is_zone(words[5])) return std::nullopt;
  const auto day = number(words[is_asctime ? 2 : 1], 1, 2);
  const auto month = month_named(words[is_asctime ? 1 : 2]);
  const auto year = year_of(words[is_asctime ? 4 : 3], now);
  const auto time = time_of_day(words[is_asctime ? 3 : 4]);
  if (!day || !month || !year || !time) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, *month,
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date} + *time;
}

void NetworkClock::read(std::string_view date, WallTime wall, MonoTime now) {
  if (date.empty()) return;
  const std::scoped_lock lock(mutex_);
  if (time_ && now - time_->read_at < kReadEvery) return;
  if (const auto said = parse_http_date(date, wall)) time_ = NetworkTime{*said, now};
}

std::optional<NetworkTime> NetworkClock::time() const {
  const std::scoped_lock lock(mutex_);
  return time_;
}

}  // namespace ia
