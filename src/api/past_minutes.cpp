#include "api/past_minutes.h"

#include "api/series_buckets.h"

namespace ia {
namespace {

using std::chrono::seconds;

constexpr seconds kForGood{std::chrono::hours{24 * 366}};
constexpr seconds kForNow{10};

}  // namespace

std::vector<Minute> RankQuestion::minutes() const {
  std::vector<Minute> minutes;
  auto minute = bucket_of(range.begin, step);
  if (minute < range.begin) minute += step;
  for (; minute < range.end; minute += step) minutes.push_back(minute);
  return minutes;
}

PastMinutes::PastMinutes(const ApiContext& context, Observed& observed)
    : context_(context),
      observed_(observed),
      boards_(thread_, context.clock, kBoardBytesMax),
      ranks_(thread_, context.clock, kRankBytesMax) {}

seconds PastMinutes::good_for(Minute last) {
  return last < observed_.final_before() ? kForGood : kForNow;
}

std::expected<std::shared_ptr<const PastBoard>, Problem> PastMinutes::board(Minute minute) {
  return boards_.get(minute, good_for(minute),
                     [&store = context_.store, minute](const GoOn& go_on) -> Result<PastBoard> {
                       auto columns = store.read_minute(minute, go_on);
                       if (!columns) return std::unexpected(columns.error());
                       return PastBoard(minute, std::move(*columns));
                     });
}

std::expected<std::shared_ptr<const RankHistory>, Problem> PastMinutes::ranks(
    const RankQuestion& question) {
  return ranks_.get(question, good_for(question.range.end),
                    [&store = context_.store, question](const GoOn& go_on) -> Result<RankHistory> {
                      const auto minutes = question.minutes();
                      auto ranks = store.read_ranks(question.influencer, minutes, go_on);
                      if (!ranks) return std::unexpected(ranks.error());
                      return RankHistory{std::move(*ranks)};
                    });
}

}  // namespace ia
