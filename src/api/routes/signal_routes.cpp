#include "api/routes/signal_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <ranges>

#include "api/id_json.h"
#include "api/parameters.h"
#include "api/series/damage.h"
#include "api/series/request.h"
#include "api/standing_json.h"
#include "base/json.h"
#include "core/ratio_scale.h"
#include "core/signal_evidence.h"

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kFindingsMax = 1'000;
constexpr std::uint64_t kLimit = 100;
constexpr std::uint64_t kLimitMax = JumpWatch::kKeptMax;
// Around a candidate, for what confirms it.
constexpr minutes kAround{60};

// The newest scale, made anew for the first request of a minute: others wait for it.
class ScaleOfMinute {
 public:
  struct Scale {
    std::shared_ptr<const RatioScale> ratios;
    WallTime as_of;
  };
  Scale get(const LeaderboardSnapshot& board) {
    const std::scoped_lock lock(mutex_);
    if (!scale_.ratios || minute_of(board.published_at()) != minute_of(scale_.as_of)) {
      scale_ = {std::make_shared<const RatioScale>(board.counts()), board.published_at()};
    }
    return scale_;
  }

 private:
  std::mutex mutex_;
  Scale scale_;
};

struct Ratio {
  double ratio = 0;
  RatioStanding standing;
  WallTime as_of;
};

void write_thresholds(JsonWriter& json, const SignalThresholds& thresholds) {
  json.key("thresholds");
  json.begin_object();
  json.member("jump_z", thresholds.jump_z);
  json.member("jump_least", thresholds.jump_least);
  json.member("jump_within_seconds", seconds{thresholds.jump_within}.count());
  json.member("step_hold_seconds", seconds{thresholds.step_hold}.count());
  json.member("step_share", thresholds.step_share);
  json.member("saw_tooth_least", thresholds.saw_tooth_least);
  json.member("saw_tooth_runs", thresholds.saw_tooth_runs);
  json.member("ratio_percentile", thresholds.ratio_percentile);
  json.end_object();
}

void write_usual(JsonWriter& json, const UsualChange& usual) {
  json.key("usual");
  if (usual.changes < kSignalChangesMin) return json.null();
  json.begin_object();
  json.member("followers_per_minute", usual.median);
  json.member("spread", usual.spread);
  json.member("changes", usual.changes);
  json.end_object();
}

void write_ratio(JsonWriter& json, const std::optional<Ratio>& ratio) {
  json.key("ratio");
  if (!ratio) return json.null();
  json.begin_object();
  json.member("follower_ratio", ratio->ratio);
  json.member("percentile", ratio->standing.percentile);
  json.member("of", ratio->standing.of);
  json.member("as_of", ratio->as_of);
  json.end_object();
}

void write_finding(JsonWriter& json, const SignalFinding& finding) {
  json.begin_object();
  json.member("kind", name_of(finding.kind));
  json.member("start", WallTime{finding.begin});
  json.member("end", WallTime{finding.end});
  json.member("size", finding.size);
  json.member("score", finding.score);
  json.member("evidence", finding.evidence);
  json.end_object();
}

// Newest first.
void write_findings(JsonWriter& json, const std::vector<SignalFinding>& findings) {
  json.key("findings");
  json.begin_array();
  for (const auto& finding : findings | std::views::reverse | std::views::take(kFindingsMax)) {
    write_finding(json, finding);
  }
  json.end_array();
  json.member("more", findings.size() > kFindingsMax);
}

std::string link_to_findings(const JumpCandidate& jump) {
  const auto seconds_of = [](Minute minute) { return seconds{minute.time_since_epoch()}.count(); };
  return fmt::format("/api/v1/influencers/{}/signals?start={}&end={}", number_of(jump.influencer),
                     seconds_of(jump.begin - kAround), seconds_of(jump.end + kAround));
}

void write_candidate(JsonWriter& json, const JumpCandidate& jump,
                     const LeaderboardSnapshot& board) {
  json.begin_object();
  write_name(json, jump.influencer, board.username_of(jump.influencer));
  json.member("start", WallTime{jump.begin});
  json.member("end", WallTime{jump.end});
  json.member("size", jump.size);
  json.member("score", jump.score);
  json.member("follower_count", jump.followers);
  json.member("evidence",
              change_evidence(
                  {.begin = jump.begin, .end = jump.end, .size = jump.size, .score = jump.score}));
  json.member("signals", link_to_findings(jump));
  json.end_object();
}

}  // namespace

struct SignalRoutes::State {
  ScaleOfMinute scale;
};

SignalRoutes::SignalRoutes(const ApiContext& context, Observed& observed)
    : context_(context), observed_(observed), state_(std::make_unique<State>()) {}
SignalRoutes::~SignalRoutes() = default;

Answer SignalRoutes::of_one(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"start", "end"});
  const auto id = parameters.influencer(request.id);
  const auto range = take_month(parameters, context_.clock.wall());
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto& thresholds = context_.signals;
  const auto series = read_series(context_, observed_, id, range_to_judge(range, thresholds));
  if (!series) return refuse(series.error());
  tell_damage(series->damaged, response);
  auto own =
      find_own_signals({series->minutes, series->followers, series->following}, range, thresholds);

  const auto board = context_.leaderboard();
  const auto standing = board->find(id);
  std::optional<Ratio> ratio;
  if (const auto value = standing ? follower_ratio(standing->counts) : std::nullopt) {
    const auto scale = state_->scale.get(*board);
    ratio = {*value, scale.ratios->standing_of(*value), scale.as_of};
    const auto minute = minute_of(standing->retrieved_at);
    auto low = find_low_ratio(standing->counts, minute, ratio->standing, thresholds);
    if (low && range.contains(minute)) own.findings.push_back(std::move(*low));
  }

  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  write_id(json, "id", id);
  json.member("start", WallTime{range.begin});
  json.member("end", WallTime{range.end});
  write_thresholds(json, thresholds);
  write_usual(json, own.usual);
  write_ratio(json, ratio);
  write_findings(json, own.findings);
  json.end_object();
  return {};
}

Answer SignalRoutes::of_all(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"limit", "since"});
  const auto limit = parameters.whole_number("limit", kLimit, 1, kLimitMax);
  const auto now = context_.clock.wall();
  const auto since = parameters.time("since", WallTime{}, now);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto jumps = context_.jumps();
  const auto end = std::ranges::find_if(
      *jumps, [since](const JumpCandidate& jump) { return jump.end < minute_of(since); });
  const auto found = static_cast<std::uint64_t>(end - jumps->begin());

  const auto board = context_.leaderboard();
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("as_of", board->published_at());
  json.member("jump_z", context_.signals.jump_z);
  json.member("jump_least", context_.signals.jump_least);
  json.key("candidates");
  json.begin_array();
  for (const auto& jump : *jumps | std::views::take(std::min(limit, found))) {
    write_candidate(json, jump, *board);
  }
  json.end_array();
  json.member("more", found > limit);
  json.end_object();
  return {};
}

}  // namespace ia
