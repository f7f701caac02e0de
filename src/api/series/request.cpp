#include "api/series/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ia {
namespace {

using std::chrono::minutes;

constexpr minutes kRangeMax{366 * 24 * 60};
constexpr std::chrono::days kMonth{31};
constexpr minutes kShort{2 * 24 * 60 + 1};
constexpr std::array<std::string_view, 4> kAggregates = {"max", "min", "avg", "last"};

void check_points(Parameters& parameters, const SeriesCut& cut, std::size_t influencers) {
  const auto buckets_max = kPointsMax / influencers;
  const auto buckets = bucket_count(cut.range, cut.step);
  if (!parameters.is_valid() || buckets <= buckets_max) return;
  parameters.reject(
      "step", fmt::format("would give {} points, at most {} are allowed: ask for {}m or more, or "
                          "for a shorter range",
                          buckets * influencers, kPointsMax,
                          smallest_step(cut.range, buckets_max).count()));
}

}  // namespace

SeriesCut take_cut(Parameters& parameters, WallTime now, std::size_t influencers) {
  const auto times = parameters.times("start", "end", now);
  SeriesCut cut{.range = minutes_between(times.start, times.end),
                .step = parameters.step("step", minutes{1})};
  const auto how = parameters.choice("aggregate", kAggregates);
  cut.how = static_cast<Aggregate>(how);
  cut.aggregate_name = kAggregates[how];
  if (parameters.is_valid() && cut.range.end - cut.range.begin > kRangeMax) {
    parameters.reject("start", "must be at most 366 days before end");
  }
  check_points(parameters, cut, influencers);
  return cut;
}

bool takes_long(MinuteRange range, std::size_t influencers) {
  return range.end - range.begin > kShort / static_cast<int>(std::max<std::size_t>(influencers, 1));
}

MinuteRange take_month(Parameters& parameters, WallTime now) {
  const auto times = parameters.times("start", "end", now);
  const auto range = minutes_between(times.start, times.end);
  if (parameters.is_valid() && range.end - range.begin > kMonth + minutes{1}) {
    parameters.reject("start", fmt::format("must be at most {} days before end", kMonth.count()));
  }
  return range;
}

std::expected<Series, Problem> read_series(const ApiContext& context, Observed& observed,
                                           InfluencerId id, MinuteRange range) {
  auto series = context.store.read_series(id, range);
  if (!series) return std::unexpected(problem_of(series.error()));
  if (series->size() > 0) return std::move(*series);
  const auto known = observed.is_known(id);
  if (!known) return std::unexpected(problem_of(known.error()));
  if (!*known) return std::unexpected(unknown_influencer(id));
  return std::move(*series);
}

void add(Hash64& hash, const SeriesCut& cut) {
  hash.add(static_cast<std::uint64_t>(cut.range.begin.time_since_epoch().count()));
  hash.add(static_cast<std::uint64_t>(cut.range.end.time_since_epoch().count()));
  hash.add(static_cast<std::uint64_t>(cut.step.count()));
  hash.add(static_cast<std::uint64_t>(cut.how));
}

void add(Hash64& hash, InfluencerId id, const Series& series) {
  hash.add(number_of(id));
  hash.add(series.size());
  for (const auto minute : series.minutes) {
    hash.add(static_cast<std::uint64_t>(minute.time_since_epoch().count()));
  }
  hash.add(series.followers);
  hash.add(series.following);
}

bool set_caching(const RouteRequest& request, MinuteRange range, Minute final_before,
                 const std::function<void(Hash64& hash)>& add_values, HttpResponse& response) {
  response.cache_control = cache_control::kRevalidate;
  if (range.end > final_before) return false;
  response.cache_control = cache_control::kForever;
  Hash64 hash;
  add_values(hash);
  response.etag = etag_of(hash);
  return names_etag(request.http.if_none_match, response.etag);
}

}  // namespace ia
