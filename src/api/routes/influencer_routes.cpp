#include <algorithm>
#include <charconv>
#include <iterator>

#include "api/parameters.h"
#include "api/past/past_minutes.h"
#include "api/routes/routes.h"
#include "api/series/damage.h"
#include "api/standing_json.h"
#include "base/json.h"
#include "base/utf8.h"

namespace ia {
namespace {

constexpr std::uint64_t kSearchLimit = 20;
constexpr std::uint64_t kSearchLimitMax = 100;
constexpr std::int64_t kPrefixCharactersMax = 64;

std::string checked_prefix(Parameters& parameters) {
  const std::string prefix{parameters.text("prefix").value_or("")};
  const bool is_clean = is_utf8(prefix) && std::ranges::none_of(prefix, [](char c) {
                          return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                        });
  const auto characters = std::ranges::count_if(
      prefix, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  if (prefix.empty() || characters > kPrefixCharactersMax || !is_clean) {
    parameters.reject("prefix",
                      "is needed: the first 1 to 64 characters of a username or the first digits "
                      "of an id, in UTF-8, without control characters");
  }
  return prefix;
}

void take_range(const InfluencerSet& watched, IdRange wanted, std::size_t count_max,
                std::vector<InfluencerId>& out) {
  const auto ranges = watched.ranges();
  auto range = std::ranges::lower_bound(ranges, wanted.first, {}, &IdRange::last);
  for (; range != ranges.end() && range->first <= wanted.last; ++range) {
    const auto first = std::max(range->first, wanted.first);
    const auto last = std::min(range->last, wanted.last);
    for (auto n = number_of(first); n <= number_of(last) && out.size() < count_max; ++n) {
      out.push_back(InfluencerId{n});
    }
  }
}

// 12 stands for 12, 120-129, 1200-1299 and so on: shortest first.
std::vector<InfluencerId> ids_with_prefix(const InfluencerSet& watched, std::string_view prefix,
                                          std::size_t count_max) {
  std::uint64_t first = 0;
  const auto end = prefix.data() + prefix.size();
  const auto [stop, error] = std::from_chars(prefix.data(), end, first);
  std::vector<InfluencerId> out;
  if (error != std::errc{} || stop != end || first > kInfluencerIdMax) return out;
  const bool has_leading_zero = prefix.starts_with('0');
  if (has_leading_zero && prefix.size() > 1) return out;
  auto last = first;
  while (out.size() < count_max) {
    const auto id_last = std::min(last, kInfluencerIdMax);
    take_range(watched, {InfluencerId{first}, InfluencerId{id_last}}, count_max, out);
    if (has_leading_zero || first > kInfluencerIdMax / 10) break;
    first *= 10;
    last = last * 10 + 9;
  }
  return out;
}

std::string username_of(const std::vector<Username>& found, InfluencerId id) {
  const auto named = std::ranges::find(found, id, &Username::influencer);
  return named == found.end() ? std::string{} : named->name;
}

}  // namespace

Answer InfluencerRoutes::one(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"at"});
  const auto id = parameters.influencer(request.id);
  const auto at = parameters.minute("at", context_.clock.wall());
  if (!parameters.is_valid()) return refuse(parameters.problem());
  if (at) return one_at(id, *at, request, response);
  const auto board = context_.leaderboard();
  if (!board->find(id)) {
    const auto known = observed_.is_known(id);
    if (!known) return refuse(problem_of(known.error()));
    if (!*known) return refuse(unknown_influencer(id));
  }
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  write_one(id, *board, response.body);
  return {};
}

void InfluencerRoutes::write_one(InfluencerId id, const LeaderboardSnapshot& board,
                                 std::string& out) const {
  const auto standing = board.find(id);
  JsonWriter json(out);
  json.begin_object();
  write_standing(json, id, standing, context_.verdicts, board.username_of(id));
  const auto now = context_.clock.wall();
  json.member("age_seconds",
              standing ? std::optional(age_seconds(now, standing->retrieved_at)) : std::nullopt);
  json.member("of", board.size());
  json.member("as_of", board.published_at());
  json.end_object();
}

Answer InfluencerRoutes::one_at(InfluencerId id, Minute minute, const RouteRequest& request,
                                HttpResponse& response) {
  const auto known = observed_.is_known(id);
  if (!known) return refuse(problem_of(known.error()));
  if (!*known) return refuse(unknown_influencer(id));
  const auto board = past_.board(minute, request.http.client.limit_key());
  if (!board) return refuse(board.error());
  const auto latest = context_.leaderboard();
  if ((*board)->is_damaged) tell_damage({{minute, minute + std::chrono::minutes{1}}}, response);
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  write_standing(json, id, (*board)->find(id), context_.verdicts, latest->username_of(id));
  json.member("age_seconds", std::nullopt);
  json.member("of", (*board)->size());
  json.member("as_of", WallTime{minute});
  json.member("closed", observed_.is_closed(minute));
  json.end_object();
  return {};
}

Answer InfluencerRoutes::search(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"prefix", "limit"});
  const auto limit = parameters.whole_number("limit", kSearchLimit, 1, kSearchLimitMax);
  const auto prefix = checked_prefix(parameters);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto watched = observed_.registry();
  if (!watched) return refuse(problem_of(watched.error()));
  const auto named = context_.store.find_usernames(prefix, limit + 1);
  if (!named) return refuse(problem_of(named.error()));

  auto found = ids_with_prefix((*watched)->influencers, prefix, limit + 1);
  for (const auto& username : *named) {
    if (std::ranges::find(found, username.influencer) == found.end()) {
      found.push_back(username.influencer);
    }
  }
  const auto board = context_.leaderboard();
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("as_of", board->published_at());
  json.member("more", found.size() > limit);
  json.key("items");
  json.begin_array();
  for (std::size_t i = 0; i < std::min<std::size_t>(limit, found.size()); ++i) {
    json.begin_object();
    write_standing(json, found[i], board->find(found[i]), context_.verdicts,
                   username_of(*named, found[i]));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return {};
}

}  // namespace ia
