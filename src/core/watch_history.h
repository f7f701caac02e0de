#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/influencer_set.h"
#include "core/point.h"

namespace ia {

// Since which minute influencers are watched: the first one in which each was due for all of it.
// Nothing is expected of an influencer before that. Immutable.
class WatchHistory {
 public:
  struct Newcomers {
    Minute since;
    InfluencerSet influencers;
    friend bool operator==(const Newcomers&, const Newcomers&) = default;
  };
  // More changes than this are forgotten, the oldest first: those are watched since the beginning.
  static constexpr std::size_t kChangesMax = 100;

  // Everybody, since always: what an older program left has no history.
  WatchHistory() = default;
  explicit WatchHistory(Minute begin) : begin_(begin) {}

  // The history once `after` is watched in place of `before`, from `now` on. What was to begin
  // later, by a clock that was wrong, begins now.
  WatchHistory followed_by(const InfluencerSet& before, const InfluencerSet& after,
                           WallTime now) const;

  Minute since(InfluencerId influencer) const;
  // Since everybody is: from here on the history says nothing.
  Minute all_since() const;
  // Those that came after the beginning, oldest first; one may come again.
  const std::vector<Newcomers>& newcomers() const { return newcomers_; }
  Minute begin() const { return begin_; }

  // "29411280;29413000:5,7-9": minutes since 1970, and who came in them.
  std::string to_string() const;
  // Empty is "always". kCorrupt when it is no such text.
  static Result<WatchHistory> parse(std::string_view text);

  friend bool operator==(const WatchHistory&, const WatchHistory&) = default;

 private:
  Minute begin_{};
  std::vector<Newcomers> newcomers_;  // ascending by time
};

}  // namespace ia
