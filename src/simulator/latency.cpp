#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "simulator/fault_texts.h"
#include "simulator/faults.h"
#include "simulator/random.h"

namespace ia {
namespace {

constexpr double kPercentile99 = 2.3263478740408408;  // of the standard normal distribution

// "p50=20ms,p99=200ms": each of `names` once.
Result<std::map<std::string_view, Latency::Time>> parse_percentiles(
    std::string_view text, std::span<const std::string_view> names) {
  std::map<std::string_view, Latency::Time> times;
  const auto taken = for_each_piece(text, [&](std::string_view piece) -> Status {
    const auto equals = std::min(piece.find('='), piece.size());
    const auto name = std::ranges::find(names, piece.substr(0, equals));
    if (equals == piece.size() || name == names.end()) {
      return fail(Errc::kInvalid, in_quotes(piece) + " is not " + std::string(names.front()) +
                                      "=TIME" + (names.size() > 1 ? " or p99=TIME" : ""));
    }
    const auto time = parse_time(piece.substr(equals + 1));
    if (!time) return std::unexpected(time.error());
    times[*name] = *time;
    return {};
  });
  if (!taken) return std::unexpected(taken.error());
  for (const auto name : names) {
    if (!times.contains(name) || times[name].count() == 0) {
      return fail(Errc::kInvalid, std::string(name) + " is missing: a time greater than 0");
    }
  }
  return times;
}

Result<Latency> parse_exponential(std::string_view text) {
  constexpr std::array<std::string_view, 1> kNames = {"p50"};
  const auto times = parse_percentiles(text, kNames);
  if (!times) return std::unexpected(times.error());
  return Latency{.shape = Latency::Shape::kExponential, .p50 = times->at("p50")};
}

Result<Latency> parse_lognormal(std::string_view text) {
  constexpr std::array<std::string_view, 2> kNames = {"p50", "p99"};
  const auto times = parse_percentiles(text, kNames);
  if (!times) return std::unexpected(times.error());
  const Latency latency{
      .shape = Latency::Shape::kLognormal, .p50 = times->at("p50"), .p99 = times->at("p99")};
  if (latency.p99 < latency.p50) {
    return fail(Errc::kInvalid, "p99 is less than p50: it must be at least as long");
  }
  return latency;
}

Result<Latency> parse_uniform(std::string_view text) {
  const auto range = parse_time_range(text);
  if (!range) return std::unexpected(range.error());
  return Latency{.shape = Latency::Shape::kUniform, .low = range->low, .high = range->high};
}

Result<Latency> parse_fixed(std::string_view text) {
  const auto time = parse_time(text);
  if (!time) return std::unexpected(time.error());
  if (time->count() == 0) return Latency{};
  return Latency{.shape = Latency::Shape::kUniform, .low = *time, .high = *time};
}

Latency::Time microseconds(double count) {
  return Latency::Time(
      std::llround(std::clamp(count, 0.0, static_cast<double>(kFaultTimeMax.count()))));
}

}  // namespace

Result<Latency> Latency::parse(std::string_view text) {
  using Parser = Result<Latency> (*)(std::string_view);
  constexpr std::array<std::pair<std::string_view, Parser>, 4> kParsers = {
      {{"fixed", parse_fixed},
       {"uniform", parse_uniform},
       {"exponential", parse_exponential},
       {"lognormal", parse_lognormal}}};
  const auto colon = text.find(':');
  if (colon == text.npos) return parse_fixed(text);
  for (const auto& [name, parse_rest] : kParsers) {
    if (trimmed(text.substr(0, colon)) == name) return parse_rest(text.substr(colon + 1));
  }
  return fail(Errc::kInvalid, in_quotes(text.substr(0, colon)) +
                                  " is none of fixed, uniform, exponential, lognormal");
}

Latency::Time Latency::sample(std::uint64_t random) const {
  switch (shape) {
    case Shape::kNone:
      return Time{0};
    case Shape::kUniform:
      return low + microseconds(unit_of(random) * static_cast<double>((high - low).count()));
    case Shape::kExponential:
      return microseconds(-std::log2(1 - unit_of(random)) * static_cast<double>(p50.count()));
    case Shape::kLognormal: {
      const double ratio = static_cast<double>(p99.count()) / static_cast<double>(p50.count());
      const double power = gaussians_of(random).first / kPercentile99;
      return microseconds(static_cast<double>(p50.count()) * std::pow(ratio, power));
    }
  }
  std::unreachable();
}

}  // namespace ia
