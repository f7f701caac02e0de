// What is compared: pages with their checksums, frames with their rows, chunks with their parts,
// and the accounts of each minute with the values that are there.
#include <algorithm>
#include <fstream>
#include <map>
#include <system_error>

#include "base/sqlite_pages.h"
#include "storage/backup.h"
#include "storage/files.h"
#include "storage/packed_segment.h"
#include "storage/sqlite_segment.h"
#include "storage/tables.h"

namespace ia {
namespace {

namespace fs = std::filesystem;
using namespace sqlite_store;
using sqlite::Access;
using sqlite::Connection;

constexpr std::size_t kFindingsMax = 1'000;

struct Sums {
  std::uint64_t values = 0;
  std::int64_t followers = 0;
  std::int64_t following = 0;
};

class Verifier {
 public:
  Verifier(const fs::path& data, bool repair) : files_(data), repair_(repair) {}

  Result<VerifyReport> run() {
    check_pages();
    if (std::error_code error; fs::exists(files_.database(), error)) {
      auto opened = Connection::open(files_.database(), repair_ ? Access::kWrite : Access::kRead);
      if (opened) {
        db_.emplace(std::move(*opened));
        check_store();
      } else {
        find(opened.error().message);
      }
    }
    clear_marks();
    return std::move(report_);
  }

 private:
  // What reads met before is whole again, or gone: a backup was restored, or the minutes expired.
  void clear_marks() {
    std::error_code error;
    if (!repair_ || !report_.findings.empty()) return;
    if (!fs::remove(files_.damage_marks(), error)) return;
    report_.repairs.push_back("removed " + files_.damage_marks().string() +
                              ": nothing that it names is damaged any more");
  }

  void find(std::string what) {
    if (report_.findings.size() < kFindingsMax) report_.findings.push_back(std::move(what));
  }

  void check_pages() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(files_.directory(), error)) {
      if (entry.path().extension() == ".db") check_pages_of(entry.path());
    }
  }

  void check_pages_of(const fs::path& file) {
    if (sqlite::is_log_damaged(file.string() + "-wal")) {
      find(file.string() + "-wal: whole transactions stand behind a damaged one: they are lost");
    }
    auto db = Connection::open(file, Access::kRead);
    if (!db) return find(db.error().message);
    auto check = db->prepare("PRAGMA integrity_check(20)");
    if (!check) return find(check.error().message);
    while (true) {
      const auto row = check->step();
      if (!row) return find(row.error().message);
      if (!*row) return;
      if (check->text(0) != "ok") find(file.string() + ": " + std::string(check->text(0)));
    }
  }

  void check_store() {
    if (const auto registry = read_registry(*db_); !registry) find(registry.error().message);
    auto segments = read_segments(*db_, kAllMinutes);
    if (!segments) return find(segments.error().message);
    segments_ = std::move(*segments);
    check_unnamed();
    for (const auto& segment : segments_) check_segment(segment);
    check_frames();
    check_accounts();
  }

  void check_segment(const SegmentInfo& info) {
    ++report_.segments;
    const auto file = files_.segment(info.name);
    auto opened = SegmentReader::open(files_, info);
    if (!opened) {
      find(opened.error().message);
      lost_.push_back(info.range);
      if (opened.error().code == Errc::kCorrupt) quarantine(file);
      return;
    }
    for (auto minute = info.range.begin; minute < info.range.end;) {
      const auto part = opened->part_of(minute);
      if (auto walked = check_part(*opened, part); !walked) {
        find(walked.error().message);
        lost_.push_back(part.range);
      }
      minute = part.range.end;
    }
  }

  Status check_part(SegmentReader& segment, const SegmentPart& part) {
    auto moved = segment.begin_walk(part);
    for (; moved && segment.current(); moved = segment.next()) {
      ++report_.chunks;
      if (auto decoded = segment.decode_current(chunk_); !decoded) return decoded;
      for (std::size_t i = 0; i < chunk_.offsets.size(); ++i) {
        count(part.range.begin + std::chrono::minutes{chunk_.offsets[i]}, chunk_.followers[i],
              chunk_.following[i]);
      }
    }
    return moved;
  }

  void count(Minute minute, std::int64_t followers, std::int64_t following) {
    ++report_.values;
    auto& sums = sums_[minute];
    ++sums.values;
    sums.followers += followers;
    sums.following += following;
  }

