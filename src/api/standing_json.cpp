#include "api/standing_json.h"

#include <algorithm>

#include "api/id_json.h"

namespace ia {
namespace {

void write_verdict(JsonWriter& json, InfluencerId id, const VerdictBook* verdicts) {
  json.key("verdict");
  const auto verdict = verdicts == nullptr ? std::nullopt : verdicts->find(id);
  if (!verdict) return json.null();
  json.begin_object();
  json.member("suspicious", verdict->suspicious);
  json.member("checked_at", verdict->checked_at);
  json.member("changed_at", verdict->changed_at);
  json.end_object();
}

}  // namespace

void write_name(JsonWriter& json, InfluencerId id, std::string_view username) {
  write_id(json, "id", id);
  json.member("username", username.empty() ? std::nullopt : std::optional(username));
}

void write_standing(JsonWriter& json, InfluencerId id, const std::optional<Standing>& standing,
                    const VerdictBook* verdicts, std::string_view username) {
  if (standing && !standing->username.empty()) username = standing->username;
  write_name(json, id, username);
  if (standing) {
    json.member("follower_count", standing->counts.followers);
    json.member("following_count", standing->counts.following);
    json.member("follower_ratio", follower_ratio(standing->counts));
    const bool is_timed = standing->retrieved_at != WallTime{};
    json.member("retrieved_at", is_timed ? std::optional(standing->retrieved_at) : std::nullopt);
    json.member("rank", standing->rank);
    json.member("dense_rank", standing->dense_rank);
  } else {
    for (const auto* name : {"follower_count", "following_count", "follower_ratio", "retrieved_at",
                             "rank", "dense_rank"}) {
      json.member(name, std::nullopt);
    }
  }
  write_verdict(json, id, verdicts);
}

double age_seconds(WallTime now, WallTime then) {
  return std::max(0.0, std::chrono::duration<double>(now - then).count());
}

}  // namespace ia
