#include <fmt/format.h>

#include <array>

#include "api/parameters.h"
#include "api/routes.h"
#include "api/series_encoding.h"
#include "api/series_request.h"

namespace ia {
namespace {

using std::chrono::minutes;

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
  const auto series = read_series(context_, observed_, id, range);
  if (!series) return refuse(series.error());
  response.content_type = content_type::kJson;
  const auto add_values = [&](Hash64& hash) {
    add(hash, {.range = range});
    add(hash, id, *series);
  };
  if (set_caching(request, range, observed_.final_before(), add_values, response)) return {};
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
  head.cut = take_cut(parameters, context_.clock.wall(), 1);
  const auto format = parameters.choice("format", kFormats);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto series = read_series(context_, observed_, head.influencer, head.cut.range);
  if (!series) return refuse(series.error());
  response.content_type = format == kCsv ? content_type::kCsv : content_type::kJson;
  const auto add_values = [&](Hash64& hash) {
    hash.add(format + 1);
    add(hash, head.cut);
    add(hash, head.influencer, *series);
  };
  const auto final_before = observed_.final_before();
  if (set_caching(request, head.cut.range, final_before, add_values, response)) return {};
  const auto buckets = aggregate(*series, head.cut.step, head.cut.how);
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
