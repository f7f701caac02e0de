#include "storage/housekeeper.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/replaced.h"

namespace ia::sqlite_store {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr int kCacheKib = 6144;
constexpr minutes kQuiet{2};  // without a new batch of an hour that is over, or of its day
constexpr minutes kLatestEvery{10};
constexpr std::chrono::seconds kCheckpointEvery{10};
constexpr std::uint64_t kCheckpointBytes = 4 << 20;
constexpr std::int64_t kLogPagesMax = 4096;  // 64 MiB
constexpr days kMinutesKept{400};
constexpr days kClockSlack{1};
constexpr std::size_t kLateFramesMax = 1'000;  // of a merged day

MinuteRange hour_of(Minute minute) {
  const Minute begin = std::chrono::floor<hours>(minute);
  return {begin, begin + hours{1}};
}

MinuteRange day_of(Minute minute) {
  const Minute begin = std::chrono::floor<days>(minute);
  return {begin, begin + days{1}};
}

bool is_over(MinuteRange range, WallTime now) { return range.end <= now; }

const SegmentInfo* segment_at(const std::vector<SegmentInfo>& segments, Minute minute) {
  const auto found = std::ranges::find_if(
      segments, [&](const SegmentInfo& segment) { return segment.range.contains(minute); });
  return found == segments.end() ? nullptr : &*found;
}

}  // namespace

Housekeeper::Housekeeper(const Files& files, WriteGate& gate, days retention, Log& log,
                         sqlite::Connection db)
    : files_(files), gate_(gate), retention_(retention), log_(log), db_(std::move(db)) {}

Result<std::unique_ptr<Housekeeper>> Housekeeper::open(const Files& files, WriteGate& gate,
                                                       days retention, Log& log) {
  auto db = open_database(files, sqlite::Access::kWrite, kCacheKib);
  if (!db) return std::unexpected(db.error());
  return std::unique_ptr<Housekeeper>(new Housekeeper(files, gate, retention, log, std::move(*db)));
}

Result<bool> Housekeeper::step(const UpkeepTime& time) {
  const auto now = time.now;
  if (!is_tidy_) {
    if (auto done = tidy(); !done) return std::unexpected(done.error());
    if (auto done = begin_retention(); !done) return std::unexpected(done.error());
    is_tidy_ = true;
  }
  if (auto done = checkpoint_log(now); !done) return std::unexpected(done.error());
  if (auto done = refresh_directory(); !done) return std::unexpected(done.error());
  if (auto done = move_horizon(time); !done) return std::unexpected(done.error());
  if (job_) return step_job();
  auto job = next_job(now);
  if (!job) return std::unexpected(job.error());
  job_ = std::move(*job);
  return job_ != nullptr;
}

Result<bool> Housekeeper::step_job() {
  const auto more = job_->step();
  if (more && *more) return true;
  job_.reset();
  directory_.expect_changes();
  const auto range = std::exchange(settling_, std::nullopt);
  if (more) return true;  // there may be another one
  if (range && more.error().code == Errc::kCorrupt) given_up_.insert(range->begin);
  return more;
}

Status Housekeeper::tidy() {
  const auto removed = remove_replaced(files_, gate_, db_, Drafts::kRemoved);
  if (!removed) return removed;
  const auto unlisted = unlisted_files(files_, db_);
  if (!unlisted) return std::unexpected(unlisted.error());
  for (const auto& name : *unlisted) {
    log_.warning("store", "store.db does not list this file: it is kept, and not served",
                 {{"file", files_.segment(name).string()}});
  }
  return {};
}

// A store of an older version has not said how far deletions were: as far as its values reach.
Status Housekeeper::begin_retention() {
  const auto reached_ms = db_.integer(
      "SELECT coalesce((SELECT reached_ms FROM retention),"
      " (SELECT 60000 * max(minute) FROM minute WHERE stored > 0), -1)");
  if (!reached_ms) return std::unexpected(reached_ms.error());
  if (*reached_ms < 0) return {};
  const auto state = read_state(db_);
  if (!state) return std::unexpected(state.error());
  const WallTime by_horizon = state->horizon + retention_;
  retention_clock_ = RetentionClock(std::max(wall_time_at(*reached_ms), by_horizon));
  return {};
}

