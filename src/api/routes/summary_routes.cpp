#include <algorithm>

#include "api/id_json.h"
#include "api/parameters.h"
#include "api/routes/routes.h"
#include "api/series/damage.h"
#include "api/standing_json.h"
#include "base/json.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::size_t kTop = 10;
constexpr minutes kMinutesMax{7 * 24 * 60};
constexpr minutes kMinutesFallback{60};
constexpr minutes kMinutesShort{6 * 60};

std::optional<double> average(std::int64_t sum, std::uint64_t count) {
  if (count == 0) return std::nullopt;
  return static_cast<double>(sum) / static_cast<double>(count);
}

void write_missed(JsonWriter& json, const MissCounts& missed) {
  json.key("missed");
  json.begin_object();
  for (std::size_t i = 0; i < missed.size(); ++i) {
    if (missed[i] > 0) json.member(name_of(static_cast<MissReason>(i)), missed[i]);
  }
  json.end_object();
}

// What of a minute is null where its account is lost.
template <class T>
std::optional<T> unless_lost(const MinuteStats& stats, T value) {
  return is_lost(stats) ? std::nullopt : std::optional(value);
}

void write_minute(JsonWriter& json, const MinuteStats& stats) {
  json.begin_object();
  json.member("minute", WallTime{stats.minute});
  json.member("due", unless_lost(stats, stats.due));
  json.member("stored", unless_lost(stats, stats.stored));
  json.member("repeats", unless_lost(stats, stats.repeats));
  write_missed(json, stats.missed);
  json.member("missed_total", unless_lost(stats, stats.missed_total()));
  json.member("open", unless_lost(stats, stats.open()));
  json.member("closed", stats.closed);
  json.member("damaged", stats.damaged);
  json.member("coverage", unless_lost(stats, stats.coverage()));
  json.member("followers_average", average(stats.followers_sum, stats.stored));
  json.member("following_average", average(stats.following_sum, stats.stored));
  const bool has_values = stats.stored > 0;
  json.member("first_retrieved_at",
              has_values ? std::optional(stats.first_retrieved_at) : std::nullopt);
  json.member("last_retrieved_at",
              has_values ? std::optional(stats.last_retrieved_at) : std::nullopt);
  json.end_object();
}

void write_queue(JsonWriter& json, std::string_view name, const std::optional<QueueDepth>& depth) {
  json.key(name);
  if (!depth) return json.null();
  json.begin_object();
  json.member("visible", depth->visible);
  json.member("in_flight", depth->in_flight);
  json.member("delayed", depth->delayed);
  json.member("dead", depth->dead);
  json.member("oldest_age_seconds", std::chrono::duration<double>(depth->oldest_age).count());
  json.end_object();
}

void write_cost(JsonWriter& json, const std::optional<QueueCost>& cost) {
  json.key("queue_bill");
  if (!cost) return json.null();
  json.begin_object();
  json.member("processes", cost->processes);
  json.member("requests_per_day", cost->requests_per_day);
  json.member("usd_per_day", cost->usd_per_day);
  json.member("message_each_usd_per_day", cost->message_each_usd_per_day);
  json.end_object();
}

void write_workers(JsonWriter& json, const std::optional<std::vector<FleetEntry>>& workers) {
  json.key("workers");
  if (!workers) return json.null();
  json.begin_array();
  for (const auto& worker : *workers) {
    json.begin_object();
    json.member("process", std::string_view(worker.process));
    json.member("stage", std::string_view(worker.report.stage));
    json.member("upstream_requests", worker.report.upstream_requests);
    json.member("upstream_share",
                worker.upstream_share > 0 ? std::optional(worker.upstream_share) : std::nullopt);
    json.member("seen_at", worker.renewed_at);
    json.end_object();
  }
  json.end_array();
}

void write_failures(JsonWriter& json, const std::optional<std::vector<FailureExample>>& examples) {
  json.key("failure_examples");
  if (!examples) return json.null();
  json.begin_array();
  for (const auto& example : *examples) {
    json.begin_object();
    json.member("reason", name_of(example.reason));
    write_id(json, "influencer", example.influencer);
    json.member("status",
                example.status > 0 ? std::optional<std::uint64_t>(example.status) : std::nullopt);
    json.member("text", std::string_view(example.text));
    json.member("at", example.at);
    json.member("count", example.count);
    json.end_object();
  }
  json.end_array();
}

