#include <algorithm>
#include <array>

#include "api/id_json.h"
#include "api/parameters.h"
#include "api/routes/routes.h"
#include "api/series/damage.h"
#include "api/series/growth.h"
#include "api/series/request.h"
#include "api/standing_json.h"
#include "base/json.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::uint64_t kLimit = 10;
constexpr std::uint64_t kLimitMax = 100;
constexpr minutes kSlack{10};
constexpr int kRetryAfterSeconds = 5;
constexpr std::array<std::string_view, 2> kOrders = {"absolute", "percent"};
constexpr std::array<std::string_view, 2> kDirections = {"up", "down"};
constexpr std::array<std::string_view, 3> kWindows = {"hour", "day", "week"};

std::optional<double> percent_of(std::int64_t change, std::int64_t before) {
  if (before == 0) return std::nullopt;
  return 100 * static_cast<double>(change) / static_cast<double>(before);
}

Problem no_base_yet(std::string_view window) {
  return {.status = 503,
          .kind = "not-ready",
          .title = "Not ready",
          .detail = "What everyone had at the beginning of the " + std::string(window) +
                    " is not read yet: it takes seconds to minutes after a start, and at least one "
                    "complete minute.",
          .retry_after_seconds = kRetryAfterSeconds};
}

void write_mover(JsonWriter& json, const Mover& mover, const LeaderboardSnapshot& board) {
  const auto standing = board.find(mover.influencer);
  json.begin_object();
  write_name(json, mover.influencer, board.username_of(mover.influencer));
  json.member("follower_count_before", mover.before);
  json.member("follower_count", mover.now);
  json.member("change", mover.change());
  json.member("percent", percent_of(mover.change(), mover.before));
  json.member("rank", standing ? std::optional(standing->rank) : std::nullopt);
  json.end_object();
}

void write_growth(JsonWriter& json, std::string_view name, const std::optional<Growth>& growth) {
  json.key(name);
  if (!growth) return json.null();
  const auto change = growth->now - growth->before;
  json.begin_object();
  json.member("since", WallTime{growth->since});
  json.member("complete", growth->is_whole);
  json.member("damaged", growth->is_damaged);
  json.member("follower_count_before", growth->before);
  json.member("change", change);
  json.member("percent", percent_of(change, growth->before));
  json.member("ups", growth->ups);
  json.member("downs", growth->downs);
  json.member("values", growth->values);
  json.end_object();
}

}  // namespace

Answer GrowthRoutes::movers(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"window", "by", "direction", "limit"});
  std::array<std::string_view, kMoverWindows.size()> names;
  std::ranges::transform(kMoverWindows, names.begin(), &MoverWindow::name);
  const auto window = parameters.choice("window", names);
  const auto by = parameters.choice("by", kOrders);
  const auto direction = parameters.choice("direction", kDirections);
  const auto limit = parameters.whole_number("limit", kLimit, 1, kLimitMax);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto movers = context_.movers()[window];
  if (!movers) return refuse(no_base_yet(names[window]));
  const auto& lists = by == 0 ? movers->absolute : movers->percent;
  const auto& list = direction == 0 ? lists.up : lists.down;
  const auto board = context_.leaderboard();

  if (movers->is_damaged) {
    tell_damage({{movers->since, movers->since + minutes{1}}}, response);
  }
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("window", names[window]);
  json.member("by", kOrders[by]);
  json.member("direction", kDirections[direction]);
  json.member("since", WallTime{movers->since});
  json.member("as_of", movers->as_of);
  json.member("complete", movers->as_of - movers->since >= kMoverWindows[window].length);
  json.member("damaged", movers->is_damaged);
  json.member("compared", movers->compared);
  json.member("risen", movers->risen);
  json.member("fallen", movers->fallen);
  json.member("ups", movers->ups);
  json.member("downs", movers->downs);
  json.member("percent_base_min", movers->percent_base_min);
  json.key("items");
  json.begin_array();
  for (std::size_t i = 0; i < std::min<std::size_t>(limit, list.size()); ++i) {
    write_mover(json, list[i], *board);
  }
  json.end_array();
  json.end_object();
  return {};
}

Answer GrowthRoutes::growth(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {});
  const auto id = parameters.influencer(request.id);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto registry = observed_.registry();
  if (!registry) return refuse(problem_of(registry.error()));
  const auto slack = std::max(kSlack, (*registry)->schedule.interval);
  const auto now = minute_of(context_.clock.wall());
  const auto longest = kMoverWindows.back().length + slack;
  const auto series = read_series(context_, observed_, id, {now - longest, now + minutes{1}});
  if (!series) return refuse(series.error());
  const bool has_values = series->size() > 0;
  tell_damage(series->damaged, response);
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  write_id(json, "id", id);
  json.member("minute",
              has_values ? std::optional(WallTime{series->minutes.back()}) : std::nullopt);
  json.member("follower_count",
              has_values ? std::optional(series->followers.back()) : std::nullopt);
  for (std::size_t i = 0; i < kWindows.size(); ++i) {
    write_growth(json, kWindows[i], growth_of(*series, now, kMoverWindows[i].length, slack));
  }
  json.end_object();
  return {};
}

}  // namespace ia
