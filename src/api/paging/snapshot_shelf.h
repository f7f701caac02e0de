#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "api/paging/cursor.h"
#include "base/clock.h"
#include "core/leaderboard.h"

namespace ia {

// Keeps the snapshots whose pages clients are turning: up to kKeptMax of them, and of large ones as
// many as kBytesMax holds, at least one; for kKeptFor after they were handed out. Beyond that the
// one that was not used for longest goes. Safe to call from any thread.
class SnapshotShelf {
 public:
  using Snapshot = std::shared_ptr<const LeaderboardSnapshot>;
  static constexpr std::size_t kKeptMax = 4;
  static constexpr std::size_t kBytesMax = std::size_t{48} << 20;
  static constexpr std::size_t kBytesOfInfluencer = 44;
  static constexpr std::chrono::minutes kKeptFor{5};
  // First pages share a snapshot for so long, so that many readers do not fill the shelf; twice as
  // long where it holds only one.
  static constexpr std::chrono::seconds kSharedFor{15};

  // How many snapshots of so many influencers are kept.
  static std::size_t kept_max(std::size_t influencers);

  // The snapshot for a first page: one that was handed out lately, or `current`.
  Snapshot for_first_page(Snapshot current, MonoTime now);
  // Call it when a cursor into the snapshot is handed out.
  void keep(const Snapshot& snapshot, MonoTime now);
  // Nothing when it is gone.
  Snapshot find(const Cursor& cursor, MonoTime now);

 private:
  struct Kept {
    Snapshot snapshot;
    MonoTime handed_out_at;
    MonoTime used_at;
  };
  void drop_old(MonoTime now);

  std::mutex mutex_;
  std::vector<Kept> kept_;
};

}  // namespace ia
