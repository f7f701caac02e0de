#include "api/routes/badge_routes.h"

#include <algorithm>

#include "api/parameters.h"
#include "api/series/damage.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::chrono::hours kDay{24};
constexpr minutes kSlack{10};

}  // namespace

// A badge without its change is better than none: while the store is down it has none, nor where
// the value to compare with may be one that is damaged.
Badge::Value BadgeRoutes::value_of(const Standing& standing, HttpResponse& response) {
  Badge::Value value{.followers = standing.counts.followers, .as_of = standing.retrieved_at};
  const auto registry = observed_.registry();
  if (!registry) return value;
  const auto slack = std::max(kSlack, (*registry)->schedule.interval);
  const auto day_before = minute_of(standing.retrieved_at) - kDay;
  auto series = context_.store.read_series(standing.influencer,
                                           {day_before - slack, day_before + minutes{1}});
  if (!series) return value;
  const auto known_through = series->size() > 0 ? series->minutes.back() : day_before - slack;
  value.is_damaged = !series->damaged.empty() &&
                     series->damaged.back().end > known_through + minutes{1};
  tell_damage(std::move(series->damaged), response);
  if (series->size() == 0 || value.is_damaged) return value;
  value.day_change = standing.counts.followers - series->followers.back();
  return value;
}

Answer BadgeRoutes::badge(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {});
  const auto id = parameters.influencer(request.id);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto board = context_.leaderboard();
  const auto standing = board->find(id);
  if (!standing) {
    const auto known = observed_.is_known(id);
    if (!known) return refuse(problem_of(known.error()));
    if (!*known) return refuse(unknown_influencer(id));
  }
  const auto number = std::to_string(number_of(id));
  const auto username = board->username_of(id);
  Badge badge{.name = username.empty() ? std::string_view(number) : username};
  if (standing) badge.value = value_of(*standing, response);
  response.content_type = content_type::kIcon;
  response.cache_control = cache_control::kMinute;
  response.is_picture = true;
  response.body = draw_badge(badge);
  return {};
}

}  // namespace ia
