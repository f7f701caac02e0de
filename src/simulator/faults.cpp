#include "simulator/faults.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "simulator/random.h"

namespace ia {
namespace {

constexpr double kPercentile99 = 2.3263478740408408;  // of the standard normal distribution
constexpr auto kTimeMax = std::chrono::microseconds(std::chrono::hours(1));
constexpr double kRateLimitMax = 10'000'000;

constexpr std::array<std::string_view, kFaultKindCount> kFaultNames = {
    "none",  "error",     "limited", "hang",        "truncate", "wrong_id",
    "close", "malformed", "drip",    "extra_bytes", "redirect"};

// By kind, without kNone.
constexpr std::array<double Faults::*, kFaultKindCount - 1> kRates = {
    &Faults::error_rate,     &Faults::limited_rate,  &Faults::hang_rate,
    &Faults::truncate_rate,  &Faults::wrong_id_rate, &Faults::close_rate,
    &Faults::malformed_rate, &Faults::drip_rate,     &Faults::extra_bytes_rate,
    &Faults::redirect_rate};

constexpr std::array<std::string_view, kMalformationCount> kMalformationNames = {
    "not_json", "cut",  "empty",   "negative", "fractional", "null",
    "huge",     "text", "missing", "array",    "oversized"};

struct Unit {
  std::string_view name;
  double microseconds;
};
constexpr std::array<Unit, 4> kUnits = {{{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}}};

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 60)) + "'"; }

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// A number and what follows it.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

Result<std::chrono::microseconds> parse_time(std::string_view text) {
  auto rest = trimmed(text);
  const auto number = take_number(rest);
  const auto unit = std::ranges::find(kUnits, rest, &Unit::name);
  const bool zero = number == 0 && rest.empty();
  if (!number || (unit == kUnits.end() && !zero)) {
    return fail(Errc::kInvalid, quoted(text) + " is not a time like 500us, 20ms, 1.5s or 2m");
  }
  const double time = zero ? 0 : *number * unit->microseconds;
  if (time > static_cast<double>(kTimeMax.count())) {
    return fail(Errc::kInvalid, quoted(text) + " is longer than an hour");
  }
  return std::chrono::microseconds(std::llround(time));
}

struct TimeRange {
  std::chrono::microseconds low;
  std::chrono::microseconds high;
};

Result<TimeRange> parse_time_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == text.npos) {
    return fail(Errc::kInvalid, quoted(text) + " is not a range of times like 1ms-20ms");
  }
  const auto low = parse_time(text.substr(0, dash));
  if (!low) return std::unexpected(low.error());
  const auto high = parse_time(text.substr(dash + 1));
  if (!high) return std::unexpected(high.error());
  if (*high < *low) {
    return fail(Errc::kInvalid, quoted(text) + " ends before it begins: swap its ends");
  }
  return TimeRange{*low, *high};
}

template <class Take>
Status for_each_piece(std::string_view text, Take take) {
  while (!trimmed(text).empty()) {
    const auto comma = text.find(',');
    if (const auto taken = take(trimmed(text.substr(0, comma))); !taken) return taken;
    text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
  }
  return {};
}

