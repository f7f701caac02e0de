#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "ports/store.h"
#include "storage/damage.h"
#include "storage/directory.h"
#include "storage/segment.h"
#include "storage/segment_walk.h"

namespace ia::sqlite_store {

// The reads of the port on a connection of their own. What is damaged is left out, marked and
// noted, and the rest is read. Threads: one at a time; ReaderPool gives each its own.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const Files& files, DamageLog& damage,
                                              RegistryCache& known);

  Result<Registry> registry();
  Result<Series> series(InfluencerId influencer, MinuteRange range);
  Result<std::vector<MissAt>> misses(InfluencerId influencer, std::span<const Minute> minutes);
  Result<MinuteColumns> minute(Minute minute, const GoOn& go_on);
  Result<std::vector<RankAt>> ranks(InfluencerId influencer, std::span<const Minute> minutes,
                                    const GoOn& go_on);
  Result<std::vector<MinuteStats>> minutes(MinuteRange range);
  Result<Latest> latest();
  Result<Tail> tail(TailCursor from);
  Result<std::vector<Username>> usernames(std::string_view prefix, std::size_t count_max);
  Result<Minute> horizon();
  Result<StoreSize> size();

 private:
  struct FramePoint {
    Minute minute;
    Counts counts;
  };
  Reader(const Files& files, DamageLog& damage, RegistryCache& known, sqlite::Connection db,
         std::vector<sqlite::Statement> sql);

  // Runs `read` within one snapshot, with a directory that shows it.
  template <class Read>
  auto in_snapshot(Read read) -> decltype(read());
  // The same again when a segment was replaced and removed between our look at the catalog and its
  // opening.
  template <class Read>
  auto retried(Read read) -> decltype(read());
  // True when the error is one of these minutes' own, which are noted then.
  bool is_damage(const Error& error, MinuteRange minutes, const std::string& place);
  bool is_frame_damage(const Error& error, Minute minute, std::uint64_t position);
  Result<Series> series_once(InfluencerId influencer, MinuteRange range);
  Status read_frames(InfluencerId influencer, MinuteRange range);
  Status read_part(SegmentReader& segment, InfluencerId influencer, const SegmentPart& part,
                   MinuteRange wanted, Series& series);
  Status read_segment(const SegmentInfo& info, InfluencerId influencer, MinuteRange range,
                      Series& series);
  using Misses = std::map<Minute, MissReason>;
  // Of the first minute and of all that are in the same part of a segment: how many they are.
  Result<std::size_t> add_settled_misses(InfluencerId influencer, std::span<const Minute> minutes,
                                         Misses& misses);
  Status correct_by_frames(InfluencerId influencer, Minute minute, Misses& misses);
  void append_chunk(const SegmentPart& part, MinuteRange range, Series& series) const;
  Series with_frames(Series settled) const;
  // Calls take(bytes) of a frame of the snapshot's directory. kCorrupt when it is damaged.
  template <class Take>
  Status with_frame(std::uint64_t position, Take take);
  // The same with the whole batch, which is of the minute.
  template <class Take>
  Status with_batch(Minute minute, std::uint64_t position, Take take);
  // Calls take(batch) for each; leaves `is_damaged` true when one could not be read.
  template <class Take>
  Status for_each_frame(Minute minute, const GoOn& go_on, bool& is_damaged, Take take);
  // Opens what has the minute; nothing when that is damaged or there is none.
  Result<std::optional<Walked>> open_walk(Minute minute, const GoOn& go_on, bool& is_damaged);
  void note_walk(const Walked& walked, MinuteRange minutes);
  std::string place_of(const SegmentInfo& info, InfluencerId influencer) const;
  Status add_minutes(MinuteRange range, std::vector<MinuteStats>& rows);
  Result<std::size_t> count_first_ranks(std::span<RankAt> ranks, const GoOn& go_on);
  Status add_latest_values(Latest& latest);
  Status add_usernames(Latest& latest);
  Result<Tail> tail_of_checkpoint(const State& state);
  Result<Tail> tail_of_frames(TailCursor from);

  const Files& files_;
  DamageLog& damage_;
  RegistryCache& registry_;
  sqlite::Connection db_;
  std::vector<sqlite::Statement> sql_;
  Directory directory_;
  SegmentCache segments_;
  Chunk chunk_;                     // memory that is used again
  std::vector<FramePoint> frames_;  // the same
  std::vector<MinuteRange> damaged_;  // by the read that is under way
  bool gone_is_damage_ = false;       // of a segment, at the last try
};

// As many readers as there were reads at the same time, up to some of them kept.
class ReaderPool {
 public:
  ReaderPool(const Files& files, DamageLog& damage, RegistryCache& known)
      : files_(files), damage_(damage), registry_(known) {}

  // Runs `read(Reader&)` on a reader that nobody else has. Safe to call from any thread.
  template <class Read>
  auto with(Read read) -> decltype(read(std::declval<Reader&>())) {
    auto reader = take();
    if (!reader) return std::unexpected(reader.error());
    auto result = read(**reader);
    give_back(std::move(*reader));
    return result;
  }

 private:
  Result<std::unique_ptr<Reader>> take();
  void give_back(std::unique_ptr<Reader> reader);

  const Files& files_;
  DamageLog& damage_;
  RegistryCache& registry_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace ia::sqlite_store
