#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/store.h"
#include "postgres_server.h"
#include "store_fixture.h"

namespace ia {

// A store on TimescaleDB that finds every chunk of points compressed: the database's owner
// compresses them before each call.
class CompressingStore final : public Store {
 public:
  CompressingStore(std::unique_ptr<Store> store, const std::string& owner_dsn)
      : store_(std::move(store)), owner_(must(postgres::Connection::open({.dsn = owner_dsn}))) {}

  Result<Registry> registry() const override { return compressed().registry(); }
  Status put_registry(const Registry& registry) override {
    return compressed().put_registry(registry);
  }
  Result<AppendResult> append(std::span<const PointBatch> batches) override {
    return compressed().append(batches);
  }
  Status close_minutes(MinuteRange range, MissReason reason) override {
    return compressed().close_minutes(range, reason);
  }
  Result<bool> maintain(const UpkeepTime& time) override { return compressed().maintain(time); }
  Result<Series> read_series(InfluencerId influencer, MinuteRange range) const override {
    return compressed().read_series(influencer, range);
  }
  Result<std::vector<MissAt>> read_misses(InfluencerId influencer,
                                          std::span<const Minute> at) const override {
    return compressed().read_misses(influencer, at);
  }
  Result<MinuteColumns> read_minute(Minute minute, const GoOn& go_on) const override {
    return compressed().read_minute(minute, go_on);
  }
  Result<std::vector<RankAt>> read_ranks(InfluencerId influencer, std::span<const Minute> at,
                                         const GoOn& go_on) const override {
    return compressed().read_ranks(influencer, at, go_on);
  }
  Result<std::vector<MinuteStats>> read_minutes(MinuteRange range) const override {
    return compressed().read_minutes(range);
  }
  Result<Latest> read_latest() const override { return compressed().read_latest(); }
  Result<Tail> read_tail(TailCursor from) const override { return compressed().read_tail(from); }
  Result<std::vector<Username>> find_usernames(std::string_view prefix,
                                               std::size_t count_max) const override {
    return compressed().find_usernames(prefix, count_max);
  }
  Result<Minute> horizon() const override { return compressed().horizon(); }
  Result<StoreSize> size() const override { return compressed().size(); }

 private:
  // Chunks to which rows were added after they were compressed are compressed again.
  Store& compressed() const {
    must(owner_.execute(
        "SELECT compress_chunk(format('%I.%I', c.schema_name, c.table_name)::regclass)"
        " FROM _timescaledb_catalog.chunk c JOIN _timescaledb_catalog.hypertable h"
        " ON h.id = c.hypertable_id WHERE h.schema_name = 'ia' AND h.table_name = 'points'"
        " AND c.status <> 1"));
    return *store_;
  }

  std::unique_ptr<Store> store_;
  mutable postgres::Connection owner_;
};

}  // namespace ia