  void check_frames() {
    auto select = db_->prepare(
        "SELECT f.position, f.minute, f.first_id, f.last_id, f.points, d.data FROM frame f "
        "LEFT JOIN frame_data d ON d.position = f.position ORDER BY f.position");
    if (!select) return find(select.error().message);
    const auto horizon = db_->integer("SELECT horizon FROM state");
    while (true) {
      const auto row = select->step();
      if (!row) {
        find(row.error().message);
        frames_unknown_ = true;
        return;
      }
      if (!*row) return;
      ++report_.frames;
      const auto position = static_cast<std::uint64_t>(select->integer(0));
      const auto minute = minute_at(select->integer(1));
      const auto batch = decode_point_batch(select->blob(5));
      const bool fits = batch && batch->minute == minute &&
                        batch->size() == static_cast<std::size_t>(select->integer(4));
      if (!fits) {
        find(files_.database().string() + ": frame " + std::to_string(position) + ": " +
             (batch ? "its row says something else" : batch.error().message));
        lost_.push_back({minute, minute + std::chrono::minutes{1}});
        continue;
      }
      if (is_settled(minute, position) || to_number(minute) < horizon.value_or(0)) continue;
      for (std::size_t i = 0; i < batch->size(); ++i) {
        count(minute, batch->followers[i], batch->following[i]);
      }
    }
  }

  bool is_settled(Minute minute, std::uint64_t position) const {
    return std::ranges::any_of(segments_, [&](const SegmentInfo& segment) {
      return segment.range.contains(minute) && position <= segment.frames_through;
    });
  }

  void check_accounts() {
    const auto horizon = db_->integer("SELECT horizon FROM state");
    auto select = db_->prepare(kSelectMinutes);
    if (!select || !horizon) return find("store.db: its accounts cannot be read");
    select->bind(1, *horizon).bind(2, INT64_MAX);
    while (true) {
      const auto row = select->step();
      if (!row) return find(row.error().message);
      if (!*row) return;
      const auto stats = minute_stats_of(*select);
      const auto sums = sums_[stats.minute];
      const bool is_lost = frames_unknown_ || std::ranges::any_of(lost_, [&](auto range) {
                             return range.contains(stats.minute);
                           });
      const bool fits = sums.values == stats.stored && sums.followers == stats.followers_sum &&
                        sums.following == stats.following_sum;
      if (fits || is_lost) continue;
      find("minute " + std::to_string(to_number(stats.minute)) + ": its account says " +
           std::to_string(stats.stored) + " values, " + std::to_string(sums.values) +
           " are there");
    }
  }

  // Segments that the catalog does not know: left by a kill, or what a lost store.db named.
  void check_unnamed() {
    std::error_code error;
    std::vector<fs::path> unnamed;
    for (const auto& entry : fs::directory_iterator(files_.segments(), error)) {
      const auto name = entry.path().filename().string();
      if (std::ranges::find(segments_, name, &SegmentInfo::name) == segments_.end()) {
        unnamed.push_back(entry.path());
      }
    }
    // Days before hours, and the last one written first.
    std::ranges::sort(unnamed);
    for (const auto& file : unnamed) adopt_or_name(file);
  }

  void adopt_or_name(const fs::path& file) {
    const auto info = info_of(file);
    if (!info) {
      find(file.string() + ": not a whole segment, and store.db does not name it");
      return quarantine(file);
    }
    const bool overlaps = has_otherwise(info->range);
    find(file.string() + ": a whole segment that store.db does not name" +
         (overlaps ? ", of hours that it has otherwise: left where it is" : ""));
    if (overlaps || !repair_) return;
    const auto adopted = adopt(*info);
    if (!adopted) return find(adopted.error().message);
    segments_.push_back(*info);
    report_.repairs.push_back("adopted " + file.string());
  }

  bool has_otherwise(MinuteRange range) {
    const auto overlaps = [&](const SegmentInfo& other) {
      return other.range.begin < range.end && range.begin < other.range.end;
    };
    const auto kept = db_->integer("SELECT horizon FROM state");
    const auto frames = db_->integer("SELECT count(*) FROM frame WHERE minute >= " +
                                     std::to_string(to_number(range.begin)) + " AND minute < " +
                                     std::to_string(to_number(range.end)));
    return std::ranges::any_of(segments_, overlaps) || frames.value_or(1) > 0 ||
           kept.value_or(INT64_MAX) >= to_number(range.end);
  }

  // What a whole segment says of itself.
  std::optional<SegmentInfo> info_of(const fs::path& file) {
    auto said = file.extension() == kPackedSuffix ? read_packed_info(file) : read_sqlite_info(file);
    if (!said) return std::nullopt;
    auto info = std::move(*said);
    auto segment = SegmentReader::open(files_, info);
    if (!segment) return std::nullopt;
    accounts_.clear();
    for (auto minute = info.range.begin; minute < info.range.end;) {
      const auto part = segment->part_of(minute);
      auto moved = segment->begin_walk(part);
      for (; moved && segment->current(); moved = segment->next()) {
        if (!segment->decode_current(chunk_)) return std::nullopt;
        info.points += chunk_.offsets.size();
        account(part);
      }
      if (!moved) return std::nullopt;
      minute = part.range.end;
    }
    return info;
  }

