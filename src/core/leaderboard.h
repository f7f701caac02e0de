#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/influencer_set.h"
#include "core/point.h"
#include "core/point_batch.h"

namespace ia {

// Influencers in the order in which they became known. Only grows, so an index stays valid. Costs
// O(1) and some 16 bytes per influencer, however their ids are spread and in whichever order.
class Roster {
 public:
  std::optional<std::uint32_t> find(InfluencerId id) const;
  // The index of a known or new influencer.
  std::uint32_t add(InfluencerId id);
  InfluencerId at(std::uint32_t index) const { return ids_[index]; }
  std::size_t size() const { return ids_.size(); }

 private:
  // The slot that has this id's index, or the free one where it belongs.
  std::size_t slot_of(InfluencerId id) const;
  void widen();

  std::vector<InfluencerId> ids_;
  // Indexes by the hash of their ids, each in the first free slot from there on. A power of two, at
  // most half of it in use; empty before the first add.
  std::vector<std::uint32_t> slots_;
};

struct Standing {
  InfluencerId influencer;
  std::string_view username;  // empty when unknown; valid as long as the snapshot
  Counts counts;
  WallTime retrieved_at;
  std::uint32_t rank = 0;        // 1 + how many have more followers: 1, 2, 2, 4
  std::uint32_t dense_rank = 0;  // 1, 2, 2, 3
};

// The latest value of everyone at one moment. Immutable: share it freely between threads.
// Costs: find and position O(log n), at_position O(1); about 44 bytes an influencer.
class LeaderboardSnapshot {
 public:
  std::uint64_t version() const { return version_; }
  WallTime published_at() const { return published_at_; }
  std::size_t size() const { return order_.size(); }  // influencers with a value
  std::int64_t followers_total() const { return followers_total_; }
  std::int64_t following_total() const { return following_total_; }
  // Over the latest value of all; nothing when there is none.
  std::optional<double> followers_average() const;
  // The mean of the two middle values when their number is even.
  std::optional<double> followers_median() const;

  std::optional<Standing> find(InfluencerId id) const;
  // Most followers first, equal counts by ascending id.
  Standing at_position(std::size_t position) const;
  // The first position behind (followers, id) in that order: where a page goes on.
  std::size_t position_after(std::int64_t followers, InfluencerId id) const;
  // Of everyone, in no particular order; those without a value have zeros.
  std::span<const Counts> counts() const { return counts_; }
  // Everyone who ever had a value or a name has an index below index_end(), the same in every
  // snapshot of a leaderboard: for columns that are kept beside it.
  std::size_t index_end() const { return counts_.size(); }
  std::optional<std::uint32_t> index_of(InfluencerId id) const;
  std::string_view username_of(InfluencerId id) const;  // also without a value; may be empty
  InfluencerId influencer_at(std::uint32_t index) const { return roster_->at(index); }
  std::optional<Counts> counts_at(std::uint32_t index) const;  // nothing without a value
  // Calls visit(id, counts) of everyone with a value, in no particular order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::uint32_t i = 0; i < index_end(); ++i) {
      if (ranks_[i].rank != 0) visit(roster_->at(i), counts_[i]);
    }
  }
  // When the newest of the values was retrieved; the epoch when there is none. Values stamped in
  // the future do not count.
  WallTime newest_retrieved_at() const { return newest_; }

 private:
  friend class Leaderboard;
  struct Ranks {
    std::uint32_t rank = 0;
    std::uint32_t dense_rank = 0;
  };
  std::string_view username_at(std::uint32_t index) const;
  Standing standing(std::uint32_t index) const;

  std::uint64_t version_ = 0;
  WallTime published_at_{};
  WallTime newest_{};
  std::int64_t followers_total_ = 0;
  std::int64_t following_total_ = 0;
  std::shared_ptr<const Roster> roster_;
  std::shared_ptr<const std::vector<std::string_view>> usernames_;
  std::shared_ptr<const void> username_bytes_;
  std::vector<Counts> counts_;          // by roster index
  std::vector<WallTime> retrieved_at_;  // by roster index; epoch: no value
  std::vector<std::uint32_t> order_;    // roster indexes, most followers first
  std::vector<Ranks> ranks_;            // by roster index
};

// Collects values and publishes snapshots. One thread writes; published snapshots are free.
class Leaderboard {
 public:
  Leaderboard();
  ~Leaderboard();

  // What is stamped later than `now`, by a clock that was ahead, gives way to any value that is not
  // and never counts as the newest. Until this is called nothing is later.
  void set_now(WallTime now);
  // Keeps the value when it is newer than what is known. O(1).
  void apply(InfluencerId id, Counts counts, WallTime retrieved_at);
  void apply(const PointBatch& batch);
  void set_username(InfluencerId id, std::string_view name);
  // Takes the values of those away who are not watched and were not heard of since, so that they
  // have no rank and count in no average. A newer value brings them back. O(all).
  void forget_unwatched(const InfluencerSet& watched, WallTime since);

  // Everyone who was named so far, by index. Only for the thread that writes.
  const Roster& roster() const;

  // A snapshot of all that was applied. Cost: a few passes over all, plus a sort of those that
  // changed since the last one (bench/leaderboard_bench).
  std::shared_ptr<const LeaderboardSnapshot> publish(WallTime now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
