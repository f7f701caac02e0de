#include "app/config/setting_values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

namespace ia {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> kTimeUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 5> kSizeUnits{{{"TiB", std::uint64_t{1} << 40},
                                          {"GiB", std::uint64_t{1} << 30},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"KiB", std::uint64_t{1} << 10},
                                          {"", 1}}};
// Larger than any range allows, and far from overflowing.
constexpr std::uint64_t kQuantityMax = std::uint64_t{1} << 50;

template <class Number>
std::optional<Number> parse_all(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_all<std::uint64_t>(text.substr(0, digits));
  const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
  if (!number || unit == units.end() || *number > kQuantityMax / unit->factor) return std::nullopt;
  return *number * unit->factor;
}

std::optional<int> parse_digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  const auto digits = text.substr(at, count);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return parse_all<int>(digits);
}

std::optional<milliseconds> parse_fraction(std::string_view& rest) {
  if (!rest.starts_with('.')) return milliseconds{0};
  const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
  if (end == 1) return std::nullopt;
  auto digits = std::string(rest.substr(1, std::min<std::size_t>(3, end - 1)));
  digits.resize(3, '0');
  rest.remove_prefix(end);
  return milliseconds{*parse_all<int>(digits)};
}

std::optional<std::chrono::minutes> parse_zone(std::string_view text) {
  if (text == "Z" || text == "z") return std::chrono::minutes{0};
  const auto hours = parse_digits(text, 1, 2);
  const auto minutes = parse_digits(text, 4, 2);
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto offset = std::chrono::minutes{*hours * 60 + *minutes};
  return text[0] == '+' ? offset : -offset;
}

std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
  const auto year = parse_digits(text, 0, 4);
  const auto month = parse_digits(text, 5, 2);
  const auto day = parse_digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto date = std::chrono::year_month_day{std::chrono::year{*year},
                                                std::chrono::month{static_cast<unsigned>(*month)},
                                                std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

std::optional<milliseconds> parse_time_of_day(std::string_view text) {
  const auto hour = parse_digits(text, 0, 2);
  const auto minute = parse_digits(text, 3, 2);
  const auto second = parse_digits(text, 6, 2);
  if (!hour || !minute || !second || text[2] != ':' || text[5] != ':') return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || (text[10] != 'T' && text[10] != 't' && text[10] != ' ')) {
    return std::nullopt;
  }
  const auto date = parse_date(text.substr(0, 10));
  const auto time = parse_time_of_day(text.substr(11, 8));
  auto rest = text.substr(19);
  const auto fraction = parse_fraction(rest);
  const auto zone = parse_zone(rest);
  if (!date || !time || !fraction || !zone) return std::nullopt;
  return WallTime{*date} + *time + *fraction - *zone;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

bool is_any(const Address& address) { return address.host == "0.0.0.0" || address.host == "::"; }

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return milliseconds{0};
  const auto amount = parse_quantity(text, kTimeUnits);
  if (!amount) return std::nullopt;
  return milliseconds{static_cast<std::int64_t>(*amount)};
}

std::string format_duration(milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  const auto divides = [&](const Unit& unit) { return count % unit.factor == 0; };
  const auto unit = std::ranges::find_if(kTimeUnits, divides);
  return fmt::format("{}{}", count / unit->factor, unit->name);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (text.ends_with("B") && !text.ends_with("iB")) text.remove_suffix(1);
  return parse_quantity(text, kSizeUnits);
}

std::string format_size(std::uint64_t bytes) {
  const auto fits = [&](const Unit& unit) { return bytes >= unit.factor; };
  const auto unit = std::ranges::find_if(kSizeUnits, fits);
  if (unit == kSizeUnits.end() || unit->factor == 1) return fmt::format("{}B", bytes);
  const auto tenths = (bytes * 10 + unit->factor / 2) / unit->factor;
  if (tenths % 10 == 0) return fmt::format("{}{}", tenths / 10, unit->name);
  return fmt::format("{}.{}{}", tenths / 10, tenths % 10, unit->name);
}

std::optional<std::uint64_t> parse_whole_number(std::string_view text) {
  return parse_all<std::uint64_t>(text);
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_all<double>(text);
  if (!value || !std::isfinite(*value) || std::signbit(*value)) return std::nullopt;
  return value;
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "on" || text == "true") return true;
  if (text == "off" || text == "false") return false;
  return std::nullopt;
}

