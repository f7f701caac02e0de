#include <fmt/format.h>

#include <array>
#include <utility>

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

// Which influencers a page has, by their verdict.
constexpr std::array<std::string_view, 4> kVerdictWords = {"any", "suspicious", "clear", "unknown"};
enum class Wanted : std::uint8_t { kAny, kSuspicious, kClear, kUnknown };

bool is_wanted(Wanted wanted, const VerdictBook* verdicts, InfluencerId influencer) {
  if (wanted == Wanted::kAny) return true;
  const auto verdict = verdicts == nullptr ? std::nullopt : verdicts->find(influencer);
  if (!verdict) return wanted == Wanted::kUnknown;
  return wanted == (verdict->suspicious ? Wanted::kSuspicious : Wanted::kClear);
}

std::string link_to_next(std::uint64_t limit, Wanted wanted, const LeaderboardSnapshot& board,
                         const Standing& last) {
  const auto filter = wanted == Wanted::kAny
                          ? std::string()
                          : fmt::format("&verdict={}", kVerdictWords[std::to_underlying(wanted)]);
  return fmt::format("/api/v1/leaderboard?limit={}{}&cursor={}", limit, filter,
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
  Parameters parameters(request.query, {"limit", "cursor", "verdict"});
  const auto limit = parameters.whole_number("limit", kLimit, 1, kLimitMax);
  const auto wanted = static_cast<Wanted>(parameters.choice("verdict", kVerdictWords));
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
  auto position = cursor ? board->position_after(cursor->followers, cursor->influencer) : 0;

  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("as_of", board->published_at());
  json.member("of", board->size());
  json.key("items");
  json.begin_array();
  std::optional<Standing> last;
  for (std::uint64_t items = 0; position < board->size() && items < limit; ++position) {
    const auto standing = board->at_position(position);
    if (!is_wanted(wanted, context_.verdicts, standing.influencer)) continue;
    json.begin_object();
    write_standing(json, standing.influencer, standing, context_.verdicts);
    json.end_object();
    last = standing;
    ++items;
  }
  json.end_array();
  std::optional<std::string> next;
  if (position < board->size() && last) {
    next = link_to_next(limit, wanted, *board, *last);
    shelf.keep(board, now);
  }
  json.member("next", next);
  json.end_object();
  return {};
}

}  // namespace ia
