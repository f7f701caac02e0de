#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/influencer_set.h"
#include "storage/block.h"
#include "storage/latest_walk.h"
#include "storage/packed_segment.h"
#include "storage/tables.h"

// The long works of housekeeping, in slices of some 20 ms. A kill between any two instructions
// leaves the store as it was before or after the work, and at most files that the table `replaced`
// names, or one new segment that the catalog does not list.
namespace ia::sqlite_store {

class Job {
 public:
  virtual ~Job() = default;
  // One slice; true while there is more. After an Error the job must be thrown away.
  virtual Result<bool> step() = 0;
};

// What the jobs work on. All of it outlives them.
struct Workshop {
  const Files& files;
  WriteGate& gate;
  sqlite::Connection& db;  // of housekeeping alone
};

// Writes the newest value of everyone in one place, so that a start reads that and the few frames
// behind it, and frames may go.
class LatestJob final : public Job {
 public:
  // Values that are stamped later than `now` count only where there is no other.
  static Result<std::unique_ptr<Job>> start(Workshop shop, WallTime now);
  Result<bool> step() override;

 private:
  LatestJob(Workshop shop, LatestWalk walk, std::int64_t generation,
            std::vector<sqlite::Statement> sql);
  Status write_slice();
  Status publish();

  Workshop shop_;
  LatestWalk walk_;
  std::int64_t generation_;
  std::vector<sqlite::Statement> sql_;
  bool published_ = false;
};

// Deletes frames. No reader needs them: they are in a segment or older than the horizon, and their
// newest values are in the checkpoint.
class DropFramesJob final : public Job {
 public:
  DropFramesJob(Workshop shop, std::vector<std::uint64_t> positions)
      : shop_(shop), positions_(std::move(positions)) {}
  Result<bool> step() override;

 private:
  Workshop shop_;
  std::vector<std::uint64_t> positions_;  // ascending
  std::size_t next_ = 0;
};

// All frames that nobody needs, ascending.
Result<std::vector<std::uint64_t>> droppable_frames(sqlite::Connection& db);

// Writes one segment out of the segments and the frames of a range, and puts it in their place:
// settles an hour, puts the hours of a day into one file, or merges what came late. One influencer
// after the other, whose values of the whole range are encoded again, whatever format they had.
class SettleJob final : public Job {
 public:
  // The range is an hour or a day.
  static Result<std::unique_ptr<Job>> start(Workshop shop, MinuteRange range);
  Result<bool> step() override;

 private:
  struct Frame {
    std::uint64_t position;
    Minute minute;
    InfluencerId first;
    InfluencerId last;
    std::uint64_t points;
  };
  // A part of a segment that was settled before, and a reader whose walk over it is under way.
  struct Source {
    SegmentReader reader;
    SegmentPart part;
  };
  SettleJob(Workshop shop, SegmentInfo info, PackedSegmentWriter writer,
            sqlite::Statement select_data);

  Status open_sources();
  Status open_parts(const SegmentInfo& segment);
  Status list_frames();
  Status learn_influencers();
  void choose_block_size();

  Status next_block();
  Status load_frame(const Frame& frame, InfluencerId begin, InfluencerId end);
  // Until the block's end, or a slice's worth of points.
  Status write_some();
  Status write_one(InfluencerId influencer, const ChunkView& late);
  Status take_settled(InfluencerId influencer, bool& is_there);
  Status put_in_place();

  Workshop shop_;
  SegmentInfo info_;
  std::vector<SegmentInfo> settled_;  // oldest first
  std::vector<Source> sources_;       // oldest first
  PackedSegmentWriter writer_;
  sqlite::Statement select_data_;
  std::vector<Frame> frames_;  // oldest minute first
  InfluencerSet known_;        // those that are expected: they only set the block size

  std::size_t block_size_ = 0;
  std::size_t next_ = 0;           // index into known_, of the next block
  InfluencerId block_end_{0};      // of the block that is being written
  std::size_t next_in_block_ = 0;  // index into block_
  bool is_block_written_ = true;
  bool is_last_block_ = false;

  Block block_;  // and memory that is used again
  Chunk part_;
  Chunk chunk_;
  Chunk merged_;
};

}  // namespace ia::sqlite_store
