#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "adapters/sqlite_store_directory.h"
#include "adapters/sqlite_store_segment.h"
#include "ports/store.h"

namespace ia::sqlite_store {

// The reads of the port on a connection of their own. Threads: one at a time; ReaderPool gives
// each its own.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const Files& files);

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
  Reader(const Files& files, sqlite::Connection db, std::vector<sqlite::Statement> sql);

  // Runs `read` within one snapshot, with a directory that shows it.
  template <class Read>
  auto in_snapshot(Read read) -> decltype(read());
  // The same again when a segment was replaced and removed between our look at the catalog and its
  // opening.
  template <class Read>
  auto retried(Read read) -> decltype(read());
  Result<Series> series_once(InfluencerId influencer, MinuteRange range);
  Status read_frames(InfluencerId influencer, MinuteRange range);
  Status read_segment(const SegmentInfo& info, InfluencerId influencer, MinuteRange range,
                      Series& series);
  using Misses = std::map<Minute, MissReason>;
  // Of the first minute and of all that are in the same part of a segment: how many they are.
  Result<std::size_t> add_settled_misses(InfluencerId influencer, std::span<const Minute> minutes,
                                         Misses& misses);
  Status correct_by_frames(InfluencerId influencer, Minute minute, Misses& misses);
  void append_chunk(const SegmentPart& part, MinuteRange range, Series& series) const;
  Series with_frames(Series settled) const;
  // Calls take(bytes) unless the frame is gone.
  template <class Take>
  Status with_frame(std::uint64_t position, Take take);
  template <class Take>
  Status for_each_frame(Minute minute, const GoOn& go_on, Take take);
  Result<std::size_t> count_first_ranks(std::span<RankAt> ranks, const GoOn& go_on);
  Status add_latest_values(Latest& latest);
  Status add_usernames(Latest& latest);
  Result<Tail> tail_of_checkpoint(const State& state);
  Result<Tail> tail_of_frames(TailCursor from);

  const Files& files_;
  sqlite::Connection db_;
  std::vector<sqlite::Statement> sql_;
  Directory directory_;
  SegmentCache segments_;
  Chunk chunk_;                     // memory that is used again
  std::vector<FramePoint> frames_;  // the same
};

// As many readers as there were reads at the same time, up to some of them kept.
class ReaderPool {
 public:
  explicit ReaderPool(const Files& files) : files_(files) {}

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
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace ia::sqlite_store
