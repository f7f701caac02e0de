#include <fmt/format.h>

#include <array>
#include <utility>

#include "api/cursor.h"
#include "api/json.h"
#include "api/parameters.h"
#include "api/past_minutes.h"
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

// What a page is of: the pages that follow each other are of the same.
struct PageHead {
  std::uint64_t version;
  WallTime as_of;
  std::optional<Minute> at;  // of a past minute
  std::uint64_t limit;
  Wanted wanted;
};

std::string link_to_next(const PageHead& head, const Standing& last) {
  auto link = fmt::format("/api/v1/leaderboard?limit={}", head.limit);
  if (head.wanted != Wanted::kAny) {
    link += fmt::format("&verdict={}", kVerdictWords[std::to_underlying(head.wanted)]);
  }
  if (head.at) {
    link += fmt::format("&at={}", std::chrono::seconds{head.at->time_since_epoch()}.count());
  }
  return link + "&cursor=" +
         encode(Cursor{.version = head.version,
                       .published_at = head.as_of,
                       .followers = last.counts.followers,
                       .influencer = last.influencer});
}

// True when there is a next page. `names` has the usernames that the board does not have.
template <class Board>
bool write_page(const PageHead& head, const Board& board, const LeaderboardSnapshot& names,
                const VerdictBook* verdicts, const std::optional<Cursor>& cursor,
                HttpResponse& response) {
  auto position = cursor ? board.position_after(cursor->followers, cursor->influencer) : 0;
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("as_of", head.as_of);
  json.member("of", board.size());
  json.member("followers_average", board.followers_average());
  json.member("followers_median", board.followers_median());
  json.member("followers_total", board.followers_total());
  json.member("following_total", board.following_total());
  json.key("items");
  json.begin_array();
  std::optional<Standing> last;
  for (std::uint64_t items = 0; position < board.size() && items < head.limit; ++position) {
    const auto standing = board.at_position(position);
    if (!is_wanted(head.wanted, verdicts, standing.influencer)) continue;
    const auto named = standing.username.empty() ? names.find(standing.influencer) : std::nullopt;
    json.begin_object();
    write_standing(json, standing.influencer, standing, verdicts,
                   named ? named->username : std::string_view{});
    json.end_object();
    last = standing;
    ++items;
  }
  json.end_array();
  const bool has_next = position < board.size() && last;
  json.member("next", has_next ? std::optional(link_to_next(head, *last)) : std::nullopt);
  json.end_object();
  return has_next;
}

}  // namespace

struct LeaderboardRoutes::State {
  SnapshotShelf shelf;
};

LeaderboardRoutes::LeaderboardRoutes(const ApiContext& context, PastMinutes& past)
    : context_(context), past_(past), state_(std::make_unique<State>()) {}
LeaderboardRoutes::~LeaderboardRoutes() = default;

// Values of a minute are never changed, only added: their number is the version of a past one.
Answer LeaderboardRoutes::page(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"limit", "cursor", "verdict", "at"});
  PageHead head{};
  head.limit = parameters.whole_number("limit", kLimit, 1, kLimitMax);
  head.wanted = static_cast<Wanted>(parameters.choice("verdict", kVerdictWords));
  head.at = parameters.minute("at", context_.clock.wall());
  std::optional<Cursor> cursor;
  if (const auto given = parameters.text("cursor")) {
    cursor = decode_cursor(*given);
    if (!cursor) parameters.reject("cursor", "is not one that this API gave out: follow `next`");
  }
  if (!parameters.is_valid()) return refuse(parameters.problem());

  if (head.at) {
    const auto board = past_.board(*head.at);
    if (!board) return refuse(board.error());
    head.version = (*board)->size();
    head.as_of = *head.at;
    const bool is_other =
        cursor && (cursor->version != head.version || cursor->published_at != head.as_of);
    if (is_other) return refuse(expired_cursor());
    write_page(head, **board, *context_.leaderboard(), context_.verdicts, cursor, response);
    return {};
  }
  auto& shelf = state_->shelf;
  const auto now = context_.clock.mono();
  const auto board =
      cursor ? shelf.find(*cursor, now) : shelf.for_first_page(context_.leaderboard(), now);
  if (!board) return refuse(expired_cursor());
  head.version = board->version();
  head.as_of = board->published_at();
  if (write_page(head, *board, *board, context_.verdicts, cursor, response)) {
    shelf.keep(board, now);
  }
  return {};
}

}  // namespace ia
