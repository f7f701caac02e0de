#include "api/observed.h"

#include <algorithm>

#include "api/damage.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr minutes kLookBackMax{7 * 24 * 60};
constexpr minutes kFinalAfter{60};

}  // namespace

Observed::Observed(const ApiContext& context)
    : context_(context),
      registry_(context.clock, [this] { return context_.store.registry(); }),
      minute_(context.clock, [this] { return read_minute(); }),
      pipeline_(context.clock, [this] { return Result<PipelineSummary>(context_.pipeline()); }),
      verdict_counts_(context.clock, [this] {
        const auto watched = registry();
        if (!watched) return Result<VerdictCounts>(std::unexpected(watched.error()));
        return Result<VerdictCounts>(
            context_.verdicts->counts(context_.clock.wall(), (*watched)->influencers));
      }) {}

Result<std::optional<MinuteStats>> Observed::read_minute() {
  const auto now = minute_of(context_.clock.wall());
  auto from = now - kLookBackMax;
  {
    const std::scoped_lock lock(mutex_);
    if (newest_known_) from = std::max(from, std::min(*newest_known_, now));
  }
  const auto rows = context_.store.read_minutes({from, now + minutes{1}});
  if (!rows) return std::unexpected(rows.error());
  const auto newest = std::find_if(rows->rbegin(), rows->rend(), [](const MinuteStats& row) {
    return row.closed && !is_lost(row);
  });
  if (newest == rows->rend()) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  newest_known_ = newest->minute;
  return *newest;
}

PipelineSummary Observed::pipeline() {
  const auto known = pipeline_.get();
  return known ? **known : PipelineSummary{};
}

std::optional<VerdictCounts> Observed::verdict_counts() {
  if (context_.verdicts == nullptr) return std::nullopt;
  const auto counts = verdict_counts_.get();
  return counts ? std::optional(**counts) : std::nullopt;
}

Result<bool> Observed::is_known(InfluencerId id) {
  if (context_.leaderboard()->index_of(id)) return true;
  const auto watched = registry();
  if (!watched) return std::unexpected(watched.error());
  return (*watched)->influencers.contains(id);
}

Minute Observed::final_before() {
  const auto newest = newest_complete_minute();
  if (!newest || !**newest) return Minute{};
  return (**newest)->minute - kFinalAfter;
}

bool Observed::is_closed(Minute minute) {
  const auto newest = newest_complete_minute();
  return newest && **newest && minute <= (**newest)->minute;
}

}  // namespace ia
