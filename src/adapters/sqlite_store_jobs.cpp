#include "adapters/sqlite_store_jobs.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "adapters/sqlite_store_replaced.h"
#include "core/point_batch.h"

namespace ia::sqlite_store {
namespace {

constexpr std::size_t kWalkSlice = 64;    // batches
constexpr std::size_t kDeleteSlice = 64;  // frames or rows: some 2 ms, for which appends may wait
constexpr std::size_t kBlockPoints = 240'000;
constexpr std::size_t kMergePoints = 500'000;

enum LatestSql { kInsert, kPublish, kDeleteOthers };
constexpr std::array<const char*, 3> kLatestSql = {
    "INSERT INTO latest(generation, retrieved_ms, data) VALUES (?1, ?2, ?3)",
    "UPDATE state SET latest_generation = ?1, latest_position = ?2",
    "DELETE FROM latest WHERE seq IN "
    "(SELECT seq FROM latest WHERE generation <> ?1 ORDER BY seq LIMIT ?2)",
};

Result<std::vector<SegmentReader>> open_segments(const Workshop& shop, MinuteRange range) {
  const auto infos = read_segments(shop.db, range);
  if (!infos) return std::unexpected(infos.error());
  std::vector<SegmentReader> segments;
  segments.reserve(infos->size());
  for (const auto& info : *infos) {
    auto reader = SegmentReader::open(shop.files, info);
    if (!reader) return fail(Errc::kCorrupt, reader.error().message);
    segments.push_back(std::move(*reader));
  }
  return segments;
}

// Whatever becomes of the draft, it may be removed.
Status note_draft(const Workshop& shop, const std::string& name) {
  return write_gated(shop.gate, shop.db,
                     [&] { return note_replaced(shop.db, name + std::string(kDraftSuffix)); });
}

// Hours, but for a day that is one part: it stays so. An hour that is one part is cut like one of
// hours.
SegmentFormat format_for(std::span<const SegmentReader> segments, MinuteRange range) {
  const bool is_whole = segments.size() == 1 && segments[0].info().range == range &&
                        segments[0].format() == SegmentFormat::kWhole;
  return is_whole ? SegmentFormat::kWhole : SegmentFormat::kHours;
}

}  // namespace

LatestJob::LatestJob(Workshop shop, LatestWalk walk, std::int64_t generation,
                     std::vector<sqlite::Statement> sql)
    : shop_(shop), walk_(std::move(walk)), generation_(generation), sql_(std::move(sql)) {}

Result<std::unique_ptr<Job>> LatestJob::start(Workshop shop, WallTime now) {
  const auto snapshot = sqlite::Transaction::begin(shop.db, sqlite::Transaction::Kind::kRead);
  if (!snapshot) return std::unexpected(snapshot.error());
  auto walk = LatestWalk::begin(shop.db, now);
  if (!walk) return std::unexpected(walk.error());
  const auto generation = shop.db.integer(
      "SELECT 1 + max((SELECT latest_generation FROM state), "
      "coalesce((SELECT max(generation) FROM latest), 0))");
  if (!generation) return std::unexpected(generation.error());
  auto sql = prepare_all(shop.db, kLatestSql);
  if (!sql) return std::unexpected(sql.error());
  return std::unique_ptr<Job>(new LatestJob(shop, std::move(*walk), *generation, std::move(*sql)));
}

Result<bool> LatestJob::step() {
  if (!walk_.at_end()) {
    const auto written = write_slice();
    if (!written) return std::unexpected(written.error());
    return true;
  }
  if (!published_) {
    if (auto done = publish(); !done) return std::unexpected(done.error());
    published_ = true;
    return true;
  }
  std::int64_t deleted = 0;
  const auto done = write_gated_unsynced(shop_.gate, shop_.db, [&]() -> Status {
    auto status = sql_[kDeleteOthers].bind(1, generation_).bind(2, kDeleteSlice).run();
    deleted = shop_.db.changes();
    return status;
  });
  if (!done) return std::unexpected(done.error());
  return deleted > 0;
}

Status LatestJob::write_slice() {
  std::vector<std::pair<WallTime, std::string>> rows;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < kWalkSlice && !walk_.at_end(); ++i) {
    const auto batch = walk_.next();
    if (!batch) return std::unexpected(batch.error());
    if (batch->size() == 0) continue;
    rows.emplace_back(batch->retrieved_at, encode(*batch));
    bytes += rows.back().second.size();
  }
  if (rows.empty()) return {};
  shop_.gate.bytes_in_log += bytes;
  return write_gated_unsynced(shop_.gate, shop_.db, [&]() -> Status {
    for (const auto& [retrieved_at, data] : rows) {
      auto put = sql_[kInsert]
                     .bind(1, generation_)
                     .bind(2, to_number(retrieved_at))
                     .bind_blob(3, data)
                     .run();
      if (!put) return put;
    }
    return {};
  });
}

