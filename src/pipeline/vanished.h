#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "ports/provider.h"

namespace ia {

// Influencers that the network denies. After kDenialsToFlag denials in a row an influencer is
// flagged, and requested only once per hour until it has a value again; its other minutes are
// missed (not_found).
//
// A denial is the network's own: a body that says so in the network's words, or a bare 404 or 410
// while most of the others are answered. A bare 404 may come from a gateway, also for some requests
// only, so the more of the others get one too, the more in a row it takes to flag. No other failure
// counts, however often it is repeated.
//
// When a flagged influencer has a value again, all that were flagged about the same time are
// requested at once: their denials had one cause. While most of a fetch are flagged, one of them is
// requested per minute, so that the end of that cause is noticed. One thread.
class VanishedInfluencers {
 public:
  static constexpr std::uint32_t kDenialsToFlag = 5;
  static constexpr std::chrono::minutes kProbeInterval{60};

  struct Split {
    std::vector<InfluencerId> to_fetch;
    std::vector<Miss> skipped;
  };
  Split split(std::vector<InfluencerId> influencers, MonoTime now) const;

  // Learns from a fetch. Bare 404s that deny nobody, because the others are not answered either,
  // become server_error.
  void note(FinishedFetch& fetch, MonoTime now);

  std::size_t flagged() const { return flagged_; }

 private:
  struct Denials {
    std::uint32_t in_a_row = 0;
    bool is_flagged = false;
    MonoTime flagged_at{};
    MonoTime denied_at{};
  };
  // How fetched influencers fared: those of one fetch, or of some time.
  struct Tally {
    std::uint64_t answered = 0;  // a value, or a denial in the network's words
    std::uint64_t bare = 0;      // a bare 404
    std::uint64_t failed = 0;    // anything else
    void add(const Tally& more);
    bool mostly_answered() const { return answered >= bare + failed; }
  };

  static Tally tally_of(const FinishedFetch& fetch);
  void remember(const Tally& tally, MonoTime now);
  Tally recent() const;
  void note_values(const FinishedFetch& fetch, MonoTime now);
  void note_denial(InfluencerId influencer, std::uint32_t needed, MonoTime now);
  void note_bare(Miss& miss, Tally fetched, MonoTime now);
  bool is_to_be_skipped(const Denials& denials, MonoTime now) const;
  void note_end_of_cause(MonoTime flagged_at, MonoTime now);

  std::unordered_map<InfluencerId, Denials> denials_;
  std::size_t flagged_ = 0;
  // When an influencer that was flagged in this span of time last had a value again.
  std::map<std::int64_t, MonoTime> causes_over_;
  std::array<Tally, 2> minutes_{};  // this one, and the one before
  MonoTime minute_began_{};
};

}  // namespace ia
