#include "api/observed.h"

#include <algorithm>

#include "api/series/damage.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr minutes kLookBackMax{7 * 24 * 60};
constexpr minutes kFinalAfter{60};
constexpr std::uint64_t kNoClient = 0;  // "::", which no client has

auto reads_with(AsideThreads& aside) {
  return [&aside](std::function<void()> read) {
    const auto begun = aside.begin(kNoClient, [read = std::move(read)](Gzip&) { read(); });
    return begun == AsideThreads::Begun::kYes;
  };
}

}  // namespace

Observed::Observed(const ApiContext& context, AsideThreads& aside)
    : context_(context),
      registry_(
          context.clock, [this] { return context_.store.registry(); }, reads_with(aside)),
      minute_(
          context.clock, [this] { return read_minute(); }, reads_with(aside)),
      pipeline_(
          context.clock, [this] { return Result<PipelineSummary>(context_.pipeline()); },
          reads_with(aside)),
      verdict_counts_(
          context.clock,
          [this] {
            const auto watched = registry();
            if (!watched) return Result<VerdictCounts>(std::unexpected(watched.error()));
            return Result<VerdictCounts>(
                context_.verdicts->counts(context_.clock.wall(), (*watched)->influencers));
          },
          reads_with(aside)) {
  if (context.verdicts != nullptr) (void)verdict_counts_.try_out();
  (void)registry_.try_out();  // behind the counts, which read it
  if (!minute_.try_out()) newest_known_.reset();
  (void)pipeline_.try_out();
}

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