Status LatestJob::publish() {
  return write_gated_unsynced(shop_.gate, shop_.db, [&]() -> Status {
    return sql_[kPublish]
        .bind(1, generation_)
        .bind(2, static_cast<std::int64_t>(walk_.position()))
        .run();
  });
}

Result<std::vector<std::uint64_t>> droppable_frames(sqlite::Connection& db) {
  const auto state = read_state(db);
  if (!state) return std::unexpected(state.error());
  const auto segments = read_segments(db, kAllMinutes);
  if (!segments) return std::unexpected(segments.error());
  auto select = db.prepare("SELECT position, minute FROM frame ORDER BY position");
  if (!select) return std::unexpected(select.error());
  std::vector<std::uint64_t> positions;
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return positions;
    const auto position = static_cast<std::uint64_t>(select->integer(0));
    const auto minute = minute_at(select->integer(1));
    const auto settled = [&](const SegmentInfo& segment) {
      return segment.range.contains(minute) && position <= segment.frames_through;
    };
    if (minute < state->horizon || std::ranges::any_of(*segments, settled)) {
      positions.push_back(position);
    }
  }
}

Result<bool> DropFramesJob::step() {
  const auto end = std::min(next_ + kDeleteSlice, positions_.size());
  constexpr std::array<const char*, 3> kSql = {
      "DELETE FROM frame WHERE position = ?1", "DELETE FROM frame_data WHERE position = ?1",
      "UPDATE state SET dropped_through = max(dropped_through, ?1)"};
  auto sql = prepare_all(shop_.db, kSql);
  if (!sql) return std::unexpected(sql.error());
  if (next_ == end) return false;
  const auto done = write_gated_unsynced(shop_.gate, shop_.db, [&]() -> Status {
    for (; next_ < end; ++next_) {
      const auto position = static_cast<std::int64_t>(positions_[next_]);
      if (auto gone = (*sql)[0].bind(1, position).run(); !gone) return gone;
      if (auto gone = (*sql)[1].bind(1, position).run(); !gone) return gone;
    }
    return (*sql)[2].bind(1, static_cast<std::int64_t>(positions_[end - 1])).run();
  });
  if (!done) return std::unexpected(done.error());
  shop_.gate.bytes_in_log += kDeleteSlice * 16;
  return next_ < positions_.size();
}

SettleJob::SettleJob(Workshop shop, SegmentInfo info, std::vector<SegmentReader> segments,
                     SegmentWriter writer, sqlite::Statement select_data)
    : shop_(shop),
      info_(std::move(info)),
      segments_(std::move(segments)),
      writer_(std::move(writer)),
      select_data_(std::move(select_data)) {}

Result<std::unique_ptr<Job>> SettleJob::start(Workshop shop, MinuteRange range) {
  const auto through = last_position(shop.db);
  if (!through) return std::unexpected(through.error());
  auto segments = open_segments(shop, range);
  if (!segments) return std::unexpected(segments.error());
  const bool is_day = range.end - range.begin > std::chrono::hours{1};
  const auto name =
      unused_name(shop.files, (is_day ? "day-" : "hour-") + std::to_string(to_number(range.begin)) +
                                  "-" + std::to_string(*through));
  if (auto noted = note_draft(shop, name); !noted) return std::unexpected(noted.error());
  SegmentInfo info{.name = name, .range = range, .frames_through = *through, .points = 0};
  for (const auto& segment : *segments) info.points += segment.info().points;
  auto writer = SegmentWriter::create(shop.files, info, format_for(*segments, range));
  if (!writer) return std::unexpected(writer.error());
  auto select = shop.db.prepare("SELECT data FROM frame_data WHERE position = ?1");
  if (!select) return std::unexpected(select.error());
  std::unique_ptr<SettleJob> job(new SettleJob(shop, std::move(info), std::move(*segments),
                                               std::move(*writer), std::move(*select)));
  if (auto done = job->list_frames(); !done) return std::unexpected(done.error());
  if (auto done = job->learn_influencers(); !done) return std::unexpected(done.error());
  if (auto begun = job->begin_part(range.begin); !begun) return std::unexpected(begun.error());
  return job;
}

