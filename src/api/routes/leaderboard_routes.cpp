#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <compare>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include "api/paging/cursor.h"
#include "api/paging/snapshot_shelf.h"
#include "api/parameters.h"
#include "api/past/past_minutes.h"
#include "api/routes/routes.h"
#include "api/series/damage.h"
#include "api/standing_json.h"
#include "base/json.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::uint64_t kLimit = 100;
constexpr std::uint64_t kLimitMax = 1000;
constexpr std::uint64_t kShort = 250;

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

constexpr std::array<std::string_view, 3> kSortWords = {"followers", "following", "ratio"};
enum class Sort : std::uint8_t { kFollowers, kFollowing, kRatio };
constexpr std::array<std::string_view, 2> kOrderWords = {"desc", "asc"};

// What a page is of: the pages that follow each other are of the same.
struct PageHead {
  std::uint64_t version;
  WallTime as_of;
  std::optional<Minute> at;  // of a past minute
  bool is_closed = true;     // of that one
  std::uint64_t limit;
  Wanted wanted;
  Sort sort;
  bool ascending;
  bool is_by_rank() const { return sort == Sort::kFollowers && !ascending; }
  // Where everybody has to be looked at, or much be written.
  bool is_long() const { return !is_by_rank() || wanted != Wanted::kAny || limit > kShort; }
};

struct Page {
  std::vector<Standing> items;
  bool has_next = false;
};

std::string link_to_next(const PageHead& head, const Standing& last) {
  auto link = fmt::format("/api/v1/leaderboard?limit={}", head.limit);
  if (head.wanted != Wanted::kAny) {
    link += fmt::format("&verdict={}", kVerdictWords[std::to_underlying(head.wanted)]);
  }
  if (head.sort != Sort::kFollowers) {
    link += fmt::format("&sort={}", kSortWords[std::to_underlying(head.sort)]);
  }
  if (head.ascending) link += "&order=asc";
  if (head.at) {
    link += fmt::format("&at={}", std::chrono::seconds{head.at->time_since_epoch()}.count());
  }
  return link + "&cursor=" +
         encode(Cursor{.version = head.version,
                       .published_at = head.as_of,
                       .followers = last.counts.followers,
                       .influencer = last.influencer});
}

template <class Board>
Page page_by_rank(const PageHead& head, const Board& board, const VerdictBook* verdicts,
                  const std::optional<Cursor>& cursor) {
  auto position = cursor ? board.position_after(cursor->followers, cursor->influencer) : 0;
  Page page;
  for (; position < board.size(); ++position) {
    const auto standing = board.at_position(position);
    if (!is_wanted(head.wanted, verdicts, standing.influencer)) continue;
    page.has_next = page.items.size() == head.limit;
    if (page.has_next) break;
    page.items.push_back(standing);
  }
  return page;
}

// Where somebody stands in the order of a page: the least first, equal ones by ascending id, those
// without a ratio last. Counts are below 2^53, so doubles hold them.
struct SortKey {
  double value;
  InfluencerId influencer;
  friend auto operator<=>(const SortKey&, const SortKey&) = default;
};

SortKey sort_key_of(const PageHead& head, InfluencerId influencer, Counts counts) {
  const auto ratio = follower_ratio(counts);
  if (head.sort == Sort::kRatio && !ratio) {
    return {std::numeric_limits<double>::infinity(), influencer};
  }
  const auto value = head.sort == Sort::kRatio       ? *ratio
                     : head.sort == Sort::kFollowing ? static_cast<double>(counts.following)
                                                     : static_cast<double>(counts.followers);
  return {head.ascending ? value : -value, influencer};
}

