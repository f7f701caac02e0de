#pragma once

#include <cstdint>
#include <vector>

#include "core/point_batch.h"
#include "storage/damage.h"
#include "storage/presence.h"
#include "storage/tables.h"

namespace ia::sqlite_store {

// Walks over the newest value of every influencer, as batches with their times: the values of the
// last checkpoint and of all frames behind it, newest first, so that whoever was seen is done, and
// most frames need not be read. What is stamped later than the caller's `now`, by a clock that was
// ahead, comes last.
// A million influencers are some 100,000 bytes here, and 8 MB more where they are scattered; the
// frames are read one by one.
class LatestWalk {
 public:
  // Everything that the snapshot of the caller's transaction holds. The transaction may end before
  // the walk does only where nobody drops frames: in the process that maintains.
  // What is damaged is left out, and noted where there is a log of it: an older value is then the
  // newest.
  static Result<LatestWalk> begin(sqlite::Connection& db, WallTime now = WallTime::max(),
                                  DamageLog* damage = nullptr);

  // Where the frames end that it contains.
  std::uint64_t position() const { return position_; }
  bool at_end() const { return next_ == sources_.size(); }
  // Values of influencers that no batch before had; it may be empty. Not at the end.
  Result<PointBatch> next();

 private:
  struct Source {
    std::int64_t retrieved_ms;
    std::int64_t key;  // position of a frame, or the number of a checkpoint's row
    bool is_frame;
    std::int64_t first_id;  // of a frame
    std::int64_t last_id;
  };
  LatestWalk(std::uint64_t position, std::vector<Source> sources,
             std::vector<sqlite::Statement> sql);
  static Status list(sqlite::Statement& select, bool is_frame, std::vector<Source>& sources);
  void note(const Source& source, const std::string& cause);
  bool all_seen(const Source& source);
  PointBatch unseen_of(const PointBatch& batch);

  std::string file_;
  DamageLog* damage_ = nullptr;
  std::uint64_t position_;
  std::vector<Source> sources_;
  std::size_t next_ = 0;
  std::vector<sqlite::Statement> sql_;
  IdNumbers ids_;
  IdBits seen_;
  std::vector<std::uint32_t> numbers_;  // memory that is used again
};

}  // namespace ia::sqlite_store
