#include "api/parameters.h"
#include "api/routes/routes.h"
#include "api/series/compare.h"
#include "api/series/damage.h"
#include "api/series/request.h"

namespace ia {
namespace {

constexpr std::size_t kInfluencersMin = 2;
constexpr std::size_t kInfluencersMax = 10;
enum Format : std::uint8_t { kColumns, kRows, kCsv };
constexpr std::array<std::string_view, 3> kFormats = {"columns", "rows", "csv"};
constexpr std::array<std::string_view, 3> kScales = {"absolute", "indexed", "percent"};

void encode(std::size_t format, const CompareHead& head, std::span<const Compared> series,
            HttpResponse& response) {
  switch (format) {
    case kColumns:
      return encode_compared_columns(head, series, response.body);
    case kRows:
      return encode_compared_rows(head, series, response.body);
    default:
      response.headers += "Content-Disposition: attachment; filename=\"compare.csv\"\r\n";
      return encode_compared_csv(head, series, response.body);
  }
}

}  // namespace

Answer CompareRoutes::compare(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query,
                        {"influencers", "start", "end", "step", "aggregate", "format", "scale"});
  const auto ids = parameters.influencers("influencers", kInfluencersMin, kInfluencersMax);
  CompareHead head;
  head.cut = take_cut(parameters, context_.clock.wall(), std::max(ids.size(), kInfluencersMin));
  const auto format = parameters.choice("format", kFormats);
  const auto scale = parameters.choice("scale", kScales);
  head.scale = static_cast<Scale>(scale);
  head.scale_name = kScales[scale];
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const bool is_long = takes_long(head.cut.range, ids.size());
  if (is_long && !request.is_aside()) return refuse(takes_longer());
  std::vector<Series> all;
  for (const auto id : ids) {
    auto series = read_series(context_, observed_, id, head.cut.range);
    if (!series) return refuse(series.error());
    all.push_back(std::move(*series));
  }
  response.content_type = format == kCsv ? content_type::kCsv : content_type::kJson;
  const auto add_values = [&](Hash64& hash) {
    hash.add(format * kScales.size() + scale);
    add(hash, head.cut);
    for (std::size_t i = 0; i < ids.size(); ++i) add(hash, ids[i], all[i]);
  };
  std::vector<MinuteRange> damaged;
  for (const auto& one : all) damaged.insert(damaged.end(), one.damaged.begin(), one.damaged.end());
  const auto final_before = damaged.empty() ? observed_.final_before() : Minute::min();
  tell_damage(std::move(damaged), response);
  if (set_caching(request, head.cut.range, final_before, add_values, response)) return {};
  std::vector<Compared> compared;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto buckets = aggregate(all[i], head.cut.step, head.cut.how);
    compared.push_back(lay_out(ids[i], buckets, head.cut, head.scale));
  }
  encode(format, head, compared, response);
  return {};
}

}  // namespace ia
