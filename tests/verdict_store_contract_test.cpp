#include "verdict_store_contract.h"

#include "adapters/sqlite/verdict_store.h"
#include "base/sqlite.h"
#include "testing/memory_verdict_store.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

// With the directory that it lies in.
class InTempDir final : public VerdictStore {
 public:
  InTempDir() : store_(open_sqlite_verdict_store(dir_.path()).value()) {}
  Status put(std::span<const Verdict> verdicts) override { return store_->put(verdicts); }
  Result<VerdictPage> read(VerdictCursor from, std::size_t count_max) const override {
    return store_->read(from, count_max);
  }

 private:
  TempDir dir_;
  std::unique_ptr<VerdictStore> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Stores, VerdictStoreContract,
    ::testing::Values(VerdictStoreKind{"memory",
                                       [] { return std::make_unique<MemoryVerdictStore>(); }},
                      VerdictStoreKind{"sqlite", [] { return std::make_unique<InTempDir>(); }}),
    [](const auto& kind) { return kind.param.name; });

const Verdict kVerdict{.influencer = InfluencerId{7},
                       .suspicious = true,
                       .judged = {1, 2},
                       .checked_at = WallTime{std::chrono::milliseconds{5}},
                       .changed_at = WallTime{std::chrono::milliseconds{5}}};

TEST(SqliteVerdictStore, IsThereAgainAfterItWasClosed) {
  TempDir dir;
  ASSERT_TRUE(open_sqlite_verdict_store(dir.path()).value()->put({&kVerdict, 1}));
  const auto page = open_sqlite_verdict_store(dir.path()).value()->read({}, 10);
  EXPECT_THAT(page->verdicts, ::testing::ElementsAre(kVerdict));
}

TEST(SqliteVerdictStore, LetsAnotherProcessReadWhileOneWrites) {
  TempDir dir;
  const auto writer = open_sqlite_verdict_store(dir.path()).value();
  const auto reader = open_sqlite_verdict_store(dir.path()).value();
  const Verdict verdict{.influencer = InfluencerId{7},
                        .suspicious = false,
                        .judged = {},
                        .checked_at = {},
                        .changed_at = {}};
  ASSERT_TRUE(writer->put({&verdict, 1}));
  EXPECT_EQ(reader->read({}, 10)->verdicts.size(), 1u);
}

TEST(SqliteVerdictStore, MakesNothingWhenItOnlyReads) {
  TempDir dir;
  const auto none = open_sqlite_verdict_store(dir.path(), true);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kUnavailable);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  const auto writer = open_sqlite_verdict_store(dir.path()).value();
  const auto reader = open_sqlite_verdict_store(dir.path(), true).value();
  EXPECT_FALSE(reader->put({&kVerdict, 1}));
  ASSERT_TRUE(writer->put({&kVerdict, 1}));
  EXPECT_THAT(reader->read({}, 10)->verdicts, ::testing::ElementsAre(kVerdict));
}

TEST(SqliteVerdictStore, RefusesAFileOfSomebodyElse) {
  TempDir dir;
  ASSERT_TRUE(sqlite::Connection::open(dir.path() / "verdicts.db", sqlite::Access::kCreate)
                  .value()
                  .execute("CREATE TABLE t(x); PRAGMA user_version=9"));
  const auto opened = open_sqlite_verdict_store(dir.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kInvalid);
  EXPECT_THAT(opened.error().message, ::testing::HasSubstr("verdicts.db"));
}

}  // namespace
}  // namespace ia