void write_board(JsonWriter& json, const LeaderboardSnapshot& board, const VerdictBook* verdicts,
                 WallTime now) {
  const bool has_values = board.size() > 0;
  json.member("as_of", board.published_at());
  json.member("with_value", board.size());
  json.member("followers_average", board.followers_average());
  json.member("followers_median", board.followers_median());
  json.member("followers_total", board.followers_total());
  json.member("following_total", board.following_total());
  json.member("data_age_seconds", has_values
                                      ? std::optional(age_seconds(now, board.newest_retrieved_at()))
                                      : std::nullopt);
  json.key("top");
  json.begin_array();
  for (std::size_t i = 0; i < std::min(kTop, board.size()); ++i) {
    const auto standing = board.at_position(i);
    json.begin_object();
    write_standing(json, standing.influencer, standing, verdicts);
    json.end_object();
  }
  json.end_array();
}

void write_newest_minute(JsonWriter& json, const std::optional<MinuteStats>& newest, WallTime now) {
  std::optional<double> lag;
  if (newest) lag = age_seconds(now, newest->minute + minutes{1});
  json.member("lag_seconds", lag);
  json.member("points_stored_last_minute", newest ? std::optional(newest->stored) : std::nullopt);
  json.key("minute");
  if (newest) {
    write_minute(json, *newest);
  } else {
    json.null();
  }
}

void write_verdicts(JsonWriter& json, const std::optional<VerdictCounts>& known) {
  json.key("verdicts");
  if (!known) return json.null();
  const auto& counts = *known;
  json.begin_object();
  json.member("checked", counts.checked);
  json.member("checked_last_day", counts.checked_last_day);
  json.member("suspicious", counts.suspicious);
  json.member("suspicious_share",
              average(static_cast<std::int64_t>(counts.suspicious), counts.checked));
  json.member("oldest_checked_at", counts.oldest_checked_at);
  json.end_object();
}

// What each window's growth is measured from, as far as it is known yet.
void write_movers(JsonWriter& json, const MoversSnapshot& movers) {
  json.key("movers_since");
  json.begin_object();
  for (std::size_t i = 0; i < kMoverWindows.size(); ++i) {
    json.member(kMoverWindows[i].name,
                movers[i] ? std::optional(WallTime{movers[i]->since}) : std::nullopt);
  }
  json.end_object();
}

// The last hour, or up to now; `start` alone goes on to now.
MinuteRange take_minutes(Parameters& parameters, WallTime now) {
  const auto [start, end] = parameters.times("start", "end", now, kMinutesFallback);
  const auto range = minutes_between(start, end);
  if (!parameters.is_valid()) return range;
  if (range.end - range.begin > kMinutesMax + minutes{1}) {
    parameters.reject("start", "must be at most 7 days before end");
  }
  return range;
}

}  // namespace

Answer SummaryRoutes::summary(const RouteRequest& request, HttpResponse& response) {
  if (const Parameters none(request.query, {}); !none.is_valid()) return refuse(none.problem());
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  return write_summary(*context_.leaderboard(), response.body);
}

Answer SummaryRoutes::write_summary(const LeaderboardSnapshot& board, std::string& out) const {
  const auto newest = observed_.newest_complete_minute();
  if (!newest) return refuse(problem_of(newest.error()));
  const auto pipeline = observed_.pipeline();
  const auto now = context_.clock.wall();
  JsonWriter json(out);
  json.begin_object();
  json.member("version", std::string_view(context_.version));
  json.member("registered", pipeline.registered);
  write_board(json, board, context_.verdicts, now);
  write_newest_minute(json, **newest, now);
  write_verdicts(json, observed_.verdict_counts());
  write_movers(json, context_.movers());
  json.key("queues");
  json.begin_object();
  write_queue(json, "influencer_id_store", pipeline.id_queue);
  write_queue(json, "influencer_data_points", pipeline.point_queue);
  json.end_object();
  write_cost(json, pipeline.queue_cost);
  write_workers(json, pipeline.workers);
  write_failures(json, pipeline.failure_examples);
  json.end_object();
  return {};
}

Answer SummaryRoutes::minutes(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"start", "end"});
  const auto range = take_minutes(parameters, context_.clock.wall());
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const bool is_long = range.end - range.begin > kMinutesShort;
  if (is_long && !request.is_aside()) return refuse(takes_longer());
  const auto rows = context_.store.read_minutes(range);
  if (!rows) return refuse(problem_of(rows.error()));
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("start", WallTime{range.begin});
  json.member("end", WallTime{range.end});
  json.key("items");
  json.begin_array();
  for (const auto& row : *rows) write_minute(json, row);
  json.end_array();
  json.end_object();
  return {};
}

}  // namespace ia