// "p50=20ms,p99=200ms": each of `names` once.
Result<std::map<std::string_view, Latency::Time>> parse_percentiles(
    std::string_view text, std::span<const std::string_view> names) {
  std::map<std::string_view, Latency::Time> times;
  const auto taken = for_each_piece(text, [&](std::string_view piece) -> Status {
    const auto equals = std::min(piece.find('='), piece.size());
    const auto name = std::ranges::find(names, piece.substr(0, equals));
    if (equals == piece.size() || name == names.end()) {
      return fail(Errc::kInvalid, quoted(piece) + " is not " + std::string(names.front()) +
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
  return Latency::Time(std::llround(std::clamp(count, 0.0, static_cast<double>(kTimeMax.count()))));
}

Result<double> parse_number(std::string_view text, double most) {
  auto rest = trimmed(text);
  const auto number = take_number(rest);
  if (!number || !rest.empty() || *number > most) {
    return fail(Errc::kInvalid, quoted(text) + " is not a number from 0 to " +
                                    std::to_string(static_cast<long>(most)));
  }
  return *number;
}

FaultOption rate_option(std::string_view name, double Faults::* rate, std::string_view help) {
  return {name,
          "RATE",
          "0",
          "a probability from 0 to 1",
          help,
          [rate](Faults& faults, std::string_view text) -> Status {
            const auto number = parse_number(text, 1);
            if (!number) return std::unexpected(number.error());
            faults.*rate = *number;
            return {};
          }};
}

Status set_latency(Faults& faults, std::string_view text) {
  const auto latency = Latency::parse(text);
  if (!latency) return std::unexpected(latency.error());
  faults.latency = *latency;
  return {};
}

Status set_rate_limit(Faults& faults, std::string_view text) {
  const auto number = parse_number(text, kRateLimitMax);
  if (!number) return std::unexpected(number.error());
  faults.rate_limit = *number;
  return {};
}

Status set_retry_after(Faults& faults, std::string_view text) {
  const auto time = parse_time(text);
  if (!time) return std::unexpected(time.error());
  if (*time % std::chrono::seconds(1) != std::chrono::microseconds(0)) {
    return fail(Errc::kInvalid, quoted(text) + " is not a number of whole seconds, like 5s");
  }
  faults.retry_after = std::chrono::duration_cast<std::chrono::seconds>(*time);
  return {};
}

Status set_drip_interval(Faults& faults, std::string_view text) {
  const auto time = parse_time(text);
  if (!time) return std::unexpected(time.error());
  const auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(*time);
  if (interval.count() == 0) return fail(Errc::kInvalid, quoted(text) + " is less than 1ms");
  faults.drip_interval = interval;
  return {};
}

std::string malformation_names() {
  std::string all;
  for (const auto name : kMalformationNames) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

Status set_malformations(Faults& faults, std::string_view text) {
  std::vector<Malformation> chosen;
  const auto taken = for_each_piece(text, [&](std::string_view piece) -> Status {
    const auto name = std::ranges::find(kMalformationNames, piece);
    if (name == kMalformationNames.end()) {
      return fail(Errc::kInvalid, quoted(piece) + " is none of " + malformation_names());
    }
    chosen.push_back(static_cast<Malformation>(name - kMalformationNames.begin()));
    return {};
  });
  if (taken) faults.malformations = std::move(chosen);
  return taken;
}

Status set_vanished(Faults& faults, std::string_view text) {
  const auto set = InfluencerSet::parse(text);
  if (!set) return std::unexpected(set.error());
  faults.vanished = *set;
  return {};
}

Status set_outages(Faults& faults, std::string_view text) {
  auto outages = Outage::parse(text);
  if (!outages) return std::unexpected(outages.error());
  faults.outages = std::move(*outages);
  return {};
}

Result<Outage> parse_outage(std::string_view piece) {
  const auto colon = std::min(piece.find(':'), piece.size());
  const auto kind = colon == piece.size() ? "refuse" : piece.substr(colon + 1);
  if (kind != "refuse" && kind != "500") {
    return fail(Errc::kInvalid, quoted(piece) + " must end with :refuse or :500");
  }
  const auto range = parse_time_range(piece.substr(0, colon));
  if (!range) return std::unexpected(range.error());
  return Outage{std::chrono::duration_cast<std::chrono::milliseconds>(range->low),
                std::chrono::duration_cast<std::chrono::milliseconds>(range->high),
                kind == "500" ? Outage::Kind::kError : Outage::Kind::kRefuse};
}

}  // namespace

std::string_view name_of(FaultKind kind) { return kFaultNames.at(std::to_underlying(kind)); }

std::string_view name_of(Malformation malformation) {
  return kMalformationNames.at(std::to_underlying(malformation));
}

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
  return fail(Errc::kInvalid,
              quoted(text.substr(0, colon)) + " is none of fixed, uniform, exponential, lognormal");
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

Result<std::vector<Outage>> Outage::parse(std::string_view text) {
  std::vector<Outage> outages;
  const auto taken = for_each_piece(text, [&](std::string_view piece) -> Status {
    const auto outage = parse_outage(piece);
    if (!outage) return std::unexpected(outage.error());
    outages.push_back(*outage);
    return {};
  });
  if (!taken) return std::unexpected(taken.error());
  return outages;
}

bool Faults::none() const {
  return std::ranges::all_of(kRates, [this](auto rate) { return this->*rate == 0; }) &&
         latency.shape == Latency::Shape::kNone && rate_limit == 0 && vanished.empty() &&
         outages.empty();
}

FaultKind Faults::pick(std::uint64_t random) const {
  double left = unit_of(random);
  for (std::size_t i = 0; i < kRates.size(); ++i) {
    const double rate = this->*kRates[i];
    if (left < rate) return static_cast<FaultKind>(i + 1);
    left -= rate;
  }
  return FaultKind::kNone;
}

Status check(const Faults& faults) {
  double sum = 0;
  for (const auto rate : kRates) sum += faults.*rate;
  // Ten rates of 0.1 are a little more than 1 in binary.
  if (sum <= 1 + 1e-9) return {};
  return fail(Errc::kInvalid, "the rates of faults are " + std::to_string(sum) +
                                  " together: lower them to a sum of at most 1");
}

std::span<const FaultOption> fault_options() {
  static const std::vector<FaultOption> kOptions = {
      {"latency", "TIMES", "0",
       "a time, fixed:5ms, uniform:1ms-20ms, exponential:p50=20ms or lognormal:p50=20ms,p99=200ms",
       "How long an answer takes.", set_latency},
      rate_option("error_rate", &Faults::error_rate, "Answers 500."),
      rate_option("limited_rate", &Faults::limited_rate, "Answers 429 with Retry-After."),
      {"rate_limit", "REQUESTS", "0", "requests a second, 0 to 10000000; 0: no limit",
       "Answers 429 to what comes faster than this.", set_rate_limit},
      {"retry_after", "TIME", "1s", "whole seconds, like 5s", "What a 429 says in Retry-After.",
       set_retry_after},
      rate_option("hang_rate", &Faults::hang_rate, "Never answers; the connection stays open."),
      rate_option("close_rate", &Faults::close_rate, "Closes the connection without an answer."),
      rate_option("truncate_rate", &Faults::truncate_rate,
                  "Stops half way in the body and closes the connection."),
      rate_option("drip_rate", &Faults::drip_rate, "Sends the answer byte by byte."),
      {"drip_interval", "TIME", "20ms", "a time from 1ms to 1 hour",
       "Between the bytes of a dripping answer.", set_drip_interval},
      rate_option("extra_bytes_rate", &Faults::extra_bytes_rate,
                  "Sends more after the answer: noise, or an answer that nobody asked for."),
      rate_option("wrong_id_rate", &Faults::wrong_id_rate, "Answers for another influencer."),
      rate_option("malformed_rate", &Faults::malformed_rate,
                  "Answers 200 with a body that is not what was asked for."),
      {"malformations", "NAMES", "",
       "some of not_json, cut, empty, negative, fractional, null, huge, text, missing, array, "
       "oversized",
       "What is wrong with malformed bodies; empty: each of them in turn.", set_malformations},
      rate_option("redirect_rate", &Faults::redirect_rate, "Answers 302."),
      {"vanished", "IDS", "", "ids and ranges like 1000-1999,5",
       "Influencers that are answered as unknown.", set_vanished},
      {"outages", "TIMES", "", "ranges like 10s-20s:refuse,30s-40s:500",
       "When, after the start, connections are refused or every answer is 500.", set_outages},
  };
  return kOptions;
}

Result<Faults> parse_faults(const std::map<std::string, std::string>& texts) {
  Faults faults;
  for (const auto& [name, text] : texts) {
    const auto option = std::ranges::find(fault_options(), name, &FaultOption::name);
    if (option == fault_options().end()) {
      return fail(Errc::kInvalid, quoted(name) + " is not a fault: see the command's help");
    }
    if (const auto set = option->set(faults, text); !set) return fail(name, set.error());
  }
  if (const auto sound = check(faults); !sound) return std::unexpected(sound.error());
  return faults;
}

}  // namespace ia