Status SettleJob::list_frames() {
  auto select = shop_.db.prepare(
      "SELECT position, minute, first_id, last_id, points FROM frame "
      "WHERE minute >= ?1 AND minute < ?2 AND position <= ?3");
  if (!select) return std::unexpected(select.error());
  select->bind(1, to_number(info_.range.begin))
      .bind(2, to_number(info_.range.end))
      .bind(3, static_cast<std::int64_t>(info_.frames_through));
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    const Frame frame{static_cast<std::uint64_t>(select->integer(0)), minute_at(select->integer(1)),
                      influencer_at(select->integer(2)), influencer_at(select->integer(3)),
                      static_cast<std::uint64_t>(select->integer(4))};
    const auto settled = [&](const SegmentReader& segment) {
      return segment.info().range.contains(frame.minute) &&
             frame.position <= segment.info().frames_through;
    };
    if (std::ranges::any_of(segments_, settled)) continue;
    frames_.push_back(frame);
    info_.points += frame.points;
  }
  std::ranges::sort(frames_, {},
                    [](const Frame& frame) { return std::tuple(frame.minute, frame.position); });
  return {};
}

Status SettleJob::learn_influencers() {
  const auto registry = read_registry(shop_.db, shop_.gate.registry);
  if (!registry) return std::unexpected(registry.error());
  known_ = registry->influencers;
  std::vector<IdRange> others;
  auto select = shop_.db.prepare(
      "SELECT data FROM latest WHERE generation = (SELECT latest_generation FROM state)");
  if (!select) return std::unexpected(select.error());
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    const auto batch = decode_point_batch(select->blob(0));
    if (!batch) continue;  // damaged: they only set the size of blocks
    for (const auto id : batch->influencers) {
      if (!known_.contains(id)) others.push_back({id, id});
    }
  }
  if (others.empty()) return {};
  others.insert(others.end(), known_.ranges().begin(), known_.ranges().end());
  known_ = InfluencerSet(std::move(others));
  return {};
}

Status SettleJob::begin_part(Minute begin) {
  part_ = part_of(info_, writer_.format(), begin);
  next_ = 0;
  const auto behind = [&](Minute minute) {
    return std::ranges::lower_bound(frames_, minute, {}, &Frame::minute);
  };
  part_frames_ = {behind(part_.range.begin), behind(part_.range.end)};
  choose_block_size();
  settled_ = nullptr;
  for (auto& segment : segments_) {
    if (!segment.info().range.contains(begin)) continue;
    settled_ = &segment;
    if (auto begun = segment.begin_walk(segment.part_of(begin)); !begun) return begun;
  }
  return writer_.begin_part(part_);
}

// So that a block's points fit into memory, and a slice into its time.
void SettleJob::choose_block_size() {
  const auto influencers = std::max<std::size_t>(1, known_.size());
  std::uint64_t points = 0;
  for (const auto& frame : part_frames_) points += frame.points;
  const auto points_each = std::max<std::size_t>(1, points / influencers);
  block_size_ = std::max<std::size_t>(1, kBlockPoints / points_each);
  if (!segments_.empty()) block_size_ = std::min(block_size_, kMergePoints / part_.span());
}

Result<bool> SettleJob::step() {
  if (!all_written_) {
    if (auto written = settle_block(); !written) return std::unexpected(written.error());
    return true;
  }
  if (auto finished = writer_.finish(); !finished) return std::unexpected(finished.error());
  if (auto put = put_in_place(); !put) return std::unexpected(put.error());
  return false;
}

