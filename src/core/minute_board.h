#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/leaderboard.h"
#include "core/point.h"

namespace ia {

// Everyone who had a value in one minute, ranked: as LeaderboardSnapshot, but of a past minute.
// Immutable: share it freely between threads. 32 bytes an influencer; made in some 0.15 s for a
// million. Its standings have neither a username nor the time of retrieval.
class MinuteBoard {
 public:
  // Columns of equal length, ascending by influencer.
  MinuteBoard(Minute minute, std::vector<InfluencerId> influencers,
              std::vector<std::int64_t> followers, std::vector<std::int64_t> following);

  Minute minute() const { return minute_; }
  std::size_t size() const { return influencers_.size(); }
  std::int64_t followers_total() const { return followers_total_; }
  std::int64_t following_total() const { return following_total_; }
  // Nothing when nobody had a value.
  std::optional<double> followers_average() const;
  std::optional<double> followers_median() const;

  // O(log n).
  std::optional<Standing> find(InfluencerId id) const;
  // Most followers first, equal counts by ascending id. O(log n).
  Standing at_position(std::size_t position) const;
  // The first position behind (followers, id) in that order.
  std::size_t position_after(std::int64_t followers, InfluencerId id) const;
  // Calls visit(id, counts) of everyone.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < size(); ++i) {
      visit(influencers_[i], Counts{followers_[i], following_[i]});
    }
  }

  std::size_t bytes() const { return sizeof *this + size() * 32; }

 private:
  Standing standing(std::uint32_t index) const;

  Minute minute_;
  std::int64_t followers_total_ = 0;
  std::int64_t following_total_ = 0;
  std::vector<InfluencerId> influencers_;
  std::vector<std::int64_t> followers_;
  std::vector<std::int64_t> following_;
  std::vector<std::uint32_t> order_;        // indexes, most followers first
  std::vector<std::uint32_t> dense_ranks_;  // by position
};

}  // namespace ia
