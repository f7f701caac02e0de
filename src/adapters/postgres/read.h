#pragma once

#include <unordered_map>

#include "adapters/postgres/connection.h"
#include "ports/store.h"

// The reads of the port, on a connection of the caller's.
namespace ia::postgres {

// $1 influencer, $2 begin, $3 end. Touches the pages of that influencer alone, in the tables of
// those days alone; the values are in the index.
inline constexpr const char* kSeriesSql =
    "SELECT minute, follower_count, following_count FROM ia.points"
    " WHERE influencer_id = $1 AND minute >= $2 AND minute < $3"
    " AND minute >= (SELECT horizon FROM ia.state) ORDER BY minute";

Result<Series> read_series(Connection& db, InfluencerId influencer, MinuteRange range);
// One look into the index for each of the minutes.
Result<std::vector<MissAt>> read_misses(Connection& db, InfluencerId influencer,
                                        std::span<const Minute> minutes);
// One query: the index of minutes leads to the pages that the minute was written to. Where points
// are compressed, all that their chunk has of everyone is unpacked.
Result<MinuteColumns> read_minute(Connection& db, Minute minute, const GoOn& go_on);
// A query for each minute, which counts at the server.
Result<std::vector<RankAt>> read_ranks(Connection& db, InfluencerId influencer,
                                       std::span<const Minute> minutes, const GoOn& go_on);
Result<std::vector<MinuteStats>> read_minutes(Connection& db, MinuteRange range);
Result<Latest> read_latest(Connection& db);
// Also of a cursor from a database that has been set back since, or whose batches are gone: it
// then begins with the newest value of everyone.
Result<Tail> read_tail(Connection& db, TailCursor from);
Result<std::vector<Username>> find_usernames(Connection& db, std::string_view prefix,
                                             std::size_t count_max);
Result<Minute> read_horizon(Connection& db);
Result<StoreSize> read_size(Connection& db);

// The newest value of each influencer in batches, whatever their order.
class NewestValues {
 public:
  // What is stamped later than `now`, by a clock that was ahead, gives way to any other value.
  explicit NewestValues(WallTime now = WallTime::max()) : now_(now) {}

  struct Value {
    WallTime retrieved_at;
    Counts counts;
  };
  void add(const PointBatch& batch);
  void add(InfluencerId influencer, const Value& value);
  const std::unordered_map<std::uint64_t, Value>& values() const { return values_; }

 private:
  const WallTime now_;
  std::unordered_map<std::uint64_t, Value> values_;
};

// Adds the batches at positions in (after, through], some hundred at a time.
Status add_batches(Connection& db, std::int64_t after, std::int64_t through, NewestValues& newest);

}  // namespace ia::postgres
