#include "adapters/postgres/read.h"

#include <limits>

#include "adapters/postgres/append.h"

namespace ia::postgres {
namespace {

constexpr std::int64_t kBatchesAtOnce = 256;
constexpr const char* kSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr const char* kMinuteColumns =
    "minute, due, stored, repeats, closed, followers_sum, following_sum, first_retrieved_at,"
    " last_retrieved_at, rest, rest_reason, missed_timeout, missed_connection, missed_rate_limited,"
    " missed_server_error, missed_not_found, missed_malformed, missed_overrun, missed_clock,"
    " missed_down, missed_outage, missed_disk_full";

std::int64_t signed_of(InfluencerId id) { return static_cast<std::int64_t>(number_of(id)); }
std::uint64_t count_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }
InfluencerId id_of(std::int64_t value) { return InfluencerId{count_of(value)}; }

MinuteStats stats_of(const Rows& rows, std::size_t row) {
  constexpr int kFirstMissed = 11;
  const auto time = [&](int column) {
    return rows.is_null(row, column) ? WallTime{} : rows.time(row, column);
  };
  MinuteStats stats{.minute = rows.minute(row, 0),
                    .due = count_of(rows.integer(row, 1)),
                    .stored = count_of(rows.integer(row, 2)),
                    .repeats = count_of(rows.integer(row, 3)),
                    .closed = rows.boolean(row, 4),
                    .rest = count_of(rows.integer(row, 9)),
                    .rest_reason = static_cast<MissReason>(rows.integer(row, 10)),
                    .followers_sum = rows.integer(row, 5),
                    .following_sum = rows.integer(row, 6),
                    .first_retrieved_at = time(7),
                    .last_retrieved_at = time(8)};
  for (std::size_t reason = 0; reason < kMissReasonCount; ++reason) {
    stats.missed[reason] = count_of(rows.integer(row, kFirstMissed + static_cast<int>(reason)));
  }
  return stats;
}

struct Positions {
  std::int64_t latest_through = 0;
  std::int64_t end = 0;  // of the last batch
};

Result<Positions> read_positions(Connection& db) {
  const auto row = db.query(
      "SELECT latest_through,"
      " greatest(latest_through, (SELECT max(position) FROM ia.batches)) FROM ia.state");
  if (!row) return std::unexpected(row.error());
  return Positions{row->integer(0, 0), row->integer(0, 1)};
}

PointBatch new_batch(WallTime retrieved_at) {
  return {.minute = minute_of(retrieved_at),
          .retrieved_at = retrieved_at,
          .influencers = {},
          .followers = {},
          .following = {},
          .misses = {},
          .usernames = {}};
}

// A batch a time of retrieval.
Result<Tail> tail_of_latest(Connection& db) {
  auto transaction = Transaction::begin(db, kSnapshot);
  if (!transaction) return std::unexpected(transaction.error());
  const auto positions = read_positions(db);
  if (!positions) return std::unexpected(positions.error());
  Tail tail{.batches = {}, .cursor = {count_of(positions->latest_through)}};
  const auto copied = db.copy_out(
      "COPY (SELECT l.retrieved_at, influencer_id, follower_count, following_count,"
      " coalesce(u.name, '') FROM ia.latest l LEFT JOIN ia.usernames u USING (influencer_id)"
      " ORDER BY l.retrieved_at, influencer_id) TO STDOUT (FORMAT binary)",
      [&](CopyReader row) {
        const auto time = row.time();
        const auto influencer = id_of(row.integer());
        if (tail.batches.empty() || tail.batches.back().retrieved_at != time) {
          tail.batches.push_back(new_batch(time));
        }
        auto& batch = tail.batches.back();
        batch.influencers.push_back(influencer);
        batch.followers.push_back(row.integer());
        batch.following.push_back(row.integer());
        if (const auto name = row.text(); !name.empty()) {
          batch.usernames.push_back({influencer, std::string(name)});
        }
      });
  if (!copied) return std::unexpected(copied.error());
  return tail;
}

Status add_latest_table(Connection& db, NewestValues& newest) {
  return db.copy_out(
      "COPY (SELECT influencer_id, retrieved_at, follower_count, following_count FROM ia.latest)"
      " TO STDOUT (FORMAT binary)",
      [&](CopyReader row) {
        const auto influencer = id_of(row.integer());
        const auto time = row.time();
        const auto followers = row.integer();
        newest.add(influencer, {time, {followers, row.integer()}});
      });
}

Status add_usernames(Connection& db, Latest& latest) {
  return db.copy_out(
      "COPY (SELECT influencer_id, name FROM ia.usernames) TO STDOUT (FORMAT binary)",
      [&](CopyReader row) {
        const auto influencer = id_of(row.integer());
        latest.usernames.push_back({influencer, std::string(row.text())});
      });
}

}  // namespace

