#pragma once

#include <cstdint>
#include <vector>

#include "core/point_batch.h"
#include "ports/store.h"
#include "storage/presence.h"

namespace ia::sqlite_store {

// Checks what the port demands of a batch; kInvalid names what is wrong.
Status check_batch(const PointBatch& batch);

struct IndexRange {
  std::size_t begin;
  std::size_t end;
};

// What of a batch was new, as indexes into its columns.
struct Kept {
  std::vector<IndexRange> points;
  std::vector<IndexRange> misses;
  std::size_t point_count = 0;
  std::size_t miss_count = 0;
  bool all_of(const PointBatch& batch) const {
    return point_count == batch.size() && miss_count == batch.misses.size();
  }
};

PointBatch filtered(const PointBatch& batch, const Kept& kept);

// The accounts of one minute, by the rules of the port: the first value counts, a miss counts
// while there is no value, due = stored + missed + open. Sums stop at the largest number.
class MinuteAccount {
 public:
  MinuteAccount(Minute minute, std::uint64_t due_registered);
  // As it was stored.
  explicit MinuteAccount(const MinuteStats& stats) : stats_(stats) {}

  // `presence` must know all ids of the batch.
  Kept apply(const PointBatch& batch, Presence& presence, IdNumbers& ids);
  // Counts the open ones as missed. False when that was done before.
  bool close(MissReason reason);

  const MinuteStats& stats() const { return stats_; }

 private:
  void take_back(const Presence& presence, std::uint32_t group, std::uint64_t bits);
  void take_from_rest(std::uint64_t count);
  void add_values(const PointBatch& batch, IndexRange points);
  void add_points(const PointBatch& batch, Presence& presence, IdNumbers& ids, Kept& kept);
  void add_misses(const PointBatch& batch, Presence& presence, IdNumbers& ids, Kept& kept);
  void settle_due();

  MinuteStats stats_;
};

// Repeats on `presence` what `apply` did with a batch of which everything was new.
void replay(const PointBatch& batch, Presence& presence, IdNumbers& ids);

}  // namespace ia::sqlite_store
