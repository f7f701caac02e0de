#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "adapters/postgres/connection.h"
#include "core/point_batch.h"
#include "core/schedule.h"

namespace ia::postgres {

// Checks what the port demands of a batch, and that the server can hold it; kInvalid names what
// is wrong.
Status check_batch(const PointBatch& batch);

// The place of a point within the batches of one append.
struct PointPlace {
  std::size_t batch;
  std::size_t point;
  friend auto operator<=>(const PointPlace&, const PointPlace&) = default;
};

// The parameters of ia.append: the batches in columns, by minute and influencer, so that two
// appends with the same points meet in the same order and cannot wait for each other. Misses and
// names are in the order given, in which the first miss and the last name count.
class Draft {
 public:
  // Points at `repeats`, which is sorted, are counted as repeats and left out; batches of minutes
  // before the horizon are counted as expired.
  Draft(std::span<const PointBatch> batches, std::span<const PointPlace> repeats,
        const Registry& registry, Minute horizon);

  std::uint64_t stored() const { return ids_.size(); }
  std::uint64_t repeats() const { return repeats_; }
  std::uint64_t expired() const { return expired_; }
  bool empty() const { return accounts_.empty() && names_.empty(); }

  Params append_params(std::uint64_t epoch) const;
  // Of ia.present.
  Params present_params() const;
  // Those points whose place in the columns is given, or that stand twice in the draft.
  std::vector<PointPlace> repeated(std::span<const std::int64_t> present) const;

 private:
  struct Account {
    std::int64_t due = 0;
    std::int64_t stored = 0;
    std::int64_t repeats = 0;
    std::int64_t followers_sum = 0;
    std::int64_t following_sum = 0;
    WallTime first_retrieved = WallTime::max();
    WallTime last_retrieved = WallTime::min();
  };
  struct Name {
    std::string_view name;
    WallTime retrieved_at;
  };

  void add(const PointBatch& batch, std::size_t number, std::span<const PointPlace> repeats);
  void add_points(const PointBatch& batch, std::size_t number, std::span<const PointPlace> repeats,
                  Account& account);
  void add_misses(const PointBatch& batch);
  void add_names(const PointBatch& batch);
  void add_to_tail(const PointBatch& batch, std::size_t first_kept);

  std::uint64_t repeats_ = 0;
  std::uint64_t expired_ = 0;

  std::vector<PointPlace> places_;
  std::vector<Minute> minutes_;
  std::vector<std::int64_t> ids_;
  std::vector<std::int64_t> followers_;
  std::vector<std::int64_t> following_;

  std::vector<Minute> miss_minutes_;
  std::vector<std::int64_t> miss_ids_;
  std::vector<std::int64_t> miss_reasons_;

  std::vector<Minute> batch_minutes_;
  std::vector<WallTime> batch_retrieved_;
  std::vector<std::int64_t> batch_firsts_;
  std::vector<std::int64_t> batch_lasts_;
  std::vector<std::int64_t> batch_points_;
  std::vector<std::string> batch_data_;

  std::map<Minute, Account> accounts_;
  std::map<InfluencerId, Name> names_;
};

}  // namespace ia::postgres
