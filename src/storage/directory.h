#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "storage/tables.h"

namespace ia::sqlite_store {

struct FrameRef {
  std::uint64_t position;
  InfluencerId first;
  InfluencerId last;
};

// The frames of one minute, to be searched by influencer.
class MinuteFrames {
 public:
  void add(FrameRef frame);
  void drop_through(std::uint64_t position);
  bool empty() const { return frames_.empty(); }
  std::size_t size() const { return frames_.size(); }
  const std::vector<FrameRef>& all() const { return frames_; }  // ascending by first

  // Calls visit(position) for each frame whose ids may include the influencer. O(log n) when
  // frames do not overlap, as shards do not.
  template <class Visit>
  void for_each(InfluencerId influencer, Visit visit) const {
    for (auto i = end_of(influencer); i > 0 && reach_[i - 1] >= influencer; --i) {
      if (frames_[i - 1].last >= influencer) visit(frames_[i - 1].position);
    }
  }

 private:
  std::size_t end_of(InfluencerId influencer) const;
  void reach_from(std::size_t index);

  std::vector<FrameRef> frames_;     // ascending by first
  std::vector<InfluencerId> reach_;  // the largest last id of the frames up to here
};

// Where a connection's snapshot has the points of a minute: in which segment, in which frames.
// Kept up to date by what was committed since: about 32 bytes a frame of the open hours.
class Directory {
 public:
  // Within a read transaction of `db`, always the same connection.
  Status refresh(sqlite::Connection& db);
  // To be called when `db` itself has changed something: SQLite only tells what others did.
  void expect_changes() { data_version_ = -1; }

  Minute horizon() const { return state_.horizon; }
  // Disjoint, oldest first.
  const std::vector<SegmentInfo>& segments() const { return segments_; }
  // The one that has the minute, or null.
  const SegmentInfo* segment_of(Minute minute) const;
  // Frames that are not in a segment.
  const std::map<Minute, MinuteFrames>& frames() const { return frames_; }

 private:
  Status refresh_segments(sqlite::Connection& db);
  Status refresh_frames(sqlite::Connection& db);
  void add_frame(Minute minute, FrameRef frame);
  // Where rows of `frame` are damaged: what they said is in the batches themselves.
  Status recover_frames(sqlite::Connection& db, std::int64_t after, std::int64_t before);
  std::uint64_t settled_through(Minute minute) const;

  bool loaded_ = false;
  State state_;
  std::int64_t data_version_ = -1;
  std::uint64_t position_ = 0;
  std::vector<SegmentInfo> segments_;
  Minute settled_minute_ = Minute::min();  // the last one asked for, and
  std::uint64_t settled_position_ = 0;     // settled_through of it
  std::map<Minute, MinuteFrames> frames_;
  std::vector<sqlite::Statement> sql_;
};

}  // namespace ia::sqlite_store
