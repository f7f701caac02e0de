#include "storage/tables.h"

#include <algorithm>
#include <cstring>

namespace ia::sqlite_store {
namespace {

std::uint64_t unsigned_at(const sqlite::Statement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

// Numbers that do not fit, of sums that cannot be, are cut: SQLite has no unsigned ones.
std::int64_t signed_of(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

MissCounts miss_counts_of(std::string_view bytes) {
  MissCounts counts{};
  std::memcpy(counts.data(), bytes.data(), std::min(bytes.size(), sizeof counts));
  return counts;
}

SegmentInfo segment_of(const sqlite::Statement& row) {
  return {.name = std::string(row.text(4)),
          .range = {minute_at(row.integer(0)), minute_at(row.integer(1))},
          .frames_through = unsigned_at(row, 2),
          .points = unsigned_at(row, 3)};
}

std::unexpected<Error> damaged(const sqlite::Connection& db, const char* what) {
  return fail(Errc::kCorrupt, db.file().string() + ": " + what + ": restore it from a backup");
}

}  // namespace

Result<std::vector<sqlite::Statement>> prepare_all(sqlite::Connection& db,
                                                   std::span<const char* const> texts) {
  std::vector<sqlite::Statement> statements;
  for (const auto* text : texts) {
    auto statement = db.prepare(text);
    if (!statement) return std::unexpected(statement.error());
    statements.push_back(std::move(*statement));
  }
  return statements;
}

Result<State> read_state(sqlite::Statement& select) {
  const sqlite::ResetAtEnd reset(select);
  const auto row = select.step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return State{};
  return State{.catalog_version = select.integer(0),
               .horizon = minute_at(select.integer(1)),
               .latest_generation = select.integer(2),
               .latest_position = unsigned_at(select, 3),
               .dropped_through = unsigned_at(select, 4)};
}

Result<State> read_state(sqlite::Connection& db) {
  auto select = db.prepare(kSelectState);
  if (!select) return std::unexpected(select.error());
  return read_state(*select);
}

namespace {

// None of a store that only an older program has written. What is damaged is as good as none: all
// are watched since always then, and `verify` finds the page.
Result<WatchHistory> read_history(sqlite::Connection& db) {
  const auto tables = db.integer("SELECT count(*) FROM sqlite_master WHERE name = 'watched'");
  if (!tables) return std::unexpected(tables.error());
  if (*tables == 0) return WatchHistory{};
  auto select = db.prepare("SELECT history FROM watched");
  if (!select) return std::unexpected(select.error());
  const auto row = select->step();
  if (!row && row.error().code != Errc::kCorrupt) return std::unexpected(row.error());
  if (!row || !*row) return WatchHistory{};
  return WatchHistory::parse(select->text(0)).value_or(WatchHistory{});
}

Status write_history(sqlite::Connection& db, const WatchHistory& history) {
  auto put = db.prepare("INSERT OR REPLACE INTO watched VALUES (1, ?1)");
  if (!put) return std::unexpected(put.error());
  const auto text = history.to_string();
  return put->bind_text(1, text).run();
}

}  // namespace

Result<Registry> read_registry(sqlite::Connection& db) {
  auto select = db.prepare(
      "SELECT epoch, interval_minutes, spread_ms, shard_size, influencers FROM registry");
  if (!select) return std::unexpected(select.error());
  const auto row = select->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return Registry{};
  auto influencers = InfluencerSet::parse(select->text(4));
  if (!influencers || select->integer(1) < 1 || select->integer(3) < 1) {
    return damaged(db, "the registry is not readable");
  }
  auto history = read_history(db);
  if (!history) return std::unexpected(history.error());
  return Registry{.epoch = unsigned_at(*select, 0),
                  .schedule = {.interval = std::chrono::minutes{select->integer(1)},
                               .spread = std::chrono::milliseconds{select->integer(2)}},
                  .shard_size = static_cast<std::uint32_t>(select->integer(3)),
                  .influencers = std::move(*influencers),
                  .watched = std::move(*history)};
}

Result<Registry> read_registry(sqlite::Connection& db, RegistryCache& cache) {
  const auto epoch = db.integer("SELECT epoch FROM registry");
  if (!epoch) return std::unexpected(epoch.error());
  if (auto known = cache.of_epoch(static_cast<std::uint64_t>(*epoch))) return std::move(*known);
  auto registry = read_registry(db);
  if (registry) cache.put(*registry);
  return registry;
}

Status write_registry(sqlite::Connection& db, const Registry& registry) {
  auto put = db.prepare("INSERT OR REPLACE INTO registry VALUES (1, ?1, ?2, ?3, ?4, ?5)");
  if (!put) return std::unexpected(put.error());
  const auto influencers = registry.influencers.to_string();
  if (auto wrote = write_history(db, registry.watched); !wrote) return wrote;
  return put->bind(1, signed_of(registry.epoch))
      .bind(2, registry.schedule.interval.count())
      .bind(3, registry.schedule.spread.count())
      .bind(4, registry.shard_size)
      .bind_text(5, influencers)
      .run();
}

MinuteStats minute_stats_of(const sqlite::Statement& row) {
  const auto rest_reason = std::clamp<std::int64_t>(row.integer(7), 0, kMissReasonCount - 1);
  return {.minute = minute_at(row.integer(0)),
          .due = unsigned_at(row, 1),
          .stored = unsigned_at(row, 2),
          .repeats = unsigned_at(row, 3),
          .missed = miss_counts_of(row.blob(4)),
          .closed = row.integer(5) != 0,
          .rest = unsigned_at(row, 6),
          .rest_reason = static_cast<MissReason>(rest_reason),
          .followers_sum = row.integer(8),
          .following_sum = row.integer(9),
          .first_retrieved_at = wall_time_at(row.integer(10)),
          .last_retrieved_at = wall_time_at(row.integer(11)),
          .damaged = false};
}

Status put_minute(sqlite::Statement& put, const MinuteAccount& account) {
  const auto& stats = account.stats();
  std::string missed(sizeof stats.missed, '\0');
  std::memcpy(missed.data(), stats.missed.data(), missed.size());
  return put.bind(1, to_number(stats.minute))
      .bind(2, signed_of(stats.due))
      .bind(3, signed_of(stats.stored))
      .bind(4, signed_of(stats.repeats))
      .bind_blob(5, missed)
      .bind(6, stats.closed ? 1 : 0)
      .bind(7, signed_of(stats.rest))
      .bind(8, static_cast<std::int64_t>(stats.rest_reason))
      .bind(9, stats.followers_sum)
      .bind(10, stats.following_sum)
      .bind(11, to_number(stats.first_retrieved_at))
      .bind(12, to_number(stats.last_retrieved_at))
      .run();
}

Result<std::vector<SegmentInfo>> read_segments(sqlite::Connection& db, MinuteRange range) {
  auto select = db.prepare(
      "SELECT begin_minute, end_minute, frames_through, points, name FROM segment "
      "WHERE end_minute > ?1 AND begin_minute < ?2 ORDER BY begin_minute");
  if (!select) return std::unexpected(select.error());
  select->bind(1, to_number(range.begin)).bind(2, to_number(range.end));
  std::vector<SegmentInfo> segments;
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return segments;
    segments.push_back(segment_of(*select));
    const auto span = (segments.back().range.end - segments.back().range.begin).count();
    if (span < 1 || span > kChunkSpanMax) return damaged(db, "a segment's range is wrong");
  }
}

Result<std::optional<SegmentInfo>> find_segment(sqlite::Connection& db, Minute minute) {
  auto found = read_segments(db, {minute, minute + std::chrono::minutes{1}});
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

Status put_segment(sqlite::Connection& db, const SegmentInfo& segment) {
  auto remove = db.prepare("DELETE FROM segment WHERE begin_minute >= ?1 AND end_minute <= ?2");
  if (!remove) return std::unexpected(remove.error());
  const auto begin = to_number(segment.range.begin);
  const auto end = to_number(segment.range.end);
  if (auto removed = remove->bind(1, begin).bind(2, end).run(); !removed) return removed;
  auto put = db.prepare("INSERT INTO segment VALUES (?1, ?2, ?3, ?4, ?5)");
  if (!put) return std::unexpected(put.error());
  return put->bind(1, begin)
      .bind(2, end)
      .bind(3, signed_of(segment.frames_through))
      .bind(4, signed_of(segment.points))
      .bind_text(5, segment.name)
      .run();
}

Result<std::optional<std::int64_t>> next_whole(sqlite::Connection& db, const char* table,
                                               std::int64_t key) {
  // Through the row's last byte, so that nothing of it is damaged.
  auto select = db.prepare(std::string("SELECT * FROM ") + table + " WHERE rowid > ?1 LIMIT 1");
  if (!select) return std::unexpected(select.error());
  constexpr std::int64_t kStepMax = 1 << 20;
  auto bad = key;
  for (std::int64_t step = 1; step <= kStepMax; step *= 2) {
    auto good = bad + step;
    const auto row = select->bind(1, good).step();
    if (!row && row.error().code == Errc::kCorrupt) {
      bad = good;
      continue;
    }
    // Between the two is the end of the damage.
    while (good - bad > 1) {
      const auto middle = bad + (good - bad) / 2;
      select->reset();
      (select->bind(1, middle).step() ? good : bad) = middle;
    }
    select->reset();
    const auto found = select->bind(1, good).step();
    if (!found) return std::unexpected(found.error());
    if (!*found) return std::nullopt;
    return select->integer(0);
  }
  return std::nullopt;
}

Result<std::uint64_t> last_position(sqlite::Connection& db) {
  const auto position = db.integer(
      "SELECT max((SELECT latest_position FROM state), "
      "coalesce((SELECT max(position) FROM frame), 0))");
  if (!position) return std::unexpected(position.error());
  return static_cast<std::uint64_t>(*position);
}

}  // namespace ia::sqlite_store
