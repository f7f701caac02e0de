#include "api/past/past_minutes.h"

namespace ia {
namespace {

using std::chrono::seconds;

constexpr seconds kForGood{std::chrono::hours{24 * 366}};
constexpr seconds kForNow{10};

}  // namespace

PastMinutes::PastMinutes(const ApiContext& context, Observed& observed)
    : context_(context),
      observed_(observed),
      boards_(thread_, context.clock, kBoardBytesMax),
      ranks_(thread_, context.clock, context.store) {}

seconds PastMinutes::good_for(Minute last) {
  return last < observed_.final_before() ? kForGood : kForNow;
}

std::expected<std::shared_ptr<const PastBoard>, Problem> PastMinutes::board(
    Minute minute, std::uint64_t client) {
  return boards_.get(minute, client, good_for(minute),
                     [&store = context_.store, minute](const GoOn& go_on) -> Result<PastBoard> {
                       auto columns = store.read_minute(minute, go_on);
                       if (!columns) return std::unexpected(columns.error());
                       return PastBoard(minute, std::move(*columns));
                     });
}

std::expected<std::shared_ptr<RankCount>, Problem> PastMinutes::ranks(const RankQuestion& question,
                                                                     std::uint64_t client) {
  return ranks_.get(question, client, good_for(question.range.end));
}

}  // namespace ia
