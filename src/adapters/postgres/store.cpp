#include "adapters/postgres/store.h"

#include "adapters/postgres/append.h"
#include "adapters/postgres/migrate.h"
#include "adapters/postgres/pool.h"
#include "adapters/postgres/read.h"
#include "adapters/postgres/upkeep.h"

namespace ia {
namespace {

using postgres::Connection;

constexpr std::size_t kWriterConnections = 3;
constexpr std::size_t kMinuteReaders = 2;
constexpr int kLongReadFactor = 10;

postgres::ConnectionOptions connections(const PostgresStoreOptions& options, int factor) {
  return {.dsn = options.dsn, .statement_timeout = options.statement_timeout * factor};
}

class PostgresStore final : public Store {
 public:
  explicit PostgresStore(const PostgresStoreOptions& options)
      : readers_(connections(options, 1), options.pool_size),
        long_readers_(connections(options, kLongReadFactor), 1),
        minute_readers_(connections(options, kLongReadFactor), kMinuteReaders),
        writers_(connections(options, 1), kWriterConnections),
        housekeepers_(connections(options, kLongReadFactor), 1),
        writer_(writers_),
        upkeep_(housekeepers_, options.retention) {}

  Result<Registry> registry() const override {
    return readers_.read(
        [this](Connection& db) { return postgres::read_registry(db, registry_); });
  }
  Status put_registry(const Registry& registry) override { return writer_.put_registry(registry); }
  Result<AppendResult> append(std::span<const PointBatch> batches) override {
    return writer_.append(batches);
  }
  Status close_minutes(MinuteRange range, MissReason reason) override {
    return writer_.close_minutes(range, reason);
  }
  Result<bool> maintain(const UpkeepTime& time) override { return upkeep_.step(time); }

  Result<Series> read_series(InfluencerId influencer, MinuteRange range) const override {
    return readers_.read(
        [&](Connection& db) { return postgres::read_series(db, influencer, range); });
  }
  Result<MinuteColumns> read_minute(Minute minute, const GoOn& go_on) const override {
    return minute_readers_.read(
        [&](Connection& db) { return postgres::read_minute(db, minute, go_on); });
  }
  Result<std::vector<MissAt>> read_misses(InfluencerId influencer,
                                          std::span<const Minute> minutes) const override {
    return readers_.read(
        [&](Connection& db) { return postgres::read_misses(db, influencer, minutes); });
  }

  Result<std::vector<RankAt>> read_ranks(InfluencerId influencer, std::span<const Minute> minutes,
                                         const GoOn& go_on) const override {
    return minute_readers_.read(
        [&](Connection& db) { return postgres::read_ranks(db, influencer, minutes, go_on); });
  }
  Result<std::vector<MinuteStats>> read_minutes(MinuteRange range) const override {
    return readers_.read([&](Connection& db) { return postgres::read_minutes(db, range); });
  }
  Result<Latest> read_latest() const override {
    return long_readers_.read([](Connection& db) { return postgres::read_latest(db); });
  }
  Result<Tail> read_tail(TailCursor from) const override {
    return long_readers_.read([&](Connection& db) { return postgres::read_tail(db, from); });
  }
  Result<std::vector<Username>> find_usernames(std::string_view prefix,
                                               std::size_t count_max) const override {
    return readers_.read(
        [&](Connection& db) { return postgres::find_usernames(db, prefix, count_max); });
  }
  Result<Minute> horizon() const override {
    return readers_.read([](Connection& db) { return postgres::read_horizon(db); });
  }

  Result<StoreSize> size() const override {
    return readers_.read([](Connection& db) { return postgres::read_size(db); });
  }

 private:
  mutable postgres::Pool readers_;
  mutable postgres::Pool long_readers_;
  mutable postgres::Pool minute_readers_;
  postgres::Pool writers_;
  postgres::Pool housekeepers_;
  postgres::Writer writer_;
  postgres::Upkeep upkeep_;
  mutable RegistryCache registry_;
};

Status check(const PostgresStoreOptions& options) {
  if (options.retention.count() < 1) {
    return fail(Errc::kInvalid, "store: the retention must be a day or more");
  }
  if (options.pool_size < 1) {
    return fail(Errc::kInvalid, "store: the pool must have a connection or more");
  }
  if (options.statement_timeout.count() < 1) {
    return fail(Errc::kInvalid, "store: the statement timeout must be a millisecond or more");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_postgres_store(const PostgresStoreOptions& options, Log& log) {
  if (auto fine = check(options); !fine) return std::unexpected(fine.error());
  const auto facts = inspect_postgres(options.dsn);
  if (!facts) return std::unexpected(facts.error());
  if (auto known = check_postgres_schema(facts->schema_version); !known) {
    return std::unexpected(known.error());
  }
  log.info("store", "PostgreSQL",
           {{"server", facts->server_version},
            {"role", facts->role},
            {"layout", facts->layout},
            {"encrypted", facts->is_encrypted ? "yes" : "no"}});
  return std::make_unique<PostgresStore>(options);
}

}  // namespace ia