void NewestValues::add(InfluencerId influencer, const Value& value) {
  const auto [known, is_new] = values_.try_emplace(number_of(influencer), value);
  const auto rank = [this](const Value& one) {
    return std::pair(one.retrieved_at <= now_, one.retrieved_at);
  };
  if (!is_new && rank(value) > rank(known->second)) known->second = value;
}

void NewestValues::add(const PointBatch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    add(batch.influencers[i], {batch.retrieved_at, {batch.followers[i], batch.following[i]}});
  }
}

Status add_batches(Connection& db, std::int64_t after, std::int64_t through, NewestValues& newest) {
  while (after < through) {
    const auto rows = db.query(
        "SELECT position, data FROM ia.batches WHERE position > $1 AND position <= $2"
        " ORDER BY position LIMIT $3",
        Params().add(after).add(through).add(kBatchesAtOnce));
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return {};
    for (std::size_t row = 0; row < rows->size(); ++row) {
      const auto batch = decode_point_batch(rows->text(row, 1));
      if (!batch) return fail(Errc::kCorrupt, "ia.batches: " + batch.error().message);
      newest.add(*batch);
    }
    after = rows->integer(rows->size() - 1, 0);
  }
  return {};
}

Result<Series> read_series(Connection& db, InfluencerId influencer, MinuteRange range) {
  range = sane(range);
  const auto rows =
      db.query(kSeriesSql, Params().add(signed_of(influencer)).add(range.begin).add(range.end));
  if (!rows) return std::unexpected(rows.error());
  Series series;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    series.minutes.push_back(rows->minute(row, 0));
    series.followers.push_back(rows->integer(row, 1));
    series.following.push_back(rows->integer(row, 2));
  }
  return series;
}

Result<std::vector<MissAt>> read_misses(Connection& db, InfluencerId influencer,
                                        std::span<const Minute> minutes) {
  if (minutes.empty()) return std::vector<MissAt>{};
  const auto rows = db.query(
      "SELECT minute, reason FROM ia.misses WHERE influencer_id = $1 AND minute = ANY($2)"
      " AND minute >= $3 AND minute <= $4 AND minute >= (SELECT horizon FROM ia.state)"
      " ORDER BY minute",
      Params().add(signed_of(influencer)).add(minutes).add(minutes.front()).add(minutes.back()));
  if (!rows) return std::unexpected(rows.error());
  std::vector<MissAt> misses;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    misses.push_back({rows->minute(row, 0), static_cast<MissReason>(rows->integer(row, 1))});
  }
  return misses;
}

// By a cursor, so that it can be abandoned; all of it is wanted, so the plan is to be the one that
// is soonest done, not soonest begun.
Result<MinuteColumns> read_minute(Connection& db, Minute minute, const GoOn& go_on) {
  auto transaction = Transaction::begin(db, kSnapshot);
  if (!transaction) return std::unexpected(transaction.error());
  if (auto set = db.execute("SET LOCAL cursor_tuple_fraction = 1"); !set) {
    return std::unexpected(set.error());
  }
  const auto declared = db.query(
      "DECLARE everyone NO SCROLL CURSOR FOR SELECT influencer_id, follower_count, following_count"
      " FROM ia.points WHERE minute = $1 AND minute >= (SELECT horizon FROM ia.state)",
      Params().add(sane({minute, minute}).begin));
  if (!declared) return std::unexpected(declared.error());
  MinuteColumns columns;
  while (true) {
    if (auto asked = check_go_on(go_on); !asked) return std::unexpected(asked.error());
    const auto rows = db.query("FETCH 20000 FROM everyone");
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) break;
    for (std::size_t row = 0; row < rows->size(); ++row) {
      columns.influencers.push_back(id_of(rows->integer(row, 0)));
      columns.followers.push_back(rows->integer(row, 1));
      columns.following.push_back(rows->integer(row, 2));
    }
  }
  sort_by_influencer(columns);
  return columns;
}

Result<std::vector<RankAt>> read_ranks(Connection& db, InfluencerId influencer,
                                       std::span<const Minute> minutes, const GoOn& go_on) {
  if (minutes.empty()) return std::vector<RankAt>{};
  const auto own =
      read_series(db, influencer, {minutes.front(), minutes.back() + std::chrono::minutes{1}});
  if (!own) return std::unexpected(own.error());
  auto ranks = ranks_to_count(*own, minutes);
  for (auto& rank : ranks) {
    if (auto asked = check_go_on(go_on); !asked) return std::unexpected(asked.error());
    const auto counts = db.query(
        "SELECT count(*) FILTER (WHERE follower_count > $2), count(*) FROM ia.points"
        " WHERE minute = $1",
        Params().add(rank.minute).add(rank.followers));
    if (!counts) return std::unexpected(counts.error());
    rank.rank += count_of(counts->integer(0, 0));
    rank.of = count_of(counts->integer(0, 1));
  }
  return ranks;
}

