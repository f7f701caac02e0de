#include <algorithm>
#include <ranges>

#include "api/id_json.h"
#include "api/parameters.h"
#include "api/routes/routes.h"
#include "api/series/damage.h"
#include "api/series/request.h"
#include "base/json.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::size_t kGapsMax = 1'000;
constexpr std::string_view kNotWatched = "not_watched";
constexpr std::string_view kDamaged = "damaged";

// Minutes that follow each other, all without a value for the same reason.
struct Gap {
  Minute first;
  Minute last;
  std::uint64_t count;
  std::string_view reason;
};

// Where a value may have been that cannot be read any more.
bool is_damaged(const Series& series, Minute minute) {
  return std::ranges::any_of(series.damaged,
                             [&](const MinuteRange& range) { return range.contains(minute); });
}

// Closed minutes in which somebody was due and the influencer has no value.
std::vector<MinuteStats> without_value(std::vector<MinuteStats> rows, const Series& series,
                                       const Registry& registry, InfluencerId id) {
  std::erase_if(rows, [&](const MinuteStats& row) {
    const bool is_others_turn =
        registry.influencers.contains(id) && !registry.is_due(id, row.minute);
    const bool has_value = std::ranges::binary_search(series.minutes, row.minute);
    const bool may_be_lost = is_damaged(series, row.minute) || is_lost(row);
    if (may_be_lost && !has_value) return is_others_turn;
    return !row.closed || row.due == 0 || is_others_turn || has_value;
  });
  return rows;
}

// Of those who were not missed by name, nothing was heard.
std::string_view unnamed_reason(const MinuteStats& row, bool is_watched) {
  return is_watched && row.rest > 0 ? name_of(row.rest_reason) : kNotWatched;
}

// A beginning is no gap: minutes before it was watched, and before all that is known of it.
void leave_out_before(Minute since, const Series& series, const std::vector<MissAt>& misses,
                      std::vector<MinuteStats>& rows) {
  auto first = since;
  if (series.size() > 0) first = std::min(first, series.minutes.front());
  if (!series.damaged.empty()) first = std::min(first, series.damaged.front().begin);
  if (!misses.empty()) first = std::min(first, misses.front().minute);
  std::erase_if(rows, [&](const MinuteStats& row) { return row.minute < first; });
}

std::vector<Gap> joined(const std::vector<MinuteStats>& empty, const Series& series,
                        const std::vector<MissAt>& misses, const Registry& registry,
                        InfluencerId id) {
  const bool is_watched = registry.influencers.contains(id);
  const auto since = registry.watched.since(id);
  std::vector<Gap> gaps;
  auto miss = misses.begin();
  for (const auto& row : empty) {
    const bool is_named = miss != misses.end() && miss->minute == row.minute;
    const bool may_be_lost = is_damaged(series, row.minute) || is_lost(row);
    const bool was_watched = is_watched && row.minute >= since;
    const auto unnamed = may_be_lost ? kDamaged : unnamed_reason(row, was_watched);
    const auto reason = is_named ? name_of(miss->reason) : unnamed;
    if (is_named) ++miss;
    const bool goes_on = !gaps.empty() && gaps.back().reason == reason &&
                         row.minute - gaps.back().last <= registry.schedule.interval;
    if (!goes_on) gaps.push_back({row.minute, row.minute, 0, reason});
    gaps.back().last = row.minute;
    ++gaps.back().count;
  }
  return gaps;
}

}  // namespace

Answer GapRoutes::gaps(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"start", "end"});
  const auto id = parameters.influencer(request.id);
  const auto range = take_month(parameters, context_.clock.wall());
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto registry = observed_.registry();
  if (!registry) return refuse(problem_of(registry.error()));
  const auto horizon = context_.store.horizon();
  if (!horizon) return refuse(problem_of(horizon.error()));
  // Before the values, as what comes in between would look like a gap.
  auto rows = context_.store.read_minutes({std::max(range.begin, *horizon), range.end});
  if (!rows) return refuse(problem_of(rows.error()));
  const auto series = read_series(context_, observed_, id, range);
  if (!series) return refuse(series.error());
  auto empty = without_value(std::move(*rows), *series, **registry, id);
  std::vector<Minute> named;
  for (const auto& row : empty) {
    if (row.missed_total() > row.rest) named.push_back(row.minute);
  }
  const auto misses = context_.store.read_misses(id, named);
  if (!misses) return refuse(problem_of(misses.error()));
  leave_out_before((*registry)->watched.since(id), *series, *misses, empty);
  const auto gaps = joined(empty, *series, *misses, **registry, id);

  tell_damage(series->damaged, response);
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  write_id(json, "id", id);
  json.member("start", WallTime{range.begin});
  json.member("end", WallTime{range.end});
  json.member("kept_since", *horizon > Minute{} ? std::optional(WallTime{*horizon}) : std::nullopt);
  json.member("values", series->size());
  json.member("minutes", empty.size());
  json.key("items");
  json.begin_array();
  for (const auto& gap : gaps | std::views::reverse | std::views::take(kGapsMax)) {
    json.begin_object();
    json.member("start", WallTime{gap.first});
    json.member("end", WallTime{gap.last + minutes{1}});
    json.member("minutes", gap.count);
    json.member("reason", gap.reason);
    json.end_object();
  }
  json.end_array();
  json.member("more", gaps.size() > kGapsMax);
  json.end_object();
  return {};
}

}  // namespace ia
