#include "adapters/postgres/verdict_store.h"

#include "adapters/postgres/pool.h"
#include "adapters/postgres/turn.h"

namespace ia {
namespace {

using postgres::Connection;
using postgres::Params;

std::int64_t signed_of(std::uint64_t value) { return static_cast<std::int64_t>(value); }

class PostgresVerdictStore final : public VerdictStore {
 public:
  explicit PostgresVerdictStore(const std::string& dsn)
      : pool_({.dsn = dsn}, 2), turn_(dsn, postgres::Work::kChecks) {}

  Result<std::optional<std::uint64_t>> take_turn() override { return turn_.take(); }

  Status put(std::span<const Verdict> verdicts) override {
    std::vector<InfluencerId> ids;
    std::vector<std::int64_t> suspicious;
    std::vector<std::int64_t> followers;
    std::vector<std::int64_t> following;
    std::vector<WallTime> checked;
    for (const auto& verdict : verdicts) {
      ids.push_back(verdict.influencer);
      suspicious.push_back(verdict.suspicious ? 1 : 0);
      followers.push_back(verdict.judged.followers);
      following.push_back(verdict.judged.following);
      checked.push_back(verdict.checked_at);
    }
    const auto put = pool_.with([&](Connection& db) {
      return db.query("SELECT ia.put_verdicts($1, $2, $3, $4, $5)",
                      Params()
                          .add(std::span<const InfluencerId>(ids))
                          .add(std::span<const std::int64_t>(suspicious))
                          .add(std::span<const std::int64_t>(followers))
                          .add(std::span<const std::int64_t>(following))
                          .add(std::span<const WallTime>(checked)));
    });
    return put ? Status{} : fail("verdicts", put.error());
  }

  Result<VerdictPage> read(VerdictCursor from, std::size_t count_max) const override {
    const auto rows = pool_.read([&](Connection& db) {
      return db.query(
          "SELECT influencer_id, suspicious, follower_count, following_count, checked_at,"
          " changed_at, position FROM ia.verdicts WHERE position > $1 ORDER BY position LIMIT $2",
          Params().add(signed_of(from.position)).add(signed_of(count_max)));
    });
    if (!rows) return fail("verdicts", rows.error());
    return postgres::checked([&]() -> Result<VerdictPage> { return page_of(*rows, from); });
  }

 private:
  static VerdictPage page_of(const postgres::Rows& rows, VerdictCursor from) {
    VerdictPage page{.verdicts = {}, .cursor = from};
    for (std::size_t row = 0; row < rows.size(); ++row) {
      page.verdicts.push_back(
          {.influencer = InfluencerId{static_cast<std::uint64_t>(rows.integer(row, 0))},
           .suspicious = rows.boolean(row, 1),
           .judged = {rows.integer(row, 2), rows.integer(row, 3)},
           .checked_at = rows.time(row, 4),
           .changed_at = rows.time(row, 5)});
      page.cursor.position = static_cast<std::uint64_t>(rows.integer(row, 6));
    }
    return page;
  }

  mutable postgres::Pool pool_;
  postgres::Turn turn_;
};

}  // namespace

std::unique_ptr<VerdictStore> open_postgres_verdict_store(const std::string& dsn) {
  return std::make_unique<PostgresVerdictStore>(dsn);
}

}  // namespace ia
