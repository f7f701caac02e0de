#include "storage/jobs.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "core/point_batch.h"
#include "storage/replaced.h"

namespace ia::sqlite_store {
namespace {

constexpr std::size_t kWalkSlice = 64;    // batches
constexpr std::size_t kDeleteSlice = 64;  // frames or rows: some 2 ms, for which appends may wait
constexpr std::size_t kBlockPoints = 240'000;
constexpr std::size_t kSlicePoints = 500'000;

enum LatestSql { kInsert, kPublish, kDeleteOthers };
constexpr std::array<const char*, 3> kLatestSql = {
    "INSERT INTO latest(generation, retrieved_ms, data) VALUES (?1, ?2, ?3)",
    "UPDATE state SET latest_generation = ?1, latest_position = ?2",
    "DELETE FROM latest WHERE seq IN "
    "(SELECT seq FROM latest WHERE generation <> ?1 ORDER BY seq LIMIT ?2)",
};

// Whatever becomes of the draft, it may be removed.
Status note_draft(const Workshop& shop, const std::string& name) {
  return write_gated(shop.gate, shop.db,
                     [&] { return note_replaced(shop.db, name + std::string(kDraftSuffix)); });
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

SettleJob::SettleJob(Workshop shop, SegmentInfo info, PackedSegmentWriter writer,
                     sqlite::Statement select_data)
    : shop_(shop),
      info_(std::move(info)),
      writer_(std::move(writer)),
      select_data_(std::move(select_data)) {}

Result<std::unique_ptr<Job>> SettleJob::start(Workshop shop, MinuteRange range) {
  const auto through = last_position(shop.db);
  if (!through) return std::unexpected(through.error());
  auto settled = read_segments(shop.db, range);
  if (!settled) return std::unexpected(settled.error());
  const bool is_day = range.end - range.begin > std::chrono::hours{1};
  const auto name =
      unused_name(shop.files, (is_day ? "day-" : "hour-") + std::to_string(to_number(range.begin)) +
                                  "-" + std::to_string(*through));
  SegmentInfo info{.name = name, .range = range, .frames_through = *through, .points = 0};
  for (const auto& segment : *settled) info.points += segment.points;
  if (auto noted = note_draft(shop, name); !noted) return std::unexpected(noted.error());
  auto writer = PackedSegmentWriter::create(shop.files, info);
  if (!writer) return std::unexpected(writer.error());
  auto select = shop.db.prepare("SELECT data FROM frame_data WHERE position = ?1");
  if (!select) return std::unexpected(select.error());
  std::unique_ptr<SettleJob> job(
      new SettleJob(shop, std::move(info), std::move(*writer), std::move(*select)));
  job->settled_ = std::move(*settled);
  if (auto opened = job->open_sources(); !opened) return std::unexpected(opened.error());
  if (auto done = job->list_frames(); !done) return std::unexpected(done.error());
  if (auto done = job->learn_influencers(); !done) return std::unexpected(done.error());
  job->choose_block_size();
  return job;
}

Status SettleJob::open_sources() {
  for (const auto& segment : settled_) {
    if (auto opened = open_parts(segment); !opened) return opened;
  }
  return {};
}

Status SettleJob::open_parts(const SegmentInfo& segment) {
  for (auto minute = segment.range.begin; minute < segment.range.end;) {
    auto reader = SegmentReader::open(shop_.files, segment);
    if (!reader) return fail(Errc::kCorrupt, reader.error().message);
    const auto part = reader->part_of(minute);
    sources_.push_back({std::move(*reader), part});
    if (auto begun = sources_.back().reader.begin_walk(part); !begun) return begun;
    minute = part.range.end;
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
                      influencer_at(select->integer(2)), influencer_at(select->integer(3)),
                      static_cast<std::uint64_t>(select->integer(4))};
    const auto settled = [&](const SegmentInfo& segment) {
      return segment.range.contains(frame.minute) && frame.position <= segment.frames_through;
    };
    if (std::ranges::any_of(settled_, settled)) continue;
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

// So that a block's points fit into memory, and a slice into its time.
void SettleJob::choose_block_size() {
  const auto influencers = std::max<std::size_t>(1, known_.size());
  std::uint64_t points = 0;
  for (const auto& frame : frames_) points += frame.points;
  const auto points_each = std::max<std::size_t>(1, points / influencers);
  block_size_ = std::max<std::size_t>(1, kBlockPoints / points_each);
}

Result<bool> SettleJob::step() {
  if (!is_block_written_ || !is_last_block_) {
    auto done = is_block_written_ ? next_block() : Status{};
    if (done) done = write_some();
    if (!done) return std::unexpected(done.error());
    write_back(writer_.draft());
    return true;
  }
  if (auto finished = writer_.finish(); !finished) return std::unexpected(finished.error());
  if (auto put = put_in_place(); !put) return std::unexpected(put.error());
  return false;
}

Status SettleJob::next_block() {
  const auto end = std::min(next_ + block_size_, known_.size());
  is_last_block_ = end == known_.size();
  const auto first = next_ == 0 ? InfluencerId{0} : known_.at(next_);
  block_end_ = is_last_block_ ? InfluencerId{kInfluencerIdMax + 1} : known_.at(end);
  block_.begin(
      frames_.empty() ? std::vector<InfluencerId>() : known_.slice(next_, end - next_).ids(),
      info_.range.begin);
  for (const auto& frame : frames_) {
    if (frame.last < first || frame.first >= block_end_) continue;
    if (auto loaded = load_frame(frame, first, block_end_); !loaded) return loaded;
  }
  block_.transpose();
  next_ = end;
  next_in_block_ = 0;
  is_block_written_ = false;
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
  block_.add(sqlite_store::part_of(std::move(*batch), begin, end));
  return {};
}

Status SettleJob::write_some() {
  for (std::size_t points = 0; points < kSlicePoints;) {
    auto influencer = block_end_;
    if (next_in_block_ < block_.size()) influencer = block_.influencer(next_in_block_);
    for (const auto& source : sources_) {
      influencer = std::min(influencer, source.reader.current().value_or(block_end_));
    }
    is_block_written_ = influencer >= block_end_;
    if (is_block_written_) return {};
    const bool has_late =
        next_in_block_ < block_.size() && block_.influencer(next_in_block_) == influencer;
    const auto late = has_late ? block_.series(next_in_block_++) : ChunkView{};
    if (auto written = write_one(influencer, late); !written) return written;
    points += late.offsets.size() + chunk_.offsets.size() + 1;
  }
  return {};
}

Status SettleJob::write_one(InfluencerId influencer, const ChunkView& late) {
  bool has_settled = false;
  if (auto taken = take_settled(influencer, has_settled); !taken) return taken;
  const bool has_late = !late.offsets.empty() || !late.misses.empty();
  if (!has_settled && !has_late) return {};
  const auto view = [](const Chunk& chunk) {
    return ChunkView{chunk.offsets, chunk.followers, chunk.following, chunk.misses};
  };
  if (!has_settled && late.misses.empty()) return writer_.add(influencer, late);
  if (!has_late) return writer_.add(influencer, view(chunk_));
  merge_chunks(chunk_, late, merged_);
  return writer_.add(influencer, view(merged_));
}

// What the sources have of the influencer, into chunk_.
Status SettleJob::take_settled(InfluencerId influencer, bool& is_there) {
  chunk_.clear();
  for (auto& [reader, part] : sources_) {
    if (reader.current() != influencer) continue;
    is_there = true;
    if (auto decoded = reader.decode_current(part_); !decoded) return decoded;
    const auto base = static_cast<std::uint16_t>((part.range.begin - info_.range.begin).count());
    append_chunk(part_, base, chunk_);
    if (auto moved = reader.next(); !moved) return moved;
  }
  return {};
}

Status SettleJob::put_in_place() {
  const auto draft = info_.name + std::string(kDraftSuffix);
  auto put = write_gated(shop_.gate, shop_.db, [&]() -> Status {
    if (auto done = put_segment(shop_.db, info_); !done) return done;
    if (auto done = forget_replaced(shop_.db, draft); !done) return done;
    for (const auto& segment : settled_) {
      if (auto done = note_replaced(shop_.db, segment.name); !done) return done;
    }
    return shop_.db.execute("UPDATE state SET catalog_version = catalog_version + 1");
  });
  if (!put) return put;
  return remove_replaced(shop_.files, shop_.gate, shop_.db);
}

}  // namespace ia::sqlite_store
