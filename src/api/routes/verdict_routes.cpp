#include "api/parameters.h"
#include "api/routes/routes.h"
#include "api/standing_json.h"
#include "base/json.h"

namespace ia {
namespace {
constexpr std::uint64_t kLimit = 20;
}  // namespace

Answer VerdictRoutes::newly_suspicious(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"limit"});
  const auto limit = parameters.whole_number("limit", kLimit, 1, VerdictBook::kNewestMax);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto board = context_.leaderboard();
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.key("items");
  json.begin_array();
  const auto newest = context_.verdicts == nullptr ? std::vector<Verdict>{}
                                                   : context_.verdicts->newly_suspicious(limit);
  for (const auto& verdict : newest) {
    json.begin_object();
    write_name(json, verdict.influencer, board->username_of(verdict.influencer));
    json.member("changed_at", verdict.changed_at);
    json.member("checked_at", verdict.checked_at);
    json.member("judged_follower_count", verdict.judged.followers);
    json.member("judged_following_count", verdict.judged.following);
    json.member("judged_follower_ratio", follower_ratio(verdict.judged));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return {};
}

}  // namespace ia
