#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/leaderboard.h"
#include "core/point.h"

namespace ia {

// Who grew and who shrank most since some time ago, over everyone.

struct MoverWindow {
  std::string_view name;
  std::chrono::minutes length;
};
inline constexpr std::array kMoverWindows = {
    MoverWindow{"1h", std::chrono::hours{1}},
    MoverWindow{"1d", std::chrono::hours{24}},
    MoverWindow{"7d", std::chrono::hours{7 * 24}},
};

// Everyone's followers at an earlier time. 8 bytes an influencer.
class MoversBase {
 public:
  explicit MoversBase(Minute minute) : minute_(minute) {}

  // Keeps what is known already. `influencers` and `followers` are of equal length; those that the
  // snapshot does not know are left out.
  void add(const LeaderboardSnapshot& board, std::span<const InfluencerId> influencers,
           std::span<const std::int64_t> followers);

  // Some influencers' values of then cannot be read.
  void note_damage() { is_damaged_ = true; }
  bool is_damaged() const { return is_damaged_; }

  Minute minute() const { return minute_; }
  // Nothing where there was no value. `index` as in LeaderboardSnapshot.
  std::optional<std::int64_t> followers(std::uint32_t index) const {
    if (index >= followers_.size() || followers_[index] < 0) return std::nullopt;
    return followers_[index];
  }

 private:
  Minute minute_;
  bool is_damaged_ = false;
  std::vector<std::int64_t> followers_;  // by roster index; -1: no value
};

struct Mover {
  InfluencerId influencer;
  std::int64_t before = 0;
  std::int64_t now = 0;
  std::int64_t change() const { return now - before; }
  // Of `before`, which is not 0.
  double percent() const {
    return 100 * static_cast<double>(change()) / static_cast<double>(before);
  }
  friend bool operator==(const Mover&, const Mover&) = default;
};

struct MoversOptions {
  std::size_t kept = 100;                // of each list
  std::int64_t percent_base_min = 1000;  // fewer followers before: not in the lists by percent
};

// The strongest first; equally strong ones by the size of the change, then by ascending id.
struct MoverLists {
  std::vector<Mover> up;
  std::vector<Mover> down;
};

// Growth between a base and the latest values: of those who have a value in both.
struct Movers {
  Minute since;    // the base's minute
  bool is_damaged = false;  // the base is: some influencers are not compared
  WallTime as_of;  // of the latest values
  std::uint64_t compared = 0;
  std::uint64_t risen = 0;
  std::uint64_t fallen = 0;
  std::int64_t ups = 0;    // sum of all rises
  std::int64_t downs = 0;  // sum of all falls: not above 0
  std::int64_t percent_base_min = 0;
  MoverLists absolute;
  MoverLists percent;
};

// One pass over all: some 10 ms for a million.
Movers find_movers(const LeaderboardSnapshot& board, const MoversBase& base,
                   const MoversOptions& options);

// By kMoverWindows; null while there is no base yet.
using MoversSnapshot = std::array<std::shared_ptr<const Movers>, kMoverWindows.size()>;

}  // namespace ia
