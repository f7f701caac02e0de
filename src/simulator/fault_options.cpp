#include <algorithm>
#include <utility>

#include "simulator/fault_texts.h"
#include "simulator/faults.h"

namespace ia {
namespace {

constexpr double kRateLimitMax = 10'000'000;

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

constexpr std::string_view kLatencies =
    "a time, fixed:5ms, uniform:1ms-20ms, exponential:p50=20ms or lognormal:p50=20ms,p99=200ms";

FaultOption latency_option(std::string_view name, Latency Faults::* latency,
                           std::string_view help) {
  return {name,
          "TIMES",
          "0",
          kLatencies,
          help,
          [latency](Faults& faults, std::string_view text) -> Status {
            const auto parsed = Latency::parse(text);
            if (!parsed) return std::unexpected(parsed.error());
            faults.*latency = *parsed;
            return {};
          }};
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
    return fail(Errc::kInvalid, in_quotes(text) + " is not a number of whole seconds, like 5s");
  }
  faults.retry_after = std::chrono::duration_cast<std::chrono::seconds>(*time);
  return {};
}

Status set_drip_interval(Faults& faults, std::string_view text) {
  const auto time = parse_time(text);
  if (!time) return std::unexpected(time.error());
  const auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(*time);
  if (interval.count() == 0) return fail(Errc::kInvalid, in_quotes(text) + " is less than 1ms");
  faults.drip_interval = interval;
  return {};
}

std::string malformation_names() {
  std::string all;
  for (std::size_t i = 0; i < kMalformationCount; ++i) {
    all += (i == 0 ? "" : ", ") + std::string(name_of(static_cast<Malformation>(i)));
  }
  return all;
}

Status set_malformations(Faults& faults, std::string_view text) {
  std::vector<Malformation> chosen;
  const auto taken = for_each_piece(text, [&](std::string_view piece) -> Status {
    for (std::size_t i = 0; i < kMalformationCount; ++i) {
      const auto known = static_cast<Malformation>(i);
      if (name_of(known) == piece) return chosen.push_back(known), Status{};
    }
    return fail(Errc::kInvalid, in_quotes(piece) + " is none of " + malformation_names());
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

}  // namespace

std::span<const FaultOption> fault_options() {
  static const std::vector<FaultOption> kOptions = {
      latency_option("latency", &Faults::latency, "How long an answer takes."),
      latency_option("check_latency", &Faults::check_latency,
                     "How long a check takes on top; 0: as at the real server, a second, give or "
                     "take one."),
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
      return fail(Errc::kInvalid, in_quotes(name) + " is not a fault: see the command's help");
    }
    if (const auto set = option->set(faults, text); !set) return fail(name, set.error());
  }
  if (const auto sound = check(faults); !sound) return std::unexpected(sound.error());
  return faults;
}

}  // namespace ia
