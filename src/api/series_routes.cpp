#include <fmt/format.h>

#include <array>

#include "api/hash.h"
#include "api/parameters.h"
#include "api/routes.h"
#include "api/series_encoding.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::uint64_t kPointsMax = 50'000;
constexpr minutes kRangeMax{366 * 24 * 60};
constexpr std::array<std::string_view, 4> kAggregates = {"max", "min", "avg", "last"};
enum Format : std::uint8_t { kRows, kColumns, kCsv };
constexpr std::array<std::string_view, 3> kFormats = {"rows", "columns", "csv"};

void check_points(Parameters& parameters, MinuteRange range, minutes step) {
  const auto buckets = bucket_count(range, step);
  if (!parameters.is_valid() || buckets <= kPointsMax) return;
  parameters.reject(
      "step", fmt::format("would give {} points, at most {} are allowed: ask for {}m or more, or "
                          "for a shorter range",
                          buckets, kPointsMax, smallest_step(range, kPointsMax).count()));
}

std::string etag_of(const Series& series, const SeriesHead& head, std::uint64_t form) {
  Hash64 hash;
  hash.add(form);
  hash.add(number_of(head.influencer));
  hash.add(static_cast<std::uint64_t>(head.range.begin.time_since_epoch().count()));
  hash.add(static_cast<std::uint64_t>(head.range.end.time_since_epoch().count()));
  hash.add(static_cast<std::uint64_t>(head.step.count()));
  hash.add(static_cast<std::uint64_t>(head.how));
  hash.add(series.size());
  for (const auto minute : series.minutes) {
    hash.add(static_cast<std::uint64_t>(minute.time_since_epoch().count()));
  }
  hash.add(series.followers);
  hash.add(series.following);
  return fmt::format("\"{:016x}\"", hash.value());
}

// The ETag is of the values: the same ones give the same bytes. True when the client has them.
bool set_caching(const RouteRequest& request, const Series& series, const SeriesHead& head,
                 std::uint64_t form, Minute final_before, HttpResponse& response) {
  response.cache_control = cache_control::kRevalidate;
  if (head.range.end > final_before) return false;
  response.cache_control = cache_control::kForever;
  response.etag = etag_of(series, head, form);
  return names_etag(request.http.if_none_match, response.etag);
}

}  // namespace

Answer SeriesRoutes::analytics(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"start_time", "end_time"});
  const auto id = parameters.influencer(request.id);
  const auto times = parameters.times("start_time", "end_time", context_.clock.wall());
  const MinuteRange range{minute_of(times.start), minute_of(times.end) + minutes{1}};
  if (parameters.is_valid() && bucket_count(range, minutes{1}) > kPointsMax) {
    parameters.reject("start_time", fmt::format("must be at most {} minutes before end_time; "
                                                "/api/v1/influencers/{}/series has longer steps",
                                                kPointsMax - 1, number_of(id)));
  }
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto series = context_.store.read_series(id, range);
  if (!series) return refuse(problem_of(series.error()));
  if (series->size() == 0) {
    const auto known = observed_.is_known(id);
    if (!known) return refuse(problem_of(known.error()));
    if (!*known) return refuse(unknown_influencer(id));
  }
  response.content_type = content_type::kJson;
  const SeriesHead head{.influencer = id, .range = range};
  const auto final_before = observed_.final_before();
  if (set_caching(request, *series, head, kFormats.size(), final_before, response)) return {};
  encode_analytics(*series, response.body);
  return {};
}

Answer SeriesRoutes::series(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"start", "end", "step", "aggregate", "format"});
  SeriesHead head{.influencer = parameters.influencer(request.id)};
  const auto times = parameters.times("start", "end", context_.clock.wall());
  head.range = minutes_between(times.start, times.end);
  head.step = parameters.step("step", minutes{1});
  const auto how = parameters.choice("aggregate", kAggregates);
  head.how = static_cast<Aggregate>(how);
  head.aggregate_name = kAggregates[how];
  const auto format = parameters.choice("format", kFormats);
  if (parameters.is_valid() && head.range.end - head.range.begin > kRangeMax) {
    parameters.reject("start", "must be at most 366 days before end");
  }
  check_points(parameters, head.range, head.step);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto series = context_.store.read_series(head.influencer, head.range);
  if (!series) return refuse(problem_of(series.error()));
  if (series->size() == 0) {
    const auto known = observed_.is_known(head.influencer);
    if (!known) return refuse(problem_of(known.error()));
    if (!*known) return refuse(unknown_influencer(head.influencer));
  }
  response.content_type = format == kCsv ? content_type::kCsv : content_type::kJson;
  if (set_caching(request, *series, head, format, observed_.final_before(), response)) return {};
  const auto buckets = aggregate(*series, head.step, head.how);
  switch (format) {
    case kRows:
      encode_rows(head, buckets, response.body);
      break;
    case kColumns:
      encode_columns(head, buckets, response.body);
      break;
    default:
      response.headers +=
          fmt::format("Content-Disposition: attachment; filename=\"influencer-{}.csv\"\r\n",
                      number_of(head.influencer));
      encode_csv(head, buckets, response.body);
  }
  return {};
}

}  // namespace ia
