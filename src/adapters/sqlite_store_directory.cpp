#include "adapters/sqlite_store_directory.h"

#include <algorithm>
#include <array>

namespace ia::sqlite_store {
namespace {

enum Sql { kDataVersion, kState, kFrames };
constexpr std::array<const char*, 3> kSql = {
    "PRAGMA data_version",
    kSelectState,
    "SELECT position, minute, first_id, last_id FROM frame WHERE position > ?1 ORDER BY position",
};

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
  if (auto done = refresh_frames(); !done) return done;
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

Status Directory::refresh_frames() {
  auto& select = sql_[kFrames];
  const sqlite::ResetAtEnd reset(select);
  select.bind(1, static_cast<std::int64_t>(position_));
  Minute minute = Minute::min();
  std::uint64_t through = 0;
  while (true) {
    const auto row = select.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    position_ = static_cast<std::uint64_t>(select.integer(0));
    if (minute_at(select.integer(1)) != minute) {
      minute = minute_at(select.integer(1));
      through = settled_through(minute);
    }
    if (position_ <= through || minute < state_.horizon) continue;
    frames_[minute].add(
        {position_, influencer_at(select.integer(2)), influencer_at(select.integer(3))});
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