// Commits never do this themselves, so none waits for it.
Status Housekeeper::checkpoint_log(WallTime now) {
  const auto bytes = gate_.bytes_in_log.load();
  const bool is_time =
      !checkpoint_at_ || now - *checkpoint_at_ >= kCheckpointEvery || now < *checkpoint_at_;
  if (checkpoint_at_ && (bytes == 0 || (bytes < kCheckpointBytes && !is_time))) return {};
  gate_.bytes_in_log -= bytes;
  checkpoint_at_ = now;
  const auto pages = checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
  if (!pages) return std::unexpected(pages.error());
  return *pages > kLogPagesMax ? restart_log() : Status{};
}

// Gives the pages in the log.
Result<std::int64_t> Housekeeper::checkpoint(const char* pragma) {
  auto statement = db_.prepare(pragma);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (row) return statement->integer(1);
  // A failed fsync concerns the writers as well.
  if (row.error().code == Errc::kCorrupt) {
    const std::scoped_lock lock(gate_.mutex);
    gate_.broken = row.error();
  }
  return std::unexpected(row.error());
}

// The log is long because writes never paused. What is left of it is short: let them wait for it,
// but not for a reader, who may take long; then it is tried again.
Status Housekeeper::restart_log() {
  if (auto set = db_.execute("PRAGMA busy_timeout=10"); !set) return set;
  {
    const std::scoped_lock lock(gate_.mutex);
    const auto done = db_.execute("PRAGMA wal_checkpoint(RESTART)");
    if (!done && done.error().code == Errc::kCorrupt) gate_.broken = done.error();
    if (!done && done.error().code != Errc::kUnavailable) return done;
  }
  return db_.execute("PRAGMA busy_timeout=5000");
}

Status Housekeeper::refresh_directory() {
  const auto snapshot = sqlite::Transaction::begin(db_, sqlite::Transaction::Kind::kRead);
  if (!snapshot) return std::unexpected(snapshot.error());
  return directory_.refresh(db_);
}

Status Housekeeper::move_horizon(const UpkeepTime& time) {
  const auto reached = retention_clock_.step(time.now, time.mono, time.is_confirmed);
  const Minute horizon = minute_of(reached) - retention_;
  const bool is_back = horizon < directory_.horizon() - kClockSlack;
  if (horizon <= directory_.horizon() && !is_back) return {};
  if (is_back) {
    log_.warning("store",
                 "the retention was lengthened, or the clock was ahead and was set back; what was "
                 "older than the retention until now is gone");
  }
  const auto& frames = directory_.frames();
  if (!frames.empty() && frames.begin()->first < horizon) frames_to_drop_ = true;
  const auto moved = write_gated(gate_, db_, [&] { return forget_before(horizon, reached); });
  if (!moved) return moved;
  gate_.bytes_in_log += 1;
  if (auto removed = remove_replaced(files_, gate_, db_); !removed) return removed;
  std::erase_if(activity_, [&](const auto& entry) { return entry.first.end <= horizon; });
  directory_.expect_changes();
  return refresh_directory();
}

Status Housekeeper::forget_before(Minute horizon, WallTime reached) {
  // Late values are judged by their minute's row, so it stays at least as long as its points.
  const Minute rows = std::min(horizon, horizon + retention_ - kMinutesKept);
  const auto expired = " WHERE end_minute <= " + std::to_string(to_number(horizon));
  const std::array sql = {
      "UPDATE state SET catalog_version = catalog_version + 1, horizon = " +
          std::to_string(to_number(horizon)),
      "INSERT OR REPLACE INTO retention VALUES (1, " + std::to_string(to_number(reached)) + ")",
      "INSERT OR IGNORE INTO replaced SELECT name FROM segment" + expired,
      "DELETE FROM segment" + expired,
      "DELETE FROM minute WHERE minute IN (SELECT minute FROM minute WHERE minute < " +
          std::to_string(to_number(rows)) + " ORDER BY minute LIMIT 1000)"};
  for (const auto& statement : sql) {
    if (auto done = db_.execute(statement.c_str()); !done) return done;
  }
  return {};
}

