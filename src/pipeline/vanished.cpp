#include "pipeline/vanished.h"

namespace ia {
namespace {

bool is_denial(MissReason reason) {
  return reason == MissReason::kNotFound || reason == MissReason::kServerError;
}

}  // namespace

VanishedInfluencers::Split VanishedInfluencers::split(std::vector<InfluencerId> influencers,
                                                      WallTime now) const {
  if (flagged_ == 0) return {std::move(influencers), {}};
  Split split;
  for (const auto id : influencers) {
    const auto known = denials_.find(id);
    const bool skip = known != denials_.end() && known->second.in_a_row >= kDenialsToFlag &&
                      now < known->second.next_probe;
    if (skip) {
      split.skipped.push_back({id, MissReason::kNotFound});
    } else {
      split.to_fetch.push_back(id);
    }
  }
  return split;
}

void VanishedInfluencers::note(const FinishedFetch& fetch, WallTime now) {
  if (!denials_.empty()) {
    for (const auto& value : fetch.values) {
      const auto known = denials_.find(value.influencer);
      if (known == denials_.end()) continue;
      if (known->second.in_a_row >= kDenialsToFlag) --flagged_;
      denials_.erase(known);
    }
  }
  const bool mostly_answered = fetch.values.size() >= fetch.misses.size();
  for (const auto& miss : fetch.misses) {
    if (!is_denial(miss.reason)) continue;
    auto known = denials_.find(miss.influencer);
    const bool is_probe = known != denials_.end() && known->second.in_a_row >= kDenialsToFlag;
    // Fetches of one or two influencers have no others to compare with, but a plain "not found"
    // is clear enough, and so is a second look at one that is flagged.
    if (!mostly_answered && miss.reason != MissReason::kNotFound && !is_probe) continue;
    if (known == denials_.end()) known = denials_.try_emplace(miss.influencer).first;
    auto& denials = known->second;
    ++denials.in_a_row;
    if (denials.in_a_row == kDenialsToFlag) ++flagged_;
    denials.next_probe = now + kProbeInterval;
  }
}

}  // namespace ia
