#include <fmt/format.h>

#include <atomic>

#include "api/live/feed.h"
#include "api/parameters.h"
#include "api/routes/routes.h"
#include "http/late_answer.h"

namespace ia {
namespace {

constexpr std::size_t kChosenMax = 100;
// Clients that lost the same server do not come back at the same moment.
constexpr std::uint64_t kRetryMillis = 2'000;
constexpr std::uint64_t kRetrySpreadMillis = 3'000;
constexpr std::uint64_t kRetryStride = 1'009;

}  // namespace

struct LiveRoutes::State {
  Observed& observed;
  LiveFeed feed;
  std::atomic<std::uint64_t> streams = 0;
};

LiveRoutes::LiveRoutes(const ApiContext& context, Observed& observed, const SummaryRoutes& summary,
                       const InfluencerRoutes& influencers)
    : state_(new State{.observed = observed,
                       .feed = {{.leaderboard = context.leaderboard,
                                 .summary =
                                     [&summary](const auto& board, auto& out) {
                                       return summary.write_summary(board, out).has_value();
                                     },
                                 .influencer =
                                     [&influencers](auto id, const auto& board, auto& out) {
                                       influencers.write_one(id, board, out);
                                     }},
                                context.metrics,
                                context.clock}}) {}
LiveRoutes::~LiveRoutes() = default;

Answer LiveRoutes::stream(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"influencers"});
  std::vector<InfluencerId> chosen;
  if (parameters.text("influencers")) chosen = parameters.influencers("influencers", 1, kChosenMax);
  if (!parameters.is_valid()) return refuse(parameters.problem());
  if (const auto minute = state_->observed.newest_complete_minute(); !minute) {
    return refuse(problem_of(minute.error()));
  }
  for (const auto id : chosen) {
    const auto known = state_->observed.is_known(id);
    if (!known) return refuse(problem_of(known.error()));
    if (!*known) return refuse(unknown_influencer(id));
  }
  HttpResponse head;
  head.content_type = content_type::kEvents;
  head.cache_control = cache_control::kNever;
  head.headers = "X-Accel-Buffering: no\r\n";  // or nginx would hold the events back
  head.is_stream = true;
  const auto spread = state_->streams++ * kRetryStride % kRetrySpreadMillis;
  head.body = fmt::format("retry: {}\n\n", kRetryMillis + spread);
  response.late = request.late ? request.late : std::make_shared<LateAnswer>();
  response.late->answer(std::move(head));
  state_->feed.add({response.late, std::move(chosen), std::string(request.http.last_event_id)});
  return {};
}

}  // namespace ia