// Looks at everybody for the first ones behind the cursor: no other order than that of the ranks is
// kept, and some milliseconds a page are less than keeping one.
template <class Board>
Page page_by_key(const PageHead& head, const Board& board, const VerdictBook* verdicts,
                 const std::optional<Cursor>& cursor) {
  std::optional<SortKey> after;
  if (const auto last = cursor ? board.find(cursor->influencer) : std::nullopt) {
    after = sort_key_of(head, last->influencer, last->counts);
  }
  std::priority_queue<SortKey> first;  // the last of them on top
  const auto count_max = head.limit + 1;
  board.for_each([&](InfluencerId influencer, Counts counts) {
    const auto key = sort_key_of(head, influencer, counts);
    if (after && key <= *after) return;
    if (first.size() == count_max && key > first.top()) return;
    if (!is_wanted(head.wanted, verdicts, influencer)) return;
    first.push(key);
    if (first.size() > count_max) first.pop();
  });
  Page page{.items = {}, .has_next = first.size() == count_max};
  if (page.has_next) first.pop();
  for (; !first.empty(); first.pop()) page.items.push_back(*board.find(first.top().influencer));
  std::ranges::reverse(page.items);
  return page;
}

// True when there is a next page. `names` has the usernames that the board does not have.
template <class Board>
bool write_page(const PageHead& head, const Board& board, const LeaderboardSnapshot& names,
                const VerdictBook* verdicts, const std::optional<Cursor>& cursor,
                HttpResponse& response) {
  const auto page = head.is_by_rank() ? page_by_rank(head, board, verdicts, cursor)
                                      : page_by_key(head, board, verdicts, cursor);
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("as_of", head.as_of);
  if (head.at) json.member("closed", head.is_closed);
  json.member("of", board.size());
  json.member("followers_average", board.followers_average());
  json.member("followers_median", board.followers_median());
  json.member("followers_total", board.followers_total());
  json.member("following_total", board.following_total());
  json.key("items");
  json.begin_array();
  for (const auto& standing : page.items) {
    json.begin_object();
    write_standing(json, standing.influencer, standing, verdicts,
                   names.username_of(standing.influencer));
    json.end_object();
  }
  json.end_array();
  json.member("next",
              page.has_next ? std::optional(link_to_next(head, page.items.back())) : std::nullopt);
  json.end_object();
  return page.has_next;
}

}  // namespace

struct LeaderboardRoutes::State {
  SnapshotShelf shelf;
};

LeaderboardRoutes::LeaderboardRoutes(const ApiContext& context, Observed& observed,
                                     PastMinutes& past)
    : context_(context), observed_(observed), past_(past), state_(std::make_unique<State>()) {}
LeaderboardRoutes::~LeaderboardRoutes() = default;

// Values of a minute are never changed, only added: their number is the version of a past one.
Answer LeaderboardRoutes::page(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"limit", "cursor", "verdict", "sort", "order", "at"});
  PageHead head{};
  head.limit = parameters.whole_number("limit", kLimit, 1, kLimitMax);
  head.wanted = static_cast<Wanted>(parameters.choice("verdict", kVerdictWords));
  head.sort = static_cast<Sort>(parameters.choice("sort", kSortWords));
  head.ascending = parameters.choice("order", kOrderWords) == 1;
  head.at = parameters.minute("at", context_.clock.wall());
  std::optional<Cursor> cursor;
  if (const auto given = parameters.text("cursor")) {
    cursor = decode_cursor(*given);
    if (!cursor) parameters.reject("cursor", "is not one that this API gave out: follow `next`");
  }
  if (!parameters.is_valid()) return refuse(parameters.problem());
  if (head.is_long() && !request.is_aside()) return refuse(takes_longer());

  if (head.at) {
    const auto board = past_.board(*head.at, request.http.client.limit_key());
    if (!board) return refuse(board.error());
    head.version = (*board)->size();
    head.as_of = *head.at;
    head.is_closed = observed_.is_closed(*head.at);
    const bool is_other =
        cursor && (cursor->version != head.version || cursor->published_at != head.as_of);
    if (is_other) return refuse(expired_cursor());
    if ((*board)->is_damaged) tell_damage({{*head.at, *head.at + minutes{1}}}, response);
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