Status SettleJob::settle_block() {
  const auto end = std::min(next_ + block_size_, known_.size());
  const bool is_last = end == known_.size();
  const auto first = next_ == 0 ? InfluencerId{0} : known_.at(next_);
  const auto behind = is_last ? InfluencerId{kInfluencerIdMax + 1} : known_.at(end);
  if (auto loaded = load_block(next_, end, first, behind); !loaded) return loaded;
  if (auto written = write_block(behind); !written) return written;
  write_back(writer_.draft());
  next_ = end;
  if (!is_last) return {};
  all_written_ = part_.range.end == info_.range.end;
  return all_written_ ? Status{} : begin_part(part_.range.end);
}

Status SettleJob::load_block(std::size_t begin, std::size_t end, InfluencerId first,
                             InfluencerId behind) {
  block_.begin(
      part_frames_.empty() ? std::vector<InfluencerId>() : known_.slice(begin, end - begin).ids(),
      part_.range.begin);
  for (const auto& frame : part_frames_) {
    if (frame.last < first || frame.first >= behind) continue;
    if (auto loaded = load_frame(frame, first, behind); !loaded) return loaded;
  }
  block_.transpose();
  return {};
}

Status SettleJob::load_frame(const Frame& frame, InfluencerId begin, InfluencerId end) {
  const sqlite::ResetAtEnd reset(select_data_);
  const auto row = select_data_.bind(1, static_cast<std::int64_t>(frame.position)).step();
  if (!row) return std::unexpected(row.error());
  auto batch = *row ? decode_point_batch(select_data_.blob(0)) : fail(Errc::kCorrupt, "it is gone");
  if (!batch) {
    return fail(Errc::kCorrupt, "store.db: frame " + std::to_string(frame.position) +
                                    " is damaged (" + batch.error().message +
                                    "): restore it from a backup");
  }
  block_.add(part_of(std::move(*batch), begin, end));
  return {};
}

Status SettleJob::write_block(InfluencerId end) {
  std::size_t next = 0;
  while (true) {
    auto influencer = next < block_.size() ? block_.influencer(next) : end;
    if (settled_ != nullptr) influencer = std::min(influencer, settled_->current().value_or(end));
    if (influencer >= end) return {};
    const bool has_late = next < block_.size() && block_.influencer(next) == influencer;
    const auto late = has_late ? block_.series(next++) : ChunkView{};
    if (auto written = write_one(influencer, late); !written) return written;
  }
}

Status SettleJob::write_one(InfluencerId influencer, const ChunkView& late) {
  const bool has_late = !late.offsets.empty() || !late.misses.empty();
  const bool has_settled = settled_ != nullptr && settled_->current() == influencer;
  if (!has_settled && !has_late) return {};
  if (!has_settled && late.misses.empty()) {
    encode_chunk(late, part_.span(), bytes_);
  } else if (!has_late) {
    bytes_ = settled_->current_bytes();
  } else {
    chunk_.clear();
    if (has_settled) {
      if (auto decoded = settled_->decode_current(chunk_); !decoded) return decoded;
    }
    merge_chunks(chunk_, late, merged_);
    encode_chunk({merged_.offsets, merged_.followers, merged_.following, merged_.misses},
                 part_.span(), bytes_);
  }
  if (auto added = writer_.add(influencer, bytes_); !added) return added;
  return has_settled ? settled_->next() : Status{};
}

Status SettleJob::put_in_place() {
  const auto draft = info_.name + std::string(kDraftSuffix);
  auto put = write_gated(shop_.gate, shop_.db, [&]() -> Status {
    if (auto done = put_segment(shop_.db, info_); !done) return done;
    if (auto done = forget_replaced(shop_.db, draft); !done) return done;
    for (const auto& segment : segments_) {
      if (auto done = note_replaced(shop_.db, segment.info().name); !done) return done;
    }
    return shop_.db.execute("UPDATE state SET catalog_version = catalog_version + 1");
  });
  if (!put) return put;
  return remove_replaced(shop_.files, shop_.gate, shop_.db);
}

}  // namespace ia::sqlite_store
