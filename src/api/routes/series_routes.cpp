#include <fmt/format.h>

#include <array>

#include "api/parameters.h"
#include "api/routes/routes.h"
#include "api/series/damage.h"
#include "api/series/encoding.h"
#include "api/series/request.h"

namespace ia {
namespace {

using std::chrono::minutes;

enum Format : std::uint8_t { kRows, kColumns, kCsv, kLine };
constexpr std::array<std::string_view, 4> kFormats = {"rows", "columns", "csv", "line"};

std::string_view type_of(std::size_t format) {
  if (format == kCsv) return content_type::kCsv;
  return format == kLine ? content_type::kText : content_type::kJson;
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
  if (takes_long(range, 1) && !request.is_aside()) return refuse(takes_longer());
  const auto series = read_series(context_, observed_, id, range);
  if (!series) return refuse(series.error());
  response.content_type = content_type::kJson;
  const auto add_values = [&](Hash64& hash) {
    add(hash, {.range = range});
    add(hash, id, *series);
  };
  tell_damage(series->damaged, response);
  const bool is_whole = series->damaged.empty();
  const auto final_before = is_whole ? observed_.final_before() : Minute::min();
  if (set_caching(request, range, final_before, add_values, response)) return {};
  encode_analytics(*series, response.body);
  return {};
}

Answer SeriesRoutes::series(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"start", "end", "step", "aggregate", "format"});
  SeriesHead head{.influencer = parameters.influencer(request.id)};
  head.cut = take_cut(parameters, context_.clock.wall(), 1);
  const auto format = parameters.choice("format", kFormats);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  if (takes_long(head.cut.range, 1) && !request.is_aside()) return refuse(takes_longer());
  const auto series = read_series(context_, observed_, head.influencer, head.cut.range);
  if (!series) return refuse(series.error());
  response.content_type = type_of(format);
  const auto add_values = [&](Hash64& hash) {
    hash.add(format + 1);
    add(hash, head.cut);
    add(hash, head.influencer, *series);
  };
  tell_damage(series->damaged, response);
  const auto final_before = series->damaged.empty() ? observed_.final_before() : Minute::min();
  if (set_caching(request, head.cut.range, final_before, add_values, response)) return {};
  const auto buckets = aggregate(*series, head.cut.step, head.cut.how);
  switch (format) {
    case kRows:
      encode_rows(head, buckets, response.body);
      break;
    case kColumns:
      encode_columns(head, buckets, response.body);
      break;
    case kLine:
      encode_line_protocol(head, buckets, response.body);
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
