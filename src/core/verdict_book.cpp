#include "core/verdict_book.h"

#include <algorithm>
#include <limits>
#include <mutex>

namespace ia {
namespace {

using std::chrono::seconds;

std::uint32_t seconds_of(WallTime time) {
  return static_cast<std::uint32_t>(std::chrono::floor<seconds>(time).time_since_epoch().count());
}
WallTime time_of(std::uint32_t since_1970) { return WallTime{seconds{since_1970}}; }
WallTime to_second(WallTime time) { return time_of(seconds_of(time)); }

}  // namespace

void VerdictBook::apply(std::span<const Verdict> verdicts) {
  const std::scoped_lock lock(mutex_);
  for (const auto& verdict : verdicts) {
    const auto known = roster_.find(verdict.influencer);
    const auto index = known ? *known : roster_.add(verdict.influencer);
    if (!known) {
      suspicious_.push_back(false);
      checked_at_.push_back(0);
      changed_at_.push_back(0);
    }
    newest_.erase({time_of(changed_at_[index]), verdict.influencer});
    suspicious_[index] = verdict.suspicious;
    checked_at_[index] = seconds_of(verdict.checked_at);
    changed_at_[index] = seconds_of(verdict.changed_at);
    if (!verdict.suspicious) continue;
    newest_[{to_second(verdict.changed_at), verdict.influencer}] = verdict;
    if (newest_.size() > kNewestMax) newest_.erase(newest_.begin());
  }
}

std::optional<VerdictBook::Entry> VerdictBook::find(InfluencerId influencer) const {
  const std::shared_lock lock(mutex_);
  const auto index = roster_.find(influencer);
  if (!index) return std::nullopt;
  return Entry{.suspicious = suspicious_[*index],
               .checked_at = time_of(checked_at_[*index]),
               .changed_at = time_of(changed_at_[*index])};
}

VerdictCounts VerdictBook::counts(WallTime now, const InfluencerSet& watched) const {
  const std::shared_lock lock(mutex_);
  VerdictCounts counts;
  const auto a_day_ago = seconds_of(now - std::chrono::days{1});
  auto oldest = std::numeric_limits<Seconds>::max();
  for (std::uint32_t index = 0; index < checked_at_.size(); ++index) {
    if (!watched.contains(roster_.at(index))) continue;
    const auto at = checked_at_[index];
    ++counts.checked;
    counts.suspicious += suspicious_[index] ? 1u : 0u;
    counts.checked_last_day += at > a_day_ago ? 1u : 0u;
    oldest = std::min(oldest, at);
  }
  if (counts.checked > 0) counts.oldest_checked_at = time_of(oldest);
  return counts;
}

std::vector<Verdict> VerdictBook::newly_suspicious(std::size_t count_max) const {
  const std::shared_lock lock(mutex_);
  std::vector<Verdict> newest;
  for (auto it = newest_.rbegin(); it != newest_.rend() && newest.size() < count_max; ++it) {
    newest.push_back(it->second);
  }
  return newest;
}

}  // namespace ia
