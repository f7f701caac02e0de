#include "storage/latest_walk.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace ia::sqlite_store {
namespace {

enum Sql { kFrames, kRows, kFrameData, kRowData };
constexpr std::array<const char*, 4> kSql = {
    "SELECT position, retrieved_ms, first_id, last_id FROM frame WHERE position > ?1 AND points > "
    "0",
    "SELECT seq, retrieved_ms, 0, 0 FROM latest WHERE generation = ?1",
    "SELECT data FROM frame_data WHERE position = ?1",
    "SELECT data FROM latest WHERE seq = ?1",
};

}  // namespace

LatestWalk::LatestWalk(std::uint64_t position, std::vector<Source> sources,
                       std::vector<sqlite::Statement> sql)
    : position_(position), sources_(std::move(sources)), sql_(std::move(sql)) {}

Result<LatestWalk> LatestWalk::begin(sqlite::Connection& db, WallTime now, DamageLog* damage) {
  auto sql = prepare_all(db, kSql);
  if (!sql) return std::unexpected(sql.error());
  const auto state = read_state(db);
  if (!state) return std::unexpected(state.error());
  const auto position = last_position(db);
  if (!position) return std::unexpected(position.error());

  std::vector<Source> sources;
  (*sql)[kFrames].bind(1, static_cast<std::int64_t>(state->latest_position));
  if (auto listed = list((*sql)[kFrames], true, sources); !listed) {
    return std::unexpected(listed.error());
  }
  (*sql)[kRows].bind(1, state->latest_generation);
  if (auto listed = list((*sql)[kRows], false, sources); !listed) {
    return std::unexpected(listed.error());
  }
  const auto newest_of_now = [latest = to_number(now)](const Source& source) {
    return std::pair(source.retrieved_ms <= latest, source.retrieved_ms);
  };
  std::ranges::sort(sources, std::ranges::greater{}, newest_of_now);
  LatestWalk walk(*position, std::move(sources), std::move(*sql));
  walk.file_ = db.file().string();
  walk.damage_ = damage;
  return walk;
}

Status LatestWalk::list(sqlite::Statement& select, bool is_frame, std::vector<Source>& sources) {
  while (true) {
    const auto row = select.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    sources.push_back(
        {select.integer(1), select.integer(0), is_frame, select.integer(2), select.integer(3)});
  }
}

Result<PointBatch> LatestWalk::next() {
  const auto& source = sources_[next_++];
  if (all_seen(source)) return PointBatch{};
  auto& select = sql_[source.is_frame ? kFrameData : kRowData];
  const sqlite::ResetAtEnd reset(select);
  const auto row = select.bind(1, source.key).step();
  if (!row && row.error().code != Errc::kCorrupt) return std::unexpected(row.error());
  if (!row) {
    note(source, row.error().message);
    return PointBatch{};
  }
  const auto batch = *row ? decode_point_batch(select.blob(0)) : fail(Errc::kInvalid, "it is gone");
  if (batch) return unseen_of(*batch);
  note(source, batch.error().message);
  return PointBatch{};
}

void LatestWalk::note(const Source& source, const std::string& cause) {
  if (damage_ == nullptr) return;
  const auto minute = minute_of(wall_time_at(source.retrieved_ms));
  const auto* what = source.is_frame ? ": frame " : ": newest values, row ";
  damage_->note({minute, minute + std::chrono::minutes{1}},
                file_ + what + std::to_string(source.key), cause);
}

// True when every id that the frame may have was seen: as a rule, where ids are in a row.
bool LatestWalk::all_seen(const Source& source) {
  if (!source.is_frame || source.first_id < 0 || source.last_id < source.first_id) return false;
  return ids_.all_of({influencer_at(source.first_id), influencer_at(source.last_id)},
                     [&](std::uint32_t first, std::uint64_t count) {
                       return seen_.has_all(first, count);
                     });
}

PointBatch LatestWalk::unseen_of(const PointBatch& batch) {
  PointBatch out{.minute = batch.minute,
                 .retrieved_at = batch.retrieved_at,
                 .influencers = {},
                 .followers = {},
                 .following = {},
                 .misses = {},
                 .usernames = {}};
  ids_.find_or_add(batch.influencers, numbers_);
  for_each_group(numbers_, [&](const NumberGroup& group) {
    const auto unseen = group.mask & ~seen_.get(group.index);
    if (unseen == 0) return;
    seen_.add(group.index, unseen);
    for (auto i = group.begin; i < group.end; ++i) {
      if ((unseen & bit_of(numbers_[i])) == 0) continue;
      out.influencers.push_back(batch.influencers[i]);
      out.followers.push_back(batch.followers[i]);
      out.following.push_back(batch.following[i]);
    }
  });
  return out;
}

}  // namespace ia::sqlite_store