Result<std::vector<MinuteStats>> read_minutes(Connection& db, MinuteRange range) {
  range = sane(range);
  const auto sql = "SELECT " + std::string(kMinuteColumns) +
                   " FROM ia.minutes WHERE minute >= $1 AND minute < $2 ORDER BY minute";
  const auto rows = db.query(sql.c_str(), Params().add(range.begin).add(range.end));
  if (!rows) return std::unexpected(rows.error());
  std::vector<MinuteStats> minutes;
  for (std::size_t row = 0; row < rows->size(); ++row) minutes.push_back(stats_of(*rows, row));
  return minutes;
}

Result<Latest> read_latest(Connection& db) {
  auto transaction = Transaction::begin(db, kSnapshot);
  if (!transaction) return std::unexpected(transaction.error());
  const auto positions = read_positions(db);
  if (!positions) return std::unexpected(positions.error());
  NewestValues newest;
  if (auto added = add_latest_table(db, newest); !added) return std::unexpected(added.error());
  if (auto added = add_batches(db, positions->latest_through, positions->end, newest); !added) {
    return std::unexpected(added.error());
  }
  Latest latest;
  latest.cursor.position = count_of(positions->end);
  for (const auto& [influencer, value] : newest.values()) {
    latest.values.influencers.push_back(InfluencerId{influencer});
    latest.values.followers.push_back(value.counts.followers);
    latest.values.following.push_back(value.counts.following);
    latest.values.retrieved_at.push_back(value.retrieved_at);
  }
  if (auto added = add_usernames(db, latest); !added) return std::unexpected(added.error());
  return latest;
}

// One statement, hence one snapshot: nothing can be dropped between its two questions.
Result<Tail> read_tail(Connection& db, TailCursor from) {
  constexpr auto kPositionMax =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto after = static_cast<std::int64_t>(std::min(from.position, kPositionMax));
  const auto rows = db.query(
      "SELECT $1 < s.dropped_through OR $1 > greatest(s.latest_through,"
      " (SELECT max(position) FROM ia.batches)), b.position, b.data"
      " FROM ia.state s LEFT JOIN LATERAL (SELECT position, data FROM ia.batches"
      " WHERE position > $1 ORDER BY position LIMIT $2) AS b ON true ORDER BY b.position",
      Params().add(after).add(kBatchesAtOnce));
  if (!rows) return std::unexpected(rows.error());
  if (rows->boolean(0, 0)) return tail_of_latest(db);
  Tail tail{.batches = {}, .cursor = from};
  if (rows->is_null(0, 1)) return tail;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto batch = decode_point_batch(rows->text(row, 2));
    if (!batch) return fail(Errc::kCorrupt, "ia.batches: " + batch.error().message);
    tail.batches.push_back(std::move(*batch));
    tail.cursor.position = count_of(rows->integer(row, 1));
  }
  return tail;
}

Result<std::vector<Username>> find_usernames(Connection& db, std::string_view prefix,
                                             std::size_t count_max) {
  constexpr std::size_t kCountMaxAsked = 1'000'000;
  const auto rows = db.query(
      "SELECT influencer_id, name FROM ia.usernames"
      " WHERE folded ^@ translate($1, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
      " ORDER BY folded, influencer_id LIMIT $2",
      Params().add(prefix).add(static_cast<std::int64_t>(std::min(count_max, kCountMaxAsked))));
  std::vector<Username> usernames;
  // What is not UTF-8 begins no name.
  if (!rows && db.sqlstate() == "22021") return usernames;
  if (!rows) return std::unexpected(rows.error());
  for (std::size_t row = 0; row < rows->size(); ++row) {
    usernames.push_back({id_of(rows->integer(row, 0)), std::string(rows->text(row, 1))});
  }
  return usernames;
}

Result<Minute> read_horizon(Connection& db) {
  const auto row = db.query("SELECT horizon FROM ia.state");
  if (!row) return std::unexpected(row.error());
  return row->minute(0, 0);
}

Result<StoreSize> read_size(Connection& db) {
  const auto row = db.query(
      "SELECT pg_database_size(current_database()), coalesce(sum(stored), 0)::bigint,"
      " min(minute) FILTER (WHERE stored > 0)"
      " FROM ia.minutes WHERE minute >= (SELECT horizon FROM ia.state)");
  if (!row) return std::unexpected(row.error());
  return StoreSize{.bytes = count_of(row->integer(0, 0)),
                   .points = count_of(row->integer(0, 1)),
                   .free_bytes = std::numeric_limits<std::uint64_t>::max(),
                   .oldest_minute = row->is_null(0, 2) ? Minute{} : row->minute(0, 2)};
}

}  // namespace ia::postgres
