#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/retention_clock.h"
#include "ports/store.h"

namespace ia {

struct MemoryStoreOptions {
  std::chrono::minutes retention{0};  // 0: keeps everything
};

// The Store port on maps: the reference of the contract suite, and the store of simulations.
// Written to be obviously right; every read is a walk. What the port leaves open, it does so:
//  - an influencer's first miss of a minute is the one that counts;
//  - a minute's `due` is what the registry says when the minute is first touched, or what has
//    come to a value or miss, if that is more (foreign ids, a registry that grew);
//  - a tail gives each stored point once: repeats are not in it, nor misses that do not count;
//  - retention removes points and misses, never the latest values or what a minute amounts to.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(MemoryStoreOptions options = {});

  Result<Registry> registry() const override;
  Status put_registry(const Registry& registry) override;
  Result<AppendResult> append(std::span<const PointBatch> batches) override;
  Status close_minutes(MinuteRange range, MissReason reason) override;
  Result<bool> maintain(const UpkeepTime& time) override;
  Result<Series> read_series(InfluencerId influencer, MinuteRange range) const override;
  Result<std::vector<MissAt>> read_misses(InfluencerId influencer,
                                          std::span<const Minute> minutes) const override;
  Result<MinuteColumns> read_minute(Minute minute, const GoOn& go_on) const override;
  Result<std::vector<RankAt>> read_ranks(InfluencerId influencer, std::span<const Minute> minutes,
                                         const GoOn& go_on) const override;
  Result<std::vector<MinuteStats>> read_minutes(MinuteRange range) const override;
  Result<Latest> read_latest() const override;
  Result<Tail> read_tail(TailCursor from) const override;
  Result<std::vector<Username>> find_usernames(std::string_view prefix,
                                               std::size_t count_max) const override;
  Result<Minute> horizon() const override;
  Result<StoreSize> size() const override;

  // The next `count` appends do nothing and give `code`.
  void fail_next_append(std::size_t count, Errc code = Errc::kUnavailable);
  // The next `count` appends take effect and give kUnavailable: the reply was lost.
  void lose_reply_next_append(std::size_t count);
  // How often close_minutes was called.
  std::size_t closings() const { return closings_; }
  // The influencer's values in these minutes cannot be read any more: their bytes are damaged.
  void damage(InfluencerId influencer, MinuteRange range);
  // What the minute amounts to cannot be read any more.
  void damage_row(Minute minute);
  // While down, everything does nothing and gives kUnavailable.
  void set_down(bool down);

 private:
  struct MinuteRow {
    std::map<InfluencerId, Counts> values;
    std::map<InfluencerId, MissReason> misses;
    std::map<InfluencerId, Counts> damaged;  // values that cannot be read
    bool is_damaged = false;                 // it cannot be read itself
    std::uint64_t due_registered = 0;
    std::uint64_t repeats = 0;
    bool closed = false;
    MissReason close_reason{};
    std::uint64_t closed_misses = 0;  // of influencers that were not heard of
    WallTime first_retrieved_at{};
    WallTime last_retrieved_at{};
  };
  struct LatestValue {
    Counts counts;
    WallTime retrieved_at;
  };
  struct Name {
    std::string name;
    WallTime retrieved_at;
  };

  MinuteRow& row(Minute minute);
  void apply(const PointBatch& batch, AppendResult& result);
  void apply_names(const PointBatch& batch);
  bool store_point(MinuteRow& row, const PointBatch& batch, std::size_t index);
  Status check_up() const;
  std::optional<WallTime> newest_minute() const;
  static MinuteStats stats_of(Minute minute, const MinuteRow& row);

  const MemoryStoreOptions options_;
  mutable std::mutex mutex_;
  Registry registry_;
  std::map<Minute, MinuteRow> minutes_;
  std::map<Minute, MinuteStats> expired_;  // what minutes before the horizon amounted to
  std::map<InfluencerId, LatestValue> latest_;
  std::map<InfluencerId, Name> names_;
  std::vector<PointBatch> tail_;
  Minute horizon_{};  // minutes before it are gone
  std::optional<RetentionClock> retention_clock_;

  std::size_t fail_next_ = 0;
  Errc fail_code_ = Errc::kUnavailable;
  std::size_t lose_reply_next_ = 0;
  bool down_ = false;
  std::size_t closings_ = 0;
};

}  // namespace ia