std::optional<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_all<std::uint16_t>(text.substr(colon + 1));
  auto host = std::string(text.substr(0, colon));
  if (host == "localhost") host = "127.0.0.1";
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  in6_addr parsed;
  if (!port || inet_pton(brackets ? AF_INET6 : AF_INET, host.c_str(), &parsed) != 1) {
    return std::nullopt;
  }
  return Address{.host = std::move(host), .port = *port};
}

std::string format_address(const Address& address) {
  const bool brackets = address.host.contains(':');
  return fmt::format(fmt::runtime(brackets ? "[{}]:{}" : "{}:{}"), address.host, address.port);
}

bool is_loopback(const Address& address) {
  return address.host.starts_with("127.") || address.host == "::1";
}

bool clash(const Address& a, const Address& b) {
  if (a.port == 0 || a.port != b.port) return false;
  return a.host == b.host || is_any(a) || is_any(b);
}

std::optional<TimeBound> parse_time_bound(std::string_view text) {
  if (text == "now") return milliseconds{0};
  if (text.starts_with('-')) {
    const auto ago = parse_duration(text.substr(1));
    return ago ? std::optional<TimeBound>(*ago) : std::nullopt;
  }
  if (const auto time = parse_rfc3339(text)) return *time;
  const auto seconds = parse_number(text);
  if (!seconds || *seconds > 1e11) return std::nullopt;
  return WallTime{milliseconds{std::llround(*seconds * 1000)}};
}

WallTime resolve(const TimeBound& bound, WallTime now) {
  if (const auto* time = std::get_if<WallTime>(&bound)) return *time;
  return now - std::get<milliseconds>(bound);
}

std::string mask_credentials(std::string_view url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const auto host_end = std::min(url.find_first_of("/?#", begin), url.size());
  const auto at = url.substr(0, host_end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return fmt::format("{}***{}", url.substr(0, begin), url.substr(at));
}

namespace {

// Where the value of the next password= or sslpassword= begins; blanks may stand around the "=".
std::size_t find_password(std::string_view text, std::size_t from) {
  constexpr std::string_view kName = "password";
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  while (true) {
    const auto rest = text.substr(std::min(from, text.size()));
    const auto found = std::ranges::search(rest, kName, same);
    if (found.empty()) return std::string_view::npos;
    from += static_cast<std::size_t>(found.end() - rest.begin());
    const auto equals = text.find_first_not_of(' ', from);
    if (equals == std::string_view::npos || text[equals] != '=') continue;
    return std::min(text.find_first_not_of(' ', equals + 1), text.size());
  }
}

// Of a value in quotes, or up to a blank or "&"; a backslash makes the next character plain.
std::size_t end_of_value(std::string_view text, std::size_t begin) {
  const bool is_quoted = begin < text.size() && text[begin] == '\'';
  for (auto at = begin + (is_quoted ? 1 : 0); at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (is_quoted && text[at] == '\'') {
      return at + 1;
    } else if (!is_quoted && (text[at] == ' ' || text[at] == '&')) {
      return at;
    }
  }
  return text.size();
}

}  // namespace

std::string mask_passwords(std::string_view connection) {
  // Of a URI: USER:PASSWORD@. The last @ before the path counts, as passwords may have one.
  const auto scheme = connection.find("://");
  std::string masked(connection);
  if (scheme != std::string_view::npos) {
    const auto begin = scheme + 3;
    const auto at = masked.rfind('@', masked.find('?', begin));
    const auto colon = masked.find(':', begin);
    if (at != std::string::npos && colon < at) masked.replace(colon + 1, at - colon - 1, "***");
  }
  for (std::size_t at = 0; (at = find_password(masked, at)) != std::string::npos;) {
    const auto end = end_of_value(masked, at);
    masked.replace(at, end - at, "***");
    at += 3;
  }
  return masked;
}

std::optional<std::string> nearest(std::string_view wrong, std::span<const std::string> names) {
  const auto distance = [&](const std::string& name) { return edit_distance(wrong, name); };
  const auto best = std::ranges::min_element(names, {}, distance);
  if (best == names.end()) return std::nullopt;
  const auto tolerated = std::max<std::size_t>(2, wrong.size() / 3);
  if (distance(*best) > tolerated || distance(*best) >= wrong.size()) return std::nullopt;
  return *best;
}

}  // namespace ia
