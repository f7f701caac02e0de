#include "api/badge_routes.h"

#include <algorithm>

#include "api/badge.h"
#include "api/parameters.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::chrono::hours kDay{24};
constexpr minutes kSlack{10};

}  // namespace

// A badge without its change is better than none: while the store is down it has none.
std::optional<std::int64_t> BadgeRoutes::day_change(const Standing& standing) {
  const auto registry = observed_.registry();
  if (!registry) return std::nullopt;
  const auto slack = std::max(kSlack, (*registry)->schedule.interval);
  const auto day_before = minute_of(standing.retrieved_at) - kDay;
  const auto series = context_.store.read_series(standing.influencer,
                                                 {day_before - slack, day_before + minutes{1}});
  if (!series || series->size() == 0) return std::nullopt;
  return standing.counts.followers - series->followers.back();
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
  if (standing) {
    badge.value = {.followers = standing->counts.followers,
                   .day_change = day_change(*standing),
                   .as_of = standing->retrieved_at};
  }
  response.content_type = content_type::kIcon;
  response.cache_control = cache_control::kMinute;
  response.is_picture = true;
  response.body = draw_badge(badge);
  return {};
}

}  // namespace ia
