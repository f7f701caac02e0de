#include "storage/directory.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ia::sqlite_store {
namespace {

enum Sql { kDataVersion, kState, kFrames };
constexpr std::array<const char*, 3> kSql = {
    "PRAGMA data_version",
    kSelectState,
    "SELECT position, minute, first_id, last_id FROM frame WHERE position > ?1 ORDER BY position",
};

std::pair<InfluencerId, InfluencerId> ids_of(const PointBatch& batch) {
  InfluencerId first{kInfluencerIdMax};
  InfluencerId last{0};
  const auto widen = [&](InfluencerId low, InfluencerId high) {
    first = std::min(first, low);
    last = std::max(last, high);
  };
  if (batch.size() > 0) widen(batch.influencers.front(), batch.influencers.back());
  if (!batch.misses.empty()) {
    widen(batch.misses.front().influencer, batch.misses.back().influencer);
  }
  return {first, last};
}

}  // namespace

void MinuteFrames::add(FrameRef frame) {
  const auto at = std::ranges::upper_bound(frames_, frame.first, {}, &FrameRef::first);
  const auto index = static_cast<std::size_t>(at - frames_.begin());
  frames_.insert(at, frame);
  reach_from(index);
}

void MinuteFrames::drop_through(std::uint64_t position) {
  std::erase_if(frames_, [&](const FrameRef& frame) { return frame.position <= position; });
  reach_from(0);
}

std::size_t MinuteFrames::end_of(InfluencerId influencer) const {
  const auto end = std::ranges::upper_bound(frames_, influencer, {}, &FrameRef::first);
  return static_cast<std::size_t>(end - frames_.begin());
}

void MinuteFrames::reach_from(std::size_t index) {
  reach_.resize(frames_.size());
  for (auto i = index; i < frames_.size(); ++i) {
    reach_[i] = i == 0 ? frames_[i].last : std::max(reach_[i - 1], frames_[i].last);
  }
}

Status Directory::refresh(sqlite::Connection& db) {
  if (sql_.empty()) {
    auto sql = prepare_all(db, kSql);
    if (!sql) return std::unexpected(sql.error());
    sql_ = std::move(*sql);
  }
  const sqlite::ResetAtEnd reset(sql_[kDataVersion]);
  const auto row = sql_[kDataVersion].step();
  if (!row) return std::unexpected(row.error());
  const auto version = sql_[kDataVersion].integer(0);
  if (version == data_version_) return {};
  if (auto done = refresh_segments(db); !done) return done;
  if (auto done = refresh_frames(db); !done) return done;
  data_version_ = version;
  return {};
}

Status Directory::refresh_segments(sqlite::Connection& db) {
  const auto state = read_state(sql_[kState]);
  if (!state) return std::unexpected(state.error());
  if (loaded_ && state->catalog_version == state_.catalog_version) return {};
  auto segments = read_segments(db, kAllMinutes);
  if (!segments) return std::unexpected(segments.error());
  segments_ = std::move(*segments);
  settled_minute_ = Minute::min();
  state_ = *state;
  loaded_ = true;
  for (auto& [minute, frames] : frames_) {
    const auto through = settled_through(minute);
    if (through > 0) frames.drop_through(through);
  }
  std::erase_if(frames_, [&](const auto& entry) {
    return entry.second.empty() || entry.first < state_.horizon;
  });
  return {};
}

Status Directory::refresh_frames(sqlite::Connection& db) {
  auto& select = sql_[kFrames];
  const sqlite::ResetAtEnd reset(select);
  select.bind(1, static_cast<std::int64_t>(position_));
  while (true) {
    const auto row = select.step();
    if (!row && row.error().code == Errc::kCorrupt) {
      const auto after = next_whole(db, "frame", static_cast<std::int64_t>(position_));
      if (!after) return std::unexpected(after.error());
      const auto before = after->value_or(INT64_MAX);
      const auto recovered = recover_frames(db, static_cast<std::int64_t>(position_), before);
      if (!recovered || !*after) return recovered;
      position_ = static_cast<std::uint64_t>(before - 1);
      select.bind(1, before - 1);
      continue;
    }
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    position_ = static_cast<std::uint64_t>(select.integer(0));
    add_frame(minute_at(select.integer(1)),
              {position_, influencer_at(select.integer(2)), influencer_at(select.integer(3))});
  }
}

void Directory::add_frame(Minute minute, FrameRef frame) {
  if (minute != settled_minute_) {
    settled_minute_ = minute;
    settled_position_ = settled_through(minute);
  }
  if (frame.position <= settled_position_ || minute < state_.horizon) return;
  frames_[minute].add(frame);
}

Status Directory::recover_frames(sqlite::Connection& db, std::int64_t after, std::int64_t before) {
  auto select = db.prepare(
      "SELECT position, data FROM frame_data WHERE position > ?1 AND position < ?2 "
      "ORDER BY position");
  if (!select) return std::unexpected(select.error());
  select->bind(1, after).bind(2, before);
  while (true) {
    const auto row = select->step();
    if (!row && row.error().code == Errc::kCorrupt) {
      const auto next = next_whole(db, "frame_data", after);
      if (!next) return std::unexpected(next.error());
      if (!*next) return {};
      after = **next - 1;
      select->bind(1, after);
      continue;
    }
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    after = select->integer(0);
    position_ = static_cast<std::uint64_t>(after);
    const auto batch = decode_point_batch(select->blob(1));
    if (!batch) continue;
    const auto [first, last] = ids_of(*batch);
    add_frame(batch->minute, {position_, first, last});
  }
}

const SegmentInfo* Directory::segment_of(Minute minute) const {
  const auto after = std::ranges::upper_bound(
      segments_, minute, {}, [](const SegmentInfo& segment) { return segment.range.begin; });
  if (after == segments_.begin()) return nullptr;
  const auto& segment = *(after - 1);
  return segment.range.contains(minute) ? &segment : nullptr;
}

std::uint64_t Directory::settled_through(Minute minute) const {
  const auto* segment = segment_of(minute);
  return segment == nullptr ? 0 : segment->frames_through;
}

}  // namespace ia::sqlite_store
