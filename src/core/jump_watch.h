#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/leaderboard.h"
#include "core/own_signals.h"
#include "core/point.h"
#include "core/point_batch.h"

namespace ia {

// A change of followers that looked like a jump when it came. find_own_signals confirms it with the
// account's whole past, or does not.
struct JumpCandidate {
  InfluencerId influencer{};
  Minute begin;                // of the last value before it
  Minute end;                  // of its last value
  std::int64_t size = 0;       // followers gained
  std::int64_t followers = 0;  // afterwards
  double score = 0;            // its largest change in usual spreads a minute
};
// Newest first, larger scores first within a minute.
using JumpCandidates = std::vector<JumpCandidate>;

// Watches the values of everybody as they come, and keeps the largest jumps of the last day. What
// is usual for an account is a running mean of |increment per minute|: exponential, some kSpan
// values long, over 0.798, which is the spread where increments are normal. What is beyond kClip
// times the mean enters as that, so that one jump moves it by 5 % at most; still, it is neither the
// median nor a day long, and growth counts as noise: hence candidates. Jumps of one account in one
// direction within jump_within are one.
//
// Cost: 16 bytes an influencer and 17 ns a value (bench/leaderboard_bench). One thread writes;
// published lists are free.
class JumpWatch {
 public:
  static constexpr int kSpan = 64;
  static constexpr double kClip = 4;
  static constexpr std::size_t kKeptMax = 1'000;
  static constexpr std::chrono::hours kKeptFor{24};

  // jump_z, jump_least and jump_within count.
  explicit JumpWatch(const SignalThresholds& thresholds) : thresholds_(thresholds) {}

  // Takes what was retrieved before for granted: the next values are judged from it on, after
  // kSignalChangesMin of them.
  void start_from(std::uint32_t index, std::int64_t followers, Minute minute);
  // `roster` has all of the batch's influencers. Minutes that are not newer are left out.
  void apply(const PointBatch& batch, const Roster& roster);

  // The list as it is now; the same one as before when nothing changed.
  std::shared_ptr<const JumpCandidates> publish();

 private:
  struct Watched {
    std::uint64_t followers : 53 = 0;
    std::uint64_t changes : 11 = 0;  // judged so far, no more than kSpan
    std::uint32_t minute = 0;        // since the epoch; 0: none yet
    float mean = 0;                  // of |increment per minute|
  };
  static_assert(sizeof(Watched) == 16);

  static double judge(Watched& watched, std::int64_t gained, std::uint32_t length);
  void keep(const JumpCandidate& jump);
  void forget_smaller();

  SignalThresholds thresholds_;
  std::vector<Watched> watched_;  // by roster index
  JumpCandidates kept_;           // in the order found, up to twice kKeptMax
  std::unordered_map<InfluencerId, std::size_t> newest_;  // of an influencer, in kept_
  Minute newest_minute_{};
  std::shared_ptr<const JumpCandidates> published_ = std::make_shared<JumpCandidates>();
  bool is_changed_ = false;
};

}  // namespace ia
