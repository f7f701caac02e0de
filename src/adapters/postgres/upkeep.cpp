#include "adapters/postgres/upkeep.h"

#include <algorithm>

#include "adapters/postgres/append.h"
#include "adapters/postgres/read.h"

namespace ia::postgres {
namespace {

using std::chrono::days;
using std::chrono::minutes;

constexpr days kMinutesKept{400};
constexpr minutes kLatestBehindMax{10};
constexpr std::size_t kValuesAtOnce = 100'000;

Minute earlier(WallTime now, days by) { return std::max(minute_of(now - by), kFirstMinute); }

struct Columns {
  std::vector<InfluencerId> influencers;
  std::vector<WallTime> retrieved_at;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
};

std::vector<std::uint64_t> sorted_ids(const NewestValues& newest) {
  std::vector<std::uint64_t> ids;
  for (const auto& [influencer, value] : newest.values()) ids.push_back(influencer);
  std::ranges::sort(ids);
  return ids;
}

Columns columns_of(const NewestValues& newest, std::span<const std::uint64_t> ids) {
  Columns columns;
  for (const auto influencer : ids) {
    const auto& value = newest.values().at(influencer);
    columns.influencers.push_back(InfluencerId{influencer});
    columns.retrieved_at.push_back(value.retrieved_at);
    columns.followers.push_back(value.counts.followers);
    columns.following.push_back(value.counts.following);
  }
  return columns;
}

Result<bool> put_latest(Connection& db, std::int64_t from, std::int64_t through,
                        const Columns& columns) {
  const auto put = db.query("SELECT ia.put_latest($1, $2, $3, $4, $5, $6)",
                            Params()
                                .add(from)
                                .add(through)
                                .add(std::span<const InfluencerId>(columns.influencers))
                                .add(std::span<const WallTime>(columns.retrieved_at))
                                .add(std::span<const std::int64_t>(columns.followers))
                                .add(std::span<const std::int64_t>(columns.following)));
  if (!put) return std::unexpected(put.error());
  return put->boolean(0, 0);
}

// In one transaction: a reader sees all of the values or none. False when another one was faster.
Result<bool> put_all(Connection& db, std::int64_t from, std::int64_t through,
                     const NewestValues& newest) {
  const auto ids = sorted_ids(newest);
  auto transaction = Transaction::begin(db);
  if (!transaction) return std::unexpected(transaction.error());
  for (std::size_t begin = 0; begin == 0 || begin < ids.size(); begin += kValuesAtOnce) {
    const auto count = std::min(kValuesAtOnce, ids.size() - begin);
    const auto part = columns_of(newest, std::span(ids).subspan(begin, count));
    const auto put = put_latest(db, begin == 0 ? from : through, through, part);
    if (!put || !*put) return put;
  }
  if (auto committed = transaction->commit(); !committed) {
    return std::unexpected(committed.error());
  }
  return true;
}

}  // namespace

Result<bool> Upkeep::step(const UpkeepTime& time) {
  return pool_.with([&](Connection& db) -> Result<bool> {
    const auto refreshed = refresh_latest(db, time.now);
    if (!refreshed) return fail("housekeeping", refreshed.error());
    if (auto begun = begin_retention(db); !begun) return fail("housekeeping", begun.error());
    const auto more = clean(db, time);
    if (!more) return fail("housekeeping", more.error());
    return *more;
  });
}

// A schema of an older version has not said how far deletions were: as far as its values reach.
Status Upkeep::begin_retention(Connection& db) {
  if (retention_clock_) return {};
  const auto row = db.query(
      "SELECT coalesce(retention_reached, (SELECT max(minute) FROM ia.minutes WHERE stored > 0)),"
      " horizon FROM ia.state");
  if (!row) return std::unexpected(row.error());
  if (row->is_null(0, 0)) {
    retention_clock_.emplace();
  } else {
    const WallTime by_horizon = row->minute(0, 1) + retention_;
    retention_clock_.emplace(std::max(row->time(0, 0), by_horizon));
  }
  return {};
}

Result<bool> Upkeep::clean(Connection& db, const UpkeepTime& time) {
  const auto reached = retention_clock_->step(time.now, time.mono, time.is_confirmed);
  const auto more = db.query("SELECT ia.upkeep($1, $2, $3)",
                             Params()
                                 .add(time.now)
                                 .add(earlier(reached, retention_))
                                 .add(earlier(reached, std::max(retention_, kMinutesKept))));
  if (!more) return std::unexpected(more.error());
  return more->boolean(0, 0);
}

Result<bool> Upkeep::refresh_latest(Connection& db, WallTime now) {
  const auto row = db.query(
      "SELECT latest_through, b.first_at, b.last FROM ia.state, LATERAL"
      " (SELECT min(retrieved_at) AS first_at, max(position) AS last FROM ia.batches"
      " WHERE position > latest_through) AS b");
  if (!row) return std::unexpected(row.error());
  const bool is_behind = !row->is_null(0, 1) && row->time(0, 1) < now - kLatestBehindMax;
  if (!is_behind) return false;
  const auto from = row->integer(0, 0);
  const auto through = row->integer(0, 2);
  NewestValues newest(now);
  if (auto added = add_batches(db, from, through, newest); !added) {
    return std::unexpected(added.error());
  }
  return put_all(db, from, through, newest);
}

}  // namespace ia::postgres
