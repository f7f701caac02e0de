#include "simulator/fault_texts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/printable.h"

namespace ia {
namespace {

struct Unit {
  std::string_view name;
  double microseconds;
};
constexpr std::array<Unit, 4> kUnits = {{{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}}};
// A number and what follows it.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

std::string in_quotes(std::string_view text) { return "'" + printable(text.substr(0, 60)) + "'"; }

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

Result<std::chrono::microseconds> parse_time(std::string_view text) {
  auto rest = trimmed(text);
  const auto number = take_number(rest);
  const auto unit = std::ranges::find(kUnits, rest, &Unit::name);
  const bool zero = number == 0 && rest.empty();
  if (!number || (unit == kUnits.end() && !zero)) {
    return fail(Errc::kInvalid, in_quotes(text) + " is not a time like 500us, 20ms, 1.5s or 2m");
  }
  const double time = zero ? 0 : *number * unit->microseconds;
  if (time > static_cast<double>(kFaultTimeMax.count())) {
    return fail(Errc::kInvalid, in_quotes(text) + " is longer than an hour");
  }
  return std::chrono::microseconds(std::llround(time));
}

Result<TimeRange> parse_time_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == text.npos) {
    return fail(Errc::kInvalid, in_quotes(text) + " is not a range of times like 1ms-20ms");
  }
  const auto low = parse_time(text.substr(0, dash));
  if (!low) return std::unexpected(low.error());
  const auto high = parse_time(text.substr(dash + 1));
  if (!high) return std::unexpected(high.error());
  if (*high < *low) {
    return fail(Errc::kInvalid, in_quotes(text) + " ends before it begins: swap its ends");
  }
  return TimeRange{*low, *high};
}

Result<double> parse_number(std::string_view text, double most) {
  auto rest = trimmed(text);
  const auto number = take_number(rest);
  if (!number || !rest.empty() || *number > most) {
    return fail(Errc::kInvalid, in_quotes(text) + " is not a number from 0 to " +
                                    std::to_string(static_cast<long>(most)));
  }
  return *number;
}

Status for_each_piece(std::string_view text,
                      const std::function<Status(std::string_view piece)>& take) {
  while (!trimmed(text).empty()) {
    const auto comma = text.find(',');
    if (const auto taken = take(trimmed(text.substr(0, comma))); !taken) return taken;
    text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
  }
  return {};
}

// "p50=20ms,p99=200ms": each of `names` once.
}  // namespace ia