Result<std::unique_ptr<Job>> Housekeeper::next_job(WallTime now) {
  if (frames_to_drop_) {
    auto job = drop_job(now);
    if (!job || *job) return job;
  }
  if (!latest_at_ || now - *latest_at_ >= kLatestEvery || now < *latest_at_) {
    auto job = latest_job(now);
    if (!job || *job) return job;
  }
  if (const auto hour = hour_to_settle(now)) return settle_job(*hour);
  if (const auto day = day_to_merge(now)) return settle_job(*day);
  return nullptr;
}

// Frames go only when a checkpoint of the newest values has theirs.
Result<std::unique_ptr<Job>> Housekeeper::drop_job(WallTime now) {
  auto positions = droppable_frames(db_);
  if (!positions) return std::unexpected(positions.error());
  const auto state = read_state(db_);
  if (!state) return std::unexpected(state.error());
  if (!positions->empty() && positions->back() > state->latest_position) {
    return LatestJob::start({files_, gate_, db_}, now);
  }
  frames_to_drop_ = false;
  if (positions->empty()) return nullptr;
  return std::make_unique<DropFramesJob>(Workshop{files_, gate_, db_}, std::move(*positions));
}

Result<std::unique_ptr<Job>> Housekeeper::latest_job(WallTime now) {
  latest_at_ = now;
  const auto state = read_state(db_);
  if (!state) return std::unexpected(state.error());
  const auto last = last_position(db_);
  if (!last) return std::unexpected(last.error());
  if (*last == state->latest_position) return nullptr;
  return LatestJob::start({files_, gate_, db_}, now);
}

Result<std::unique_ptr<Job>> Housekeeper::settle_job(MinuteRange range) {
  auto job = SettleJob::start({files_, gate_, db_}, range);
  if (!job) {
    if (job.error().code == Errc::kCorrupt) given_up_.insert(range.begin);
    return job;
  }
  settling_ = range;
  activity_.erase(range);
  frames_to_drop_ = true;
  return job;
}

// The oldest one that is over and has frames, but no segment.
std::optional<MinuteRange> Housekeeper::hour_to_settle(WallTime now) {
  const auto& frames = directory_.frames();
  for (auto at = frames.begin(); at != frames.end();) {
    const auto hour = hour_of(at->first);
    if (!is_over(hour, now)) break;
    const bool settled = segment_at(directory_.segments(), at->first) != nullptr;
    if (!settled && !given_up_.contains(hour.begin) && is_quiet(hour, now)) return hour;
    at = frames.lower_bound(hour.end);
  }
  return std::nullopt;
}

// While a backlog is worked off, its hours are over but not complete.
bool Housekeeper::is_quiet(MinuteRange range, WallTime now) {
  const auto frames = frame_count(range);
  auto& activity = activity_[range];
  if (activity.frames != frames || now < activity.unchanged_since) activity = {frames, now};
  return now - activity.unchanged_since >= kQuiet;
}

std::size_t Housekeeper::frame_count(MinuteRange range) const {
  const auto& frames = directory_.frames();
  const auto end = frames.lower_bound(range.end);
  std::size_t count = 0;
  for (auto at = frames.lower_bound(range.begin); at != end; ++at) count += at->second.size();
  return count;
}

// One whose hours are all settled but not yet one file, or to which much was added since.
std::optional<MinuteRange> Housekeeper::day_to_merge(WallTime now) {
  for (const auto& segment : directory_.segments()) {
    const auto day = day_of(segment.range.begin);
    if (!is_over(day, now) || given_up_.contains(day.begin)) continue;
    const bool merged = segment.range == day;
    const auto late = frame_count(day);
    const bool due = merged ? late > kLateFramesMax : !has_open_hour(day);
    if (due && is_quiet(day, now)) return day;
  }
  return std::nullopt;
}

bool Housekeeper::has_open_hour(MinuteRange day) const {
  const auto& frames = directory_.frames();
  const auto end = frames.lower_bound(day.end);
  for (auto at = frames.lower_bound(day.begin); at != end; ++at) {
    if (segment_at(directory_.segments(), at->first) == nullptr) return true;
  }
  return false;
}

}  // namespace ia::sqlite_store
