#include "adapters/sqlite_store_jobs.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "core/point_batch.h"

namespace ia::sqlite_store {
namespace {

constexpr std::size_t kWalkSlice = 64;     // batches
constexpr std::size_t kDeleteSlice = 256;  // frames or rows
constexpr std::size_t kBlockPoints = 240'000;
constexpr std::size_t kMergePoints = 500'000;

enum LatestSql { kInsert, kPublish, kDeleteOthers };
constexpr std::array<const char*, 3> kLatestSql = {
    "INSERT INTO latest(generation, retrieved_ms, data) VALUES (?1, ?2, ?3)",
    "UPDATE state SET latest_generation = ?1, latest_position = ?2",
    "DELETE FROM latest WHERE seq IN "
    "(SELECT seq FROM latest WHERE generation <> ?1 ORDER BY seq LIMIT ?2)",
};

}  // namespace

LatestJob::LatestJob(Workshop shop, LatestWalk walk, std::int64_t generation,
                     std::vector<sqlite::Statement> sql)
    : shop_(shop), walk_(std::move(walk)), generation_(generation), sql_(std::move(sql)) {}

Result<std::unique_ptr<Job>> LatestJob::start(Workshop shop) {
  const auto snapshot = sqlite::Transaction::begin(shop.db, sqlite::Transaction::Kind::kRead);
  if (!snapshot) return std::unexpected(snapshot.error());
  auto walk = LatestWalk::begin(shop.db);
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
  const auto done = write_gated(shop_.gate, shop_.db, [&]() -> Status {
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
  return write_gated(shop_.gate, shop_.db, [&]() -> Status {
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
  return write_gated(shop_.gate, shop_.db, [&]() -> Status {
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
  const auto done = write_gated(shop_.gate, shop_.db, [&]() -> Status {
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

SettleJob::SettleJob(Workshop shop, SegmentInfo info, SegmentWriter writer,
                     sqlite::Statement select_data)
    : shop_(shop),
      info_(std::move(info)),
      writer_(std::move(writer)),
      select_data_(std::move(select_data)) {}

Result<std::unique_ptr<Job>> SettleJob::start(Workshop shop, MinuteRange range) {
  const auto through = last_position(shop.db);
  if (!through) return std::unexpected(through.error());
  const auto span = (range.end - range.begin).count();
  if (span < 1 || span > kChunkSpanMax) {
    return fail(Errc::kInvalid,
                "store: a segment has a minute to a day, not " + std::to_string(span) + " minutes");
  }
  const auto name = (span > 60 ? "day-" : "hour-") + std::to_string(to_number(range.begin)) + "-" +
                    std::to_string(*through) + ".db";
  SegmentInfo info{.name = name, .range = range, .frames_through = *through, .points = 0};
  auto writer = SegmentWriter::create(shop.files, info);
  if (!writer) return std::unexpected(writer.error());
  auto select = shop.db.prepare("SELECT data FROM frame_data WHERE position = ?1");
  if (!select) return std::unexpected(select.error());
  std::unique_ptr<SettleJob> job(
      new SettleJob(shop, std::move(info), std::move(*writer), std::move(*select)));
  if (auto done = job->open_segments(); !done) return std::unexpected(done.error());
  if (auto done = job->list_frames(); !done) return std::unexpected(done.error());
  if (auto done = job->learn_influencers(); !done) return std::unexpected(done.error());
  job->choose_block_size();
  return job;
}

Status SettleJob::open_segments() {
  const auto segments = read_segments(shop_.db, info_.range);
  if (!segments) return std::unexpected(segments.error());
  segments_.reserve(segments->size());
  for (const auto& segment : *segments) {
    auto reader = SegmentReader::open(shop_.files, segment);
    if (!reader) return fail(Errc::kCorrupt, reader.error().message);
    segments_.push_back(std::move(*reader));
    if (auto begun = segments_.back().begin_walk(); !begun) return begun;
    info_.points += segment.points;
  }
  return {};
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
                      influencer_at(select->integer(2)), influencer_at(select->integer(3))};
    const auto settled = [&](const SegmentReader& segment) {
      return segment.info().range.contains(frame.minute) &&
             frame.position <= segment.info().frames_through;
    };
    if (std::ranges::any_of(segments_, settled)) continue;
    frames_.push_back(frame);
    frame_points_ += static_cast<std::uint64_t>(select->integer(4));
  }
  std::ranges::sort(frames_, {},
                    [](const Frame& frame) { return std::tuple(frame.minute, frame.position); });
  info_.points += frame_points_;
  return {};
}

Status SettleJob::learn_influencers() {
  auto registry = read_registry(shop_.db);
  if (!registry) return std::unexpected(registry.error());
  const auto registered = registry->influencers.ranges();
  std::vector<IdRange> ranges(registered.begin(), registered.end());
  auto select = shop_.db.prepare(
      "SELECT data FROM latest WHERE generation = (SELECT latest_generation FROM state)");
  if (!select) return std::unexpected(select.error());
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    const auto batch = decode_point_batch(select->blob(0));
    if (!batch) return fail(Errc::kCorrupt, "store.db: latest values: " + batch.error().message);
    const auto ids = InfluencerSet::of(batch->influencers);
    ranges.insert(ranges.end(), ids.ranges().begin(), ids.ranges().end());
  }
  known_ = InfluencerSet(std::move(ranges));
  return {};
}

// So that a block's points fit into memory, and a slice into its time.
void SettleJob::choose_block_size() {
  const auto influencers = std::max<std::size_t>(1, known_.size());
  const auto points_each = std::max<std::size_t>(1, frame_points_ / influencers);
  block_size_ = std::max<std::size_t>(1, kBlockPoints / points_each);
  if (!segments_.empty()) block_size_ = std::min(block_size_, kMergePoints / info_.span());
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
  begin_writeback(writer_.draft());
  next_ = end;
  all_written_ = is_last;
  return {};
}

Status SettleJob::load_block(std::size_t begin, std::size_t end, InfluencerId first,
                             InfluencerId behind) {
  block_.begin(
      frames_.empty() ? std::vector<InfluencerId>() : known_.slice(begin, end - begin).ids(),
      info_.range.begin);
  for (const auto& frame : frames_) {
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
    for (const auto& segment : segments_) {
      if (segment.current()) influencer = std::min(influencer, *segment.current());
    }
    if (influencer >= end) return {};
    const bool has_late = next < block_.size() && block_.influencer(next) == influencer;
    const auto late = has_late ? block_.series(next++) : ChunkView{};
    if (auto written = write_one(influencer, late); !written) return written;
  }
}

Status SettleJob::write_one(InfluencerId influencer, const ChunkView& late) {
  const bool has_late = !late.offsets.empty() || !late.misses.empty();
  if (!has_late && segments_.size() == 1 && segments_[0].info().range == info_.range) {
    if (segments_[0].current() != influencer) return {};
    if (auto put = writer_.add(influencer, segments_[0].current_bytes()); !put) return put;
    return segments_[0].next();
  }
  settled_.clear();
  for (auto& segment : segments_) {
    if (segment.current() != influencer) continue;
    if (auto decoded = segment.decode_current(part_); !decoded) return decoded;
    append_chunk(part_, info_.offset_of(segment.info().range.begin), settled_);
    if (auto moved = segment.next(); !moved) return moved;
  }
  const bool has_settled = !settled_.offsets.empty() || !settled_.misses.empty();
  if (!has_late && !has_settled) return {};
  if (!has_late) {
    encode_chunk({settled_.offsets, settled_.followers, settled_.following, settled_.misses},
                 info_.span(), bytes_);
  } else if (!has_settled && late.misses.empty()) {
    encode_chunk(late, info_.span(), bytes_);
  } else {
    merge_chunks(settled_, late, merged_);
    encode_chunk({merged_.offsets, merged_.followers, merged_.following, merged_.misses},
                 info_.span(), bytes_);
  }
  return writer_.add(influencer, bytes_);
}

Status SettleJob::put_in_place() {
  std::vector<std::filesystem::path> replaced;
  for (const auto& segment : segments_)
    replaced.push_back(shop_.files.segment(segment.info().name));
  auto put = write_gated(shop_.gate, shop_.db, [&]() -> Status {
    if (auto done = put_segment(shop_.db, info_); !done) return done;
    return shop_.db.execute("UPDATE state SET catalog_version = catalog_version + 1");
  });
  if (!put) return put;
  std::error_code ignored;
  for (const auto& file : replaced) {
    if (file != shop_.files.segment(info_.name)) std::filesystem::remove(file, ignored);
  }
  return {};
}

}  // namespace ia::sqlite_store