  void account(const SegmentPart& part) {
    const auto of = [&](std::uint16_t offset) -> MinuteStats& {
      const auto minute = part.range.begin + std::chrono::minutes{offset};
      auto& stats = accounts_[minute];
      stats.minute = minute;
      stats.closed = true;
      stats.first_retrieved_at = stats.last_retrieved_at = minute;  // as far as is known
      ++stats.due;
      return stats;
    };
    for (std::size_t i = 0; i < chunk_.offsets.size(); ++i) {
      auto& stats = of(chunk_.offsets[i]);
      ++stats.stored;
      stats.followers_sum += chunk_.followers[i];
      stats.following_sum += chunk_.following[i];
    }
    for (const auto& miss : chunk_.misses) {
      ++of(miss.offset).missed[static_cast<std::size_t>(miss.reason)];
    }
  }

  Status adopt(const SegmentInfo& info) {
    auto transaction = sqlite::Transaction::begin(*db_, sqlite::Transaction::Kind::kWrite);
    if (!transaction) return std::unexpected(transaction.error());
    if (auto put = put_segment(*db_, info); !put) return put;
    if (auto put = put_accounts(); !put) return put;
    if (auto put = put_positions_above(info); !put) return put;
    const auto counted = db_->execute("UPDATE state SET catalog_version = catalog_version + 1");
    if (!counted) return counted;
    return transaction->commit();
  }

  // Those that are there know more: who was due, and when values came.
  Status put_accounts() {
    auto known = db_->prepare("SELECT 1 FROM minute WHERE minute = ?1");
    if (!known) return std::unexpected(known.error());
    auto put = db_->prepare(kPutMinute);
    if (!put) return std::unexpected(put.error());
    for (const auto& [minute, stats] : accounts_) {
      const auto row = known->bind(1, to_number(minute)).step();
      if (!row) return std::unexpected(row.error());
      known->reset();
      if (*row) continue;
      if (auto done = put_minute(*put, MinuteAccount(stats)); !done) return done;
    }
    return {};
  }

  // A frame up to the segment's position would count as contained in it: the next ones come behind
  // an empty one that stands there.
  Status put_positions_above(const SegmentInfo& info) {
    const auto last = last_position(*db_);
    if (!last) return std::unexpected(last.error());
    if (*last >= info.frames_through) return {};
    const PointBatch empty{.minute = info.range.begin,
                           .retrieved_at = info.range.begin,
                           .influencers = {},
                           .followers = {},
                           .following = {},
                           .misses = {},
                           .usernames = {}};
    const auto data = encode(empty);
    const auto position = static_cast<std::int64_t>(info.frames_through);
    auto frame = db_->prepare("INSERT INTO frame VALUES (?1, ?2, ?3, 0, 0, 0)");
    if (!frame) return std::unexpected(frame.error());
    frame->bind(1, position)
        .bind(2, to_number(info.range.begin))
        .bind(3, to_number(WallTime{info.range.begin}));
    if (auto put = frame->run(); !put) return put;
    auto bytes = db_->prepare("INSERT INTO frame_data VALUES (?1, ?2)");
    if (!bytes) return std::unexpected(bytes.error());
    return bytes->bind(1, position).bind_blob(2, data).run();
  }

  void quarantine(const fs::path& file) {
    if (!repair_) return;
    std::error_code error;
    const auto directory = files_.quarantine();
    fs::create_directories(directory, error);
    auto target = directory / file.filename();
    for (int i = 1; fs::exists(target, error); ++i) {
      target = directory / (file.filename().string() + "." + std::to_string(i));
    }
    fs::rename(file, target, error);
    if (error) return find(file.string() + ": cannot be moved: " + error.message());
    report_.repairs.push_back("moved " + file.string() + " to " + target.string());
  }

  Files files_;
  bool repair_;
  std::optional<Connection> db_;
  VerifyReport report_;
  std::vector<SegmentInfo> segments_;
  std::map<Minute, Sums> sums_;
  std::map<Minute, MinuteStats> accounts_;  // of the segment that was read last by info_of
  std::vector<MinuteRange> lost_;
  bool frames_unknown_ = false;
  Chunk chunk_;
};

}  // namespace

Result<VerifyReport> verify_data(const fs::path& data, bool repair) {
  if (auto there = sqlite_store::check_has_data(sqlite_store::Files(data)); !there) {
    return std::unexpected(there.error());
  }
  return Verifier(data, repair).run();
}

}  // namespace ia
