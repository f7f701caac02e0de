#include "api/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/printable.h"
#include "base/times.h"
#include "http/target.h"

namespace ia {
namespace {

constexpr std::size_t kErrorsMax = 10;
constexpr std::chrono::minutes kStepMax{366 * 24 * 60};

std::optional<std::uint64_t> parse_whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::string known_names(std::span<const std::string_view> known) {
  if (known.empty()) return "is not known here: this path takes no parameters";
  return fmt::format("is not known here; known: {}", fmt::join(known, ", "));
}

std::string got(std::string_view value) { return fmt::format(", got '{}'", excerpt(value)); }

}  // namespace

Parameters::Parameters(std::string_view query, std::initializer_list<std::string_view> known) {
  while (!query.empty()) {
    const auto piece = next_piece(query);
    if (piece.name.empty() && piece.value.empty()) continue;
    take(piece.name, piece.value, {known.begin(), known.size()});
  }
}

void Parameters::take(std::string_view escaped_name, std::string_view escaped_value,
                      std::span<const std::string_view> known) {
  const auto name = unescape_query(escaped_name);
  auto value = unescape_query(escaped_value);
  if (!name || !value) {
    reject(excerpt(escaped_name), "has a % that is not followed by two hexadecimal digits");
    return;
  }
  const auto found = std::ranges::find(known, *name);
  if (found == known.end()) {
    reject(excerpt(*name), known_names(known));
  } else if (text(*found)) {
    reject(*found, "is given more than once");
  } else {
    given_.emplace_back(*found, std::move(*value));
  }
}

std::optional<std::string_view> Parameters::text(std::string_view name) const {
  const auto found = std::ranges::find(given_, name, [](const auto& one) { return one.first; });
  if (found == given_.end()) return std::nullopt;
  return found->second;
}

std::uint64_t Parameters::whole_number(std::string_view name, std::uint64_t fallback,
                                       std::uint64_t min, std::uint64_t max) {
  const auto given = text(name);
  if (!given) return fallback;
  const auto value = parse_whole_number(*given);
  if (value && *value >= min && *value <= max) return *value;
  reject(name, fmt::format("must be a whole number from {} to {}{}", min, max, got(*given)));
  return fallback;
}

WallTime Parameters::time(std::string_view name, WallTime fallback, WallTime latest) {
  const auto given = text(name);
  if (!given) return fallback;
  const auto value = parse_instant(*given);
  if (value && *value <= latest) return *value;
  if (!value) {
    reject(name, std::string(value.error()) + got(*given));
    return fallback;
  }
  std::string allowed;
  append_time(allowed, latest, false);
  reject(name, fmt::format("is in the future: the latest allowed is {}{}", allowed, got(*given)));
  return fallback;
}

Parameters::Times Parameters::times(std::string_view start_name, std::string_view end_name,
                                    WallTime now, std::chrono::minutes fallback) {
  const auto end = time(end_name, now, now + std::chrono::days{1});
  const auto start = time(start_name, std::max(WallTime{}, end - fallback), now);
  if (is_valid() && start > end)
    reject(start_name, fmt::format("must not be later than {}", end_name));
  return {start, end};
}

std::optional<Minute> Parameters::minute(std::string_view name, WallTime latest) {
  if (!text(name)) return std::nullopt;
  return minute_of(time(name, latest, latest));
}

std::chrono::minutes Parameters::step(std::string_view name, std::chrono::minutes fallback) {
  const auto given = text(name);
  if (!given) return fallback;
  const auto value = parse_step(*given);
  if (value && value->count() > 0 && value->count() % 60 == 0 && *value <= kStepMax) {
    return std::chrono::duration_cast<std::chrono::minutes>(*value);
  }
  reject(name, "must be a multiple of 60 s, up to 366d, as seconds or with a unit: 60, 5m, 1h, 1d" +
                   got(*given));
  return fallback;
}

std::size_t Parameters::choice(std::string_view name, std::span<const std::string_view> words) {
  const auto given = text(name);
  if (!given) return 0;
  const auto found = std::ranges::find(words, *given);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  reject(name, fmt::format("must be one of {}{}", fmt::join(words, ", "), got(*given)));
  return 0;
}

InfluencerId Parameters::influencer(std::string_view segment) {
  const auto number = parse_whole_number(segment);
  if (number && *number <= kInfluencerIdMax) return InfluencerId{*number};
  reject("id",
         fmt::format("must be a whole number from 0 to {}{}", kInfluencerIdMax, got(segment)));
  return InfluencerId{0};
}

std::vector<InfluencerId> Parameters::influencers(std::string_view name, std::size_t count_min,
                                                  std::size_t count_max) {
  auto rest = text(name).value_or("");
  std::vector<InfluencerId> ids;
  bool are_valid = true;
  while (!rest.empty() && are_valid && ids.size() <= count_max) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto number = parse_whole_number(rest.substr(0, comma));
    are_valid = number && *number <= kInfluencerIdMax && comma + 1 != rest.size() &&
                std::ranges::find(ids, InfluencerId{*number}) == ids.end();
    if (are_valid) ids.push_back(InfluencerId{*number});
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (are_valid && ids.size() >= count_min && ids.size() <= count_max) return ids;
  reject(name, fmt::format("must be {} to {} different ids with commas between them, such as 1,2{}",
                           count_min, count_max, got(text(name).value_or(""))));
  return {};
}

void Parameters::reject(std::string_view name, std::string detail) {
  if (errors_.size() < kErrorsMax) errors_.push_back({std::string(name), std::move(detail)});
}

MinuteRange minutes_between(WallTime start, WallTime end) {
  return {minute_of(start), std::chrono::ceil<std::chrono::minutes>(end)};
}

}  // namespace ia
