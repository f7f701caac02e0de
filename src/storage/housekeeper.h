#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "core/retention_clock.h"
#include "storage/directory.h"
#include "storage/jobs.h"

namespace ia::sqlite_store {

// Decides what there is to do, and does it slice by slice. An hour is settled when it is over and
// no batch of it has come for two minutes; a day is merged when the same holds and all its hours
// are settled, and once more when much has come late.
// It deletes only files that store.db says this store made and replaced (the table `replaced`).
// Other files of segments/ are kept and named in the log: store.db may be an older copy.
// Threads: one at a time.
class Housekeeper {
 public:
  static Result<std::unique_ptr<Housekeeper>> open(const Files& files, WriteGate& gate,
                                                   std::chrono::days retention, Log& log);
  // One slice; true while there is more to do at once. What fails is tried again by a later call,
  // but for a range with damaged files: that is left as it is until the next start.
  Result<bool> step(const UpkeepTime& time);

 private:
  struct Activity {  // of a range's frames
    std::size_t frames = 0;
    WallTime unchanged_since;
  };
  struct ByBegin {
    bool operator()(const MinuteRange& a, const MinuteRange& b) const {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    }
  };
  Housekeeper(const Files& files, WriteGate& gate, std::chrono::days retention, Log& log,
              sqlite::Connection db);

  Status tidy();
  Status checkpoint_log(WallTime now);
  Result<std::int64_t> checkpoint(const char* pragma);
  Status restart_log();
  Status begin_retention();
  Status move_horizon(const UpkeepTime& time);
  Status forget_before(Minute horizon, WallTime reached);
  Status refresh_directory();
  Result<bool> step_job();
  // Nothing: there is nothing to do.
  Result<std::unique_ptr<Job>> next_job(WallTime now);
  Result<std::unique_ptr<Job>> drop_job(WallTime now);
  Result<std::unique_ptr<Job>> latest_job(WallTime now);
  Result<std::unique_ptr<Job>> settle_job(MinuteRange range);
  std::optional<MinuteRange> hour_to_settle(WallTime now);
  std::optional<MinuteRange> day_to_merge(WallTime now);
  std::size_t frame_count(MinuteRange range) const;
  bool has_open_hour(MinuteRange day) const;
  bool is_quiet(MinuteRange hour, WallTime now);

  const Files& files_;
  WriteGate& gate_;
  std::chrono::days retention_;
  RetentionClock retention_clock_;
  Log& log_;
  sqlite::Connection db_;
  Directory directory_;
  std::unique_ptr<Job> job_;
  std::optional<MinuteRange> settling_;
  std::set<Minute> given_up_;  // begins of ranges
  std::map<MinuteRange, Activity, ByBegin> activity_;
  std::optional<WallTime> latest_at_;
  std::optional<WallTime> checkpoint_at_;
  bool is_tidy_ = false;
  bool frames_to_drop_ = true;
};

}  // namespace ia::sqlite_store
