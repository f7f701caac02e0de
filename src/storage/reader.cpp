#include "storage/reader.h"

#include <algorithm>
#include <array>

#include "core/point_batch.h"
#include "storage/segment_walk.h"

namespace ia::sqlite_store {
namespace {

constexpr int kCacheKib = 2048;
constexpr int kTriesMax = 4;
constexpr std::size_t kTailBatchesMax = 256;
constexpr int kDamagedRowsMax = 2'000;  // some ten pages

enum Sql { kBegin, kCommit, kFrameData, kMinutes, kTail };
constexpr std::array<const char*, 5> kSql = {
    "BEGIN",
    "COMMIT",
    "SELECT data FROM frame_data WHERE position = ?1",
    kSelectMinutes,
    "SELECT position, data FROM frame_data WHERE position > ?1 ORDER BY position",
};

MinuteRange only(Minute minute) { return {minute, minute + std::chrono::minutes{1}}; }

MinuteRange hour_of(Minute minute) {
  const Minute begin = std::chrono::floor<std::chrono::hours>(minute);
  return {begin, begin + std::chrono::hours{1}};
}

MinuteRange common(MinuteRange a, MinuteRange b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

void mark(std::vector<MinuteStats>& rows, const std::vector<MinuteRange>& damaged) {
  for (auto& row : rows) {
    const auto range = std::ranges::upper_bound(damaged, row.minute, {}, &MinuteRange::end);
    row.damaged = row.damaged || (range != damaged.end() && range->begin <= row.minute);
  }
}

void append_point(Series& series, Minute minute, Counts counts) {
  series.minutes.push_back(minute);
  series.followers.push_back(counts.followers);
  series.following.push_back(counts.following);
}

}  // namespace

Reader::Reader(const Files& files, DamageLog& damage, RegistryCache& known, sqlite::Connection db,
               std::vector<sqlite::Statement> sql)
    : files_(files),
      damage_(damage),
      registry_(known),
      db_(std::move(db)),
      sql_(std::move(sql)),
      segments_(files) {}

Result<std::unique_ptr<Reader>> Reader::open(const Files& files, DamageLog& damage,
                                             RegistryCache& known) {
  auto db = open_database(files, sqlite::Access::kRead, kCacheKib);
  if (!db) return std::unexpected(db.error());
  auto sql = prepare_all(*db, kSql);
  if (!sql) return std::unexpected(sql.error());
  return std::unique_ptr<Reader>(new Reader(files, damage, known, std::move(*db), std::move(*sql)));
}

template <class Read>
auto Reader::in_snapshot(Read read) -> decltype(read()) {
  if (auto begun = sql_[kBegin].run(); !begun) return std::unexpected(begun.error());
  auto result = [&]() -> decltype(read()) {
    if (auto fresh = directory_.refresh(db_); !fresh) return std::unexpected(fresh.error());
    return read();
  }();
  // A damaged page that was met makes the end fail, too, which changes nothing of what was read.
  if (!sql_[kCommit].run()) (void)db_.execute("ROLLBACK");
  return result;
}

Result<Registry> Reader::registry() { return read_registry(db_, registry_); }

template <class Read>
auto Reader::retried(Read read) -> decltype(read()) {
  for (int tries = 1;; ++tries) {
    gone_is_damage_ = tries == kTriesMax;
    damaged_.clear();
    auto result = in_snapshot(read);
    if (result || result.error().code != Errc::kNotFound) return result;
  }
}

bool Reader::is_damage(const Error& error, MinuteRange minutes, const std::string& place) {
  const bool is_gone = error.code == Errc::kNotFound && gone_is_damage_;
  if (error.code != Errc::kCorrupt && !is_gone) return false;
  damage_.note(minutes, place, error.message);
  return true;
}

bool Reader::is_frame_damage(const Error& error, Minute minute, std::uint64_t position) {
  return is_damage(error, only(minute),
                   db_.file().string() + ": frame " + std::to_string(position));
}

Result<Series> Reader::series(InfluencerId influencer, MinuteRange range) {
  return retried([&] { return series_once(influencer, range); });
}

Result<Series> Reader::series_once(InfluencerId influencer, MinuteRange range) {
  range.begin = std::max(range.begin, directory_.horizon());
  if (range.begin >= range.end) return Series{};
  frames_.clear();
  if (auto read = read_frames(influencer, range); !read) return std::unexpected(read.error());
  Series settled;
  for (const auto& segment : directory_.segments()) {
    if (segment.range.end <= range.begin) continue;
    if (segment.range.begin >= range.end) break;
    if (auto read = read_segment(segment, influencer, range, settled); !read) {
      return std::unexpected(read.error());
    }
  }
  auto series = with_frames(std::move(settled));
  series.damaged = std::move(damaged_);
  return series;
}

// Frames are newer than all that is settled, but for those that came late.
Series Reader::with_frames(Series settled) const {
  const bool in_order =
      frames_.empty() || settled.minutes.empty() || settled.minutes.back() < frames_.front().minute;
  Series merged;
  if (in_order) merged = std::move(settled);
  std::size_t next = 0;
  for (const auto& [minute, counts] : frames_) {
    for (; next < settled.size() && settled.minutes[next] < minute; ++next) {
      append_point(merged, settled.minutes[next],
                   {settled.followers[next], settled.following[next]});
    }
    append_point(merged, minute, counts);
  }
  for (; next < settled.size(); ++next) {
    append_point(merged, settled.minutes[next], {settled.followers[next], settled.following[next]});
  }
  return merged;
}

Status Reader::read_frames(InfluencerId influencer, MinuteRange range) {
  // Pages with checksums were compared when they were read.
  const bool is_checked = db_.has_checksums();
  const auto& frames = directory_.frames();
  const auto end = frames.lower_bound(range.end);
  for (auto at = frames.lower_bound(range.begin); at != end; ++at) {
    Status read;
    at->second.for_each(influencer, [&](std::uint64_t position) {
      if (!read) return;
      read = with_frame(position, [&](std::string_view bytes) -> Status {
        if (!is_checked) {
          const auto batch = decode_point_batch(bytes);
          if (!batch) return fail(Errc::kCorrupt, batch.error().message);
          if (batch->minute != at->first) return fail(Errc::kCorrupt, "it is of another minute");
        }
        const auto counts = find_in_encoded(bytes, influencer);
        if (counts) frames_.push_back({at->first, *counts});
        return {};
      });
      if (read || !is_frame_damage(read.error(), at->first, position)) return;
      add_range(damaged_, only(at->first));
      read = {};
    });
    if (!read) return read;
  }
  return {};
}

template <class Take>
Status Reader::with_frame(std::uint64_t position, Take take) {
  auto& select = sql_[kFrameData];
  const sqlite::ResetAtEnd reset(select);
  const auto row = select.bind(1, static_cast<std::int64_t>(position)).step();
  if (!row) return std::unexpected(row.error());
  const auto bytes = *row ? select.blob(0) : std::string_view();
  return bytes.empty() ? fail(Errc::kCorrupt, "it is gone") : take(bytes);
}

template <class Take>
Status Reader::with_batch(Minute minute, std::uint64_t position, Take take) {
  return with_frame(position, [&](std::string_view bytes) -> Status {
    const auto batch = decode_point_batch(bytes);
    if (!batch) return fail(Errc::kCorrupt, batch.error().message);
    if (batch->minute != minute) return fail(Errc::kCorrupt, "it is of another minute");
    take(*batch);
    return {};
  });
}

Status Reader::read_segment(const SegmentInfo& info, InfluencerId influencer, MinuteRange range,
                            Series& series) {
  const auto segment = segments_.get(info);
  if (!segment) {
    if (!is_damage(segment.error(), info.range, files_.segment(info.name).string())) {
      return std::unexpected(segment.error());
    }
    add_range(damaged_, common(range, info.range));
    return {};
  }
  const auto end = std::min(range.end, info.range.end);
  for (auto minute = std::max(range.begin, info.range.begin); minute < end;) {
    const auto part = (*segment)->part_of(minute);
    const MinuteRange wanted{minute, std::min(end, part.range.end)};
    if (auto read = read_part(**segment, influencer, part, wanted, series); !read) {
      segments_.forget(info);
      return read;
    }
    minute = part.range.end;
  }
  return {};
}

// Where that fails, hour by hour, so that no more is lost than is damaged.
Status Reader::read_part(SegmentReader& segment, InfluencerId influencer, const SegmentPart& part,
                         MinuteRange wanted, Series& series) {
  auto found = segment.read(influencer, part, wanted, chunk_);
  if (found && *found) append_chunk(part, wanted, series);
  if (found) return {};
  const auto error = found.error();
  const auto place = place_of(segment.info(), influencer);
  if (segment.format() != SegmentFormat::kPacked || error.code != Errc::kCorrupt) {
    if (!is_damage(error, part.range, place)) return std::unexpected(error);
    add_range(damaged_, wanted);
    return {};
  }
  std::vector<MinuteRange> lost;
  for (auto hour = hour_of(wanted.begin); hour.begin < wanted.end; hour = hour_of(hour.end)) {
    found = segment.read(influencer, part, hour, chunk_);
    if (found && *found) append_chunk(part, common(hour, wanted), series);
    if (!found) add_range(lost, common(hour, part.range));
  }
  for (const auto& range : lost) {
    const auto begin = std::to_string(to_number(range.begin));
    if (!is_damage(error, range, place + " from minute " + begin)) return std::unexpected(error);
    add_range(damaged_, common(range, wanted));
  }
  return {};
}

void Reader::append_chunk(const SegmentPart& part, MinuteRange range, Series& series) const {
  const auto index_of = [&](Minute minute) {
    const auto offset = std::clamp(minute, part.range.begin, part.range.end) - part.range.begin;
    const auto at = std::ranges::lower_bound(chunk_.offsets, offset.count());
    return at - chunk_.offsets.begin();
  };
  const auto begin = index_of(range.begin);
  const auto end = index_of(range.end);
  const auto append = [&](const auto& from, auto& to) {
    to.insert(to.end(), from.begin() + begin, from.begin() + end);
  };
  append(chunk_.followers, series.followers);
  append(chunk_.following, series.following);
  auto next = series.minutes.size();
  series.minutes.resize(series.followers.size());
  for (auto i = begin; i < end; ++i) {
    const auto offset = chunk_.offsets[static_cast<std::size_t>(i)];
    series.minutes[next++] = part.range.begin + std::chrono::minutes{offset};
  }
}

Result<std::vector<MissAt>> Reader::misses(InfluencerId influencer,
                                           std::span<const Minute> minutes) {
  return retried([&]() -> Result<std::vector<MissAt>> {
    Misses misses;
    const auto kept = std::ranges::lower_bound(minutes, directory_.horizon());
    for (std::span rest(kept, minutes.end()); !rest.empty();) {
      const auto done = add_settled_misses(influencer, rest, misses);
      if (!done) return std::unexpected(done.error());
      for (const auto minute : rest.first(*done)) {
        if (auto read = correct_by_frames(influencer, minute, misses); !read) {
          return std::unexpected(read.error());
        }
      }
      rest = rest.subspan(*done);
    }
    // A part of a segment also holds minutes below the horizon, which are gone.
    std::vector<MissAt> found;
    for (const auto minute : std::span(kept, minutes.end())) {
      const auto miss = misses.find(minute);
      if (miss != misses.end()) found.push_back({minute, miss->second});
    }
    return found;
  });
}

Result<std::size_t> Reader::add_settled_misses(InfluencerId influencer,
                                               std::span<const Minute> minutes, Misses& misses) {
  const auto* info = directory_.segment_of(minutes.front());
  if (info == nullptr) return 1;
  const auto segment = segments_.get(*info);
  if (!segment) {
    if (!is_damage(segment.error(), info->range, files_.segment(info->name).string())) {
      return std::unexpected(segment.error());
    }
    return 1;
  }
  const auto part = (*segment)->part_of(minutes.front());
  const auto found = (*segment)->read_coverage(
      influencer, part, {minutes.front(), minutes.back() + std::chrono::minutes{1}}, chunk_);
  if (!found && !is_damage(found.error(), part.range, place_of(*info, influencer))) {
    segments_.forget(*info);
    return std::unexpected(found.error());
  }
  if (found && *found) {
    for (const auto& miss : chunk_.misses) {
      misses[part.range.begin + std::chrono::minutes{miss.offset}] = miss.reason;
    }
  }
  return static_cast<std::size_t>(std::ranges::lower_bound(minutes, part.range.end) -
                                  minutes.begin());
}

// A miss is only in them while there was no value before it, and a value takes any miss back.
Status Reader::correct_by_frames(InfluencerId influencer, Minute minute, Misses& misses) {
  const auto frames = directory_.frames().find(minute);
  if (frames == directory_.frames().end()) return {};
  bool has_value = false;
  Status read;
  frames->second.for_each(influencer, [&](std::uint64_t position) {
    if (!read) return;
    read = with_batch(minute, position, [&](const PointBatch& batch) {
      has_value = has_value || std::ranges::binary_search(batch.influencers, influencer);
      const auto miss = std::ranges::lower_bound(batch.misses, influencer, {}, &Miss::influencer);
      if (miss != batch.misses.end() && miss->influencer == influencer) {
        misses.try_emplace(minute, miss->reason);
      }
    });
    if (!read && is_frame_damage(read.error(), minute, position)) read = {};
  });
  if (has_value) misses.erase(minute);
  return read;
}

// Walks over segments are long: the snapshot is given back before them, so that the log can be
// emptied meanwhile.
Result<MinuteColumns> Reader::minute(Minute minute, const GoOn& go_on) {
  std::optional<Walked> segment;
  auto frames = retried([&]() -> Result<MinuteColumns> {
    segment.reset();
    MinuteColumns columns;
    if (minute < directory_.horizon()) return columns;
    auto opened = open_walk(minute, go_on, columns.damaged);
    if (!opened) return std::unexpected(opened.error());
    if (*opened) segment.emplace(std::move(**opened));
    const auto read = for_each_frame(minute, go_on, columns.damaged, [&](const PointBatch& batch) {
      append_columns({batch.influencers, batch.followers, batch.following, false}, columns);
    });
    if (!read) return std::unexpected(read.error());
    return columns;
  });
  if (frames) sort_by_influencer(*frames);
  if (!frames || !segment) return frames;
  auto columns = walk_segment(*segment, minute, go_on);
  if (!columns) return columns;
  if (columns->damaged) note_walk(*segment, only(minute));
  append_columns(*frames, *columns);
  sort_by_influencer(*columns);
  return columns;
}

Result<std::optional<Walked>> Reader::open_walk(Minute minute, const GoOn& go_on,
                                                bool& is_damaged) {
  const auto* info = directory_.segment_of(minute);
  if (info == nullptr) return std::nullopt;
  auto opened = Walked::open(files_, *info, go_on);
  if (opened) return std::optional<Walked>(std::move(*opened));
  if (!is_damage(opened.error(), info->range, files_.segment(info->name).string())) {
    return std::unexpected(opened.error());
  }
  is_damaged = true;
  return std::nullopt;
}

void Reader::note_walk(const Walked& walked, MinuteRange minutes) {
  const auto& info = walked.segment.info();
  const auto part = walked.segment.part_of(minutes.begin);
  damage_.note(part.range, files_.segment(info.name).string() + ": some of everyone",
               "its checksums do not match");
}

std::string Reader::place_of(const SegmentInfo& info, InfluencerId influencer) const {
  return files_.segment(info.name).string() + ": influencer " +
         std::to_string(number_of(influencer));
}

template <class Take>
Status Reader::for_each_frame(Minute minute, const GoOn& go_on, bool& is_damaged, Take take) {
  const auto found = directory_.frames().find(minute);
  if (found == directory_.frames().end()) return {};
  std::size_t seen = 0;
  for (const auto& frame : found->second.all()) {
    if (seen++ % kAskEveryFrames == 0) {
      if (auto asked = check_go_on(go_on); !asked) return asked;
    }
    const auto read = with_batch(minute, frame.position, take);
    if (read) continue;
    if (!is_frame_damage(read.error(), minute, frame.position)) return read;
    is_damaged = true;
  }
  return {};
}

Result<std::vector<RankAt>> Reader::ranks(InfluencerId influencer, std::span<const Minute> minutes,
                                          const GoOn& go_on) {
  if (minutes.empty()) return std::vector<RankAt>{};
  const auto own = series(influencer, {minutes.front(), minutes.back() + std::chrono::minutes{1}});
  if (!own) return std::unexpected(own.error());
  auto ranks = ranks_to_count(*own, minutes);
  for (std::span<RankAt> rest = ranks; !rest.empty();) {
    const auto counted = count_first_ranks(rest, go_on);
    if (!counted) return std::unexpected(counted.error());
    rest = rest.subspan(*counted);
  }
  return ranks;
}

// The first one and all that are in the same part of a segment: how many they are.
Result<std::size_t> Reader::count_first_ranks(std::span<RankAt> ranks, const GoOn& go_on) {
  std::optional<Walked> segment;
  SegmentPart part;
  const auto counted = retried([&]() -> Result<std::size_t> {
    segment.reset();
    std::size_t together = 1;
    bool is_damaged = false;
    auto opened = open_walk(ranks.front().minute, go_on, is_damaged);
    if (!opened) return std::unexpected(opened.error());
    if (*opened) {
      segment.emplace(std::move(**opened));
      part = segment->segment.part_of(ranks.front().minute);
      while (together < ranks.size() && part.range.contains(ranks[together].minute)) ++together;
    }
    for (auto& rank : ranks.first(together)) {
      rank = {.minute = rank.minute, .followers = rank.followers, .damaged = is_damaged};
      const auto read = for_each_frame(rank.minute, go_on, rank.damaged,
                                       [&](const PointBatch& batch) { count_ranks(batch, rank); });
      if (!read) return std::unexpected(read.error());
    }
    return together;
  });
  if (!counted || !segment) return counted;
  const auto walked = count_ranks(*segment, part, ranks.first(*counted), go_on);
  if (!walked) return std::unexpected(walked.error());
  if (ranks.front().damaged) note_walk(*segment, only(ranks.front().minute));
  return counted;
}

Result<std::vector<MinuteStats>> Reader::minutes(MinuteRange range) {
  std::vector<MinuteStats> rows;
  int damaged_rows = 0;
  auto read = add_minutes(range, rows);
  while (!read && read.error().code == Errc::kCorrupt) {
    // The rows that follow the last one are damaged: each is tried until one is whole.
    auto begin = rows.empty() ? range.begin : rows.back().minute + std::chrono::minutes{1};
    if (rows.empty()) begin = std::max(begin, directory_.horizon());
    const bool is_hopeless = begin >= range.end || damaged_rows++ >= kDamagedRowsMax;
    if (is_hopeless) return std::unexpected(read.error());
    damage_.note(only(begin), db_.file().string() + ": row of minute " +
                                  std::to_string(to_number(begin)),
                 read.error().message);
    auto& row = rows.emplace_back();
    row.minute = begin;
    row.closed = true;
    row.damaged = true;
    read = add_minutes({begin + std::chrono::minutes{1}, range.end}, rows);
  }
  if (!read) return std::unexpected(read.error());
  mark(rows, damage_.ranges());
  return rows;
}

Status Reader::add_minutes(MinuteRange range, std::vector<MinuteStats>& rows) {
  auto& select = sql_[kMinutes];
  const sqlite::ResetAtEnd reset(select);
  select.bind(1, to_number(range.begin)).bind(2, to_number(range.end));
  while (true) {
    const auto row = select.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    rows.push_back(minute_stats_of(select));
  }
}

Result<Latest> Reader::latest() {
  return in_snapshot([&]() -> Result<Latest> {
    Latest latest;
    if (auto added = add_latest_values(latest); !added) return std::unexpected(added.error());
    if (auto added = add_usernames(latest); !added) return std::unexpected(added.error());
    return latest;
  });
}

Result<Tail> Reader::tail(TailCursor from) {
  return in_snapshot([&]() -> Result<Tail> {
    const auto state = read_state(db_);
    if (!state) return std::unexpected(state.error());
    if (from.position < state->dropped_through) return tail_of_checkpoint(*state);
    return tail_of_frames(from);
  });
}

// Whoever is so far behind that frames are gone gets the newest value of everyone instead, which
// leads to the same end.
Result<Tail> Reader::tail_of_checkpoint(const State& state) {
  auto select = db_.prepare("SELECT data FROM latest WHERE generation = ?1 ORDER BY seq");
  if (!select) return std::unexpected(select.error());
  select->bind(1, state.latest_generation);
  Tail tail{.batches = {}, .cursor = {state.latest_position}};
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return tail;
    // Somebody's newest value is older then; what comes later is followed as always.
    if (auto batch = decode_point_batch(select->blob(0))) tail.batches.push_back(std::move(*batch));
  }
}

Result<Tail> Reader::tail_of_frames(TailCursor from) {
  auto& select = sql_[kTail];
  const sqlite::ResetAtEnd reset(select);
  select.bind(1, static_cast<std::int64_t>(from.position));
  Tail tail{.batches = {}, .cursor = from};
  while (tail.batches.size() < kTailBatchesMax) {
    const auto row = select.step();
    if (!row && row.error().code == Errc::kCorrupt) {
      const auto position = static_cast<std::int64_t>(tail.cursor.position);
      const auto after = next_whole(db_, "frame_data", position);
      if (!after) return std::unexpected(after.error());
      if (!*after) break;
      tail.cursor.position = static_cast<std::uint64_t>(**after - 1);
      select.bind(1, **after - 1);
      continue;
    }
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    tail.cursor.position = static_cast<std::uint64_t>(select.integer(0));
    if (auto batch = decode_point_batch(select.blob(1))) tail.batches.push_back(std::move(*batch));
  }
  return tail;
}

}  // namespace ia::sqlite_store
