#include <fmt/format.h>

#include <algorithm>

#include "api/cursor.h"
#include "api/json.h"
#include "api/parameters.h"
#include "api/routes.h"
#include "api/snapshot_shelf.h"
#include "api/standing_json.h"

namespace ia {
namespace {

constexpr std::uint64_t kLimit = 100;
constexpr std::uint64_t kLimitMax = 1000;

Problem expired_cursor() {
  return {.status = 410,
          .kind = "expired-cursor",
          .title = "Expired cursor",
          .detail =
              "The ranking that this cursor goes on in is no longer kept: start over "
              "without a cursor."};
}

std::string link_to_next(std::uint64_t limit, const LeaderboardSnapshot& board,
                         const Standing& last) {
  return fmt::format("/api/v1/leaderboard?limit={}&cursor={}", limit,
                     encode(Cursor{.version = board.version(),
                                   .published_at = board.published_at(),
                                   .followers = last.counts.followers,
                                   .influencer = last.influencer}));
}

}  // namespace

struct LeaderboardRoutes::State {
  SnapshotShelf shelf;
};

LeaderboardRoutes::LeaderboardRoutes(const ApiContext& context)
    : context_(context), state_(std::make_unique<State>()) {}
LeaderboardRoutes::~LeaderboardRoutes() = default;

Answer LeaderboardRoutes::page(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"limit", "cursor"});
  const auto limit = parameters.whole_number("limit", kLimit, 1, kLimitMax);
  std::optional<Cursor> cursor;
  if (const auto given = parameters.text("cursor")) {
    cursor = decode_cursor(*given);
    if (!cursor) parameters.reject("cursor", "is not one that this API gave out: follow `next`");
  }
  if (!parameters.is_valid()) return refuse(parameters.problem());

  auto& shelf = state_->shelf;
  const auto now = context_.clock.mono();
  const auto board =
      cursor ? shelf.find(*cursor, now) : shelf.for_first_page(context_.leaderboard(), now);
  if (!board) return refuse(expired_cursor());
  const auto begin = cursor ? board->position_after(cursor->followers, cursor->influencer) : 0;
  const auto end = std::min<std::size_t>(board->size(), begin + limit);

  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("as_of", board->published_at());
  json.member("of", board->size());
  json.key("items");
  json.begin_array();
  for (auto i = begin; i < end; ++i) {
    const auto standing = board->at_position(i);
    json.begin_object();
    write_standing(json, standing.influencer, standing);
    json.end_object();
  }
  json.end_array();
  std::optional<std::string> next;
  if (end < board->size() && end > begin) {
    next = link_to_next(limit, *board, board->at_position(end - 1));
    shelf.keep(board, now);
  }
  json.member("next", next);
  json.end_object();
  return {};
}

}  // namespace ia
