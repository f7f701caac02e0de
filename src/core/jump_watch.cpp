#include "core/jump_watch.h"

#include <algorithm>
#include <cmath>

namespace ia {
namespace {

// The mean of |x| where x is normal with spread 1.
constexpr double kMeanOfNormal = 0.797885;
constexpr auto kCountBits = static_cast<std::uint64_t>(kCountMax);

Minute minute_at(std::uint32_t since_epoch) {
  return Minute{std::chrono::minutes{static_cast<int>(since_epoch)}};
}

std::uint32_t minutes_since_epoch(Minute minute) {
  return static_cast<std::uint32_t>(minute.time_since_epoch().count());
}

}  // namespace

void JumpWatch::start_from(std::uint32_t index, std::int64_t followers, Minute minute) {
  if (index >= watched_.size()) watched_.resize(index + 1);
  watched_[index] = {.followers = static_cast<std::uint64_t>(followers) & kCountBits,
                     .minute = minutes_since_epoch(minute)};
}

// How many usual spreads the change is, 0 while too little is known; then learns from it.
double JumpWatch::judge(Watched& watched, std::int64_t gained, std::uint32_t length) {
  const double change = static_cast<double>(gained) / static_cast<double>(length);
  const double mean = static_cast<double>(watched.mean);
  const double z = change / std::max(kSpreadLeast, mean / kMeanOfNormal);
  const bool is_known = watched.changes >= kSignalChangesMin;
  const double most = is_known ? kClip * std::max(mean, kSpreadLeast) : std::abs(change);
  if (watched.changes < kSpan) ++watched.changes;
  const auto weight = 1.0 / static_cast<double>(watched.changes);
  watched.mean = static_cast<float>(mean + weight * (std::min(std::abs(change), most) - mean));
  return is_known ? z : 0;
}

void JumpWatch::apply(const PointBatch& batch, const Roster& roster) {
  if (watched_.size() < roster.size()) watched_.resize(roster.size());
  newest_minute_ = std::max(newest_minute_, batch.minute);
  const auto minute = minutes_since_epoch(batch.minute);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto index = *roster.find(batch.influencers[i]);
    auto& watched = watched_[index];
    if (minute <= watched.minute) continue;
    const auto before = watched.minute;
    const auto gained = batch.followers[i] - static_cast<std::int64_t>(watched.followers);
    watched.followers = static_cast<std::uint64_t>(batch.followers[i]) & kCountBits;
    watched.minute = minute;
    if (before == 0) continue;
    const auto z = judge(watched, gained, minute - before);
    if (std::abs(z) < thresholds_.jump_z || std::abs(gained) < thresholds_.jump_least) continue;
    keep({.influencer = batch.influencers[i],
          .begin = minute_at(before),
          .end = batch.minute,
          .size = gained,
          .followers = batch.followers[i],
          .score = std::abs(z)});
  }
}

void JumpWatch::keep(const JumpCandidate& jump) {
  is_changed_ = true;
  const auto [place, is_new] = newest_.try_emplace(jump.influencer, kept_.size());
  if (!is_new) {
    auto& last = kept_[place->second];
    const bool is_same_way = (last.size < 0) == (jump.size < 0);
    if (is_same_way && jump.begin - last.end <= thresholds_.jump_within) {
      last.size += jump.followers - last.followers;
      last.followers = jump.followers;
      last.end = jump.end;
      last.score = std::max(last.score, jump.score);
      return;
    }
    place->second = kept_.size();
  }
  kept_.push_back(jump);
  if (kept_.size() >= 2 * kKeptMax) forget_smaller();
}

void JumpWatch::forget_smaller() {
  const auto oldest = newest_minute_ - kKeptFor;
  std::erase_if(kept_, [oldest](const JumpCandidate& jump) { return jump.end < oldest; });
  if (kept_.size() > kKeptMax) {
    const auto end = kept_.begin() + kKeptMax;
    std::ranges::nth_element(kept_, end, std::ranges::greater{}, &JumpCandidate::score);
    kept_.erase(end, kept_.end());
  }
  std::ranges::sort(kept_, {}, &JumpCandidate::end);
  newest_.clear();
  for (std::size_t i = 0; i < kept_.size(); ++i) newest_[kept_[i].influencer] = i;
}

std::shared_ptr<const JumpCandidates> JumpWatch::publish() {
  const auto oldest = newest_minute_ - kKeptFor;
  const bool is_old = !published_->empty() && published_->back().end < oldest;
  if (!is_changed_ && !is_old) return published_;
  forget_smaller();
  auto list = std::make_shared<JumpCandidates>(kept_);
  std::ranges::sort(*list, [](const JumpCandidate& a, const JumpCandidate& b) {
    return a.end != b.end ? a.end > b.end : a.score > b.score;
  });
  published_ = std::move(list);
  is_changed_ = false;
  return published_;
}

}  // namespace ia
