#include "pipeline/vanished.h"

#include <algorithm>
#include <cmath>

namespace ia {
namespace {

constexpr std::chrono::seconds kTallyFor{60};
constexpr std::uint64_t kMinutesKept = 2;
// Influencers flagged in one such span, or in neighbouring ones, are taken to have one cause.
constexpr std::chrono::minutes kCauseSpan{10};
// How rarely an influencer may be flagged by bare 404s that hit requests at random.
constexpr double kChanceOfMistake = 1e-7;
constexpr std::uint32_t kDenialsMax = 60;

std::int64_t span_of(MonoTime time) {
  return time.time_since_epoch() / std::chrono::duration_cast<MonoTime::duration>(kCauseSpan);
}

bool was_requested(MissReason reason) {
  return reason != MissReason::kOverrun && reason != MissReason::kOutage &&
         reason != MissReason::kDiskFull && reason != MissReason::kDown &&
         reason != MissReason::kClock;
}

// In a row, so that chance does not do it when this share of the others' requests gets one too.
std::uint32_t bare_denials_needed(double share) {
  if (share <= 0) return VanishedInfluencers::kDenialsToFlag;
  if (share >= 1) return kDenialsMax;
  const auto needed = std::ceil(std::log(kChanceOfMistake) / std::log(share));
  return std::clamp(static_cast<std::uint32_t>(needed), VanishedInfluencers::kDenialsToFlag,
                    kDenialsMax);
}

}  // namespace

void VanishedInfluencers::Tally::add(const Tally& more) {
  answered += more.answered;
  bare += more.bare;
  failed += more.failed;
}

VanishedInfluencers::Split VanishedInfluencers::split(std::vector<InfluencerId> influencers,
                                                      MonoTime now) const {
  if (flagged_ == 0) return {std::move(influencers), {}};
  Split split;
  for (const auto id : influencers) {
    const auto known = denials_.find(id);
    if (known != denials_.end() && is_to_be_skipped(known->second, now)) {
      split.skipped.push_back({id, MissReason::kNotFound});
    } else {
      split.to_fetch.push_back(id);
    }
  }
  if (split.skipped.size() > 1 && split.skipped.size() > split.to_fetch.size()) {
    const auto minute = std::chrono::floor<std::chrono::minutes>(now.time_since_epoch()).count();
    const auto turn = static_cast<std::size_t>(minute) % split.skipped.size();
    const auto probe = split.skipped.begin() + static_cast<std::ptrdiff_t>(turn);
    const auto id = probe->influencer;
    split.skipped.erase(probe);
    split.to_fetch.insert(std::ranges::lower_bound(split.to_fetch, id), id);
  }
  return split;
}

void VanishedInfluencers::note(FinishedFetch& fetch, MonoTime now) {
  const auto fetched = tally_of(fetch);
  note_values(fetch, now);
  for (auto& miss : fetch.misses) {
    if (miss.reason != MissReason::kNotFound) continue;
    if (std::ranges::binary_search(fetch.denied, miss.influencer)) {
      note_denial(miss.influencer, kDenialsToFlag, now);
    } else {
      note_bare(miss, fetched, now);
    }
  }
  remember(fetched, now);
}

VanishedInfluencers::Tally VanishedInfluencers::tally_of(const FinishedFetch& fetch) {
  Tally tally{.answered = fetch.values.size() + fetch.denied.size()};
  for (const auto& miss : fetch.misses) {
    if (miss.reason == MissReason::kNotFound) {
      ++tally.bare;
    } else if (was_requested(miss.reason)) {
      ++tally.failed;
    }
  }
  tally.bare -= fetch.denied.size();
  return tally;
}

void VanishedInfluencers::remember(const Tally& tally, MonoTime now) {
  if (now - minute_began_ >= kTallyFor) {
    minutes_[1] = now - minute_began_ < 2 * kTallyFor ? minutes_[0] : Tally{};
    minutes_[0] = {};
    minute_began_ = now;
  }
  minutes_[0].add(tally);
}

VanishedInfluencers::Tally VanishedInfluencers::recent() const {
  auto both = minutes_[0];
  both.add(minutes_[1]);
  return both;
}

void VanishedInfluencers::note_values(const FinishedFetch& fetch, MonoTime now) {
  if (denials_.empty()) return;
  for (const auto& value : fetch.values) {
    const auto known = denials_.find(value.influencer);
    if (known == denials_.end()) continue;
    const auto was = known->second;
    denials_.erase(known);
    if (!was.is_flagged) continue;
    --flagged_;
    note_end_of_cause(was.flagged_at, now);
  }
}

void VanishedInfluencers::note_end_of_cause(MonoTime flagged_at, MonoTime now) {
  const auto is_old = [&](const auto& cause) { return now - cause.second > kProbeInterval; };
  std::erase_if(causes_over_, is_old);
  causes_over_[span_of(flagged_at)] = now;
}

bool VanishedInfluencers::is_to_be_skipped(const Denials& denials, MonoTime now) const {
  if (!denials.is_flagged || now - denials.denied_at >= kProbeInterval) return false;
  const auto span = span_of(denials.flagged_at);
  const auto end = causes_over_.upper_bound(span + 1);
  for (auto cause = causes_over_.lower_bound(span - 1); cause != end; ++cause) {
    if (cause->second > denials.denied_at) return false;
  }
  return true;
}

void VanishedInfluencers::note_denial(InfluencerId influencer, std::uint32_t needed, MonoTime now) {
  auto& denials = denials_[influencer];
  ++denials.in_a_row;
  denials.denied_at = now;
  if (denials.is_flagged || denials.in_a_row < needed) return;
  denials.is_flagged = true;
  denials.flagged_at = now;
  ++flagged_;
}

// Alone, without anybody to compare with, an influencer is never flagged: it costs one request.
void VanishedInfluencers::note_bare(Miss& miss, Tally fetched, MonoTime now) {
  const auto known = denials_.find(miss.influencer);
  const std::uint64_t own = known == denials_.end() ? 0 : known->second.in_a_row;
  --fetched.bare;
  auto others = recent();
  others.add(fetched);
  const bool is_alone = others.answered + others.failed == 0 && others.bare <= kMinutesKept;
  if (is_alone) return;
  others.bare -= std::min({others.bare, own, kMinutesKept});
  if (!others.mostly_answered() || !fetched.mostly_answered()) {
    miss.reason = MissReason::kServerError;
    return;
  }
  const auto share =
      static_cast<double>(others.bare) / static_cast<double>(others.answered + others.bare);
  note_denial(miss.influencer, bare_denials_needed(share), now);
}

}  // namespace ia
