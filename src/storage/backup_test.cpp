#include "storage/backup.h"

#include <thread>

#include "storage/fixture.h"

namespace ia {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BackupTest : public SqliteStoreTest {
 protected:
  fs::path target() const { return directory_.path() / "backup"; }
  fs::path restored() const { return directory_.path() / "restored"; }
};

TEST_F(BackupTest, OfADirectoryInUseIsWholeAndRestores) {
  auto store = open();
  fill(*store, 2, 50);
  maintain(*store, kMidnight + hours{3});
  append(*store, batch_of(kMidnight + minutes{121}, 1, 50));
  ASSERT_TRUE(back_up(data(), target()));
  const auto verified = verify_data(target(), false).value();
  EXPECT_THAT(verified.findings, IsEmpty());
  EXPECT_EQ(verified.values, 26u * 50);
  EXPECT_EQ(verified.segments, 2u);
  ASSERT_TRUE(restore_backup(target(), restored()));
  const auto again = open(restored());
  EXPECT_EQ(again->read_series(id(7), kAlways).value(), store->read_series(id(7), kAlways).value());
  EXPECT_FALSE(back_up(data(), target())) << "it exists";
  EXPECT_FALSE(restore_backup(target(), data())) << "it is not empty";
}

TEST_F(BackupTest, TakenWhileHoursAreSettledAndDaysMergedIsWhole) {
  auto store = open();
  fill(*store, 26, 40);
  std::jthread housekeeping([&](const std::stop_token& stop) {
    for (int minute = 0; !stop.stop_requested() && minute < 60; ++minute) {
      const auto now = kMidnight + hours{27} + minutes{minute};
      while (!stop.stop_requested() && store->maintain(now).value()) {
      }
    }
  });
  for (int i = 0; i < 8; ++i) {
    const auto to = target().string() + std::to_string(i);
    const auto done = back_up(data(), to);
    ASSERT_TRUE(done) << done.error().message;
    const auto verified = verify_data(to, false).value();
    EXPECT_THAT(verified.findings, IsEmpty());
    EXPECT_EQ(verified.values, (26u * 12 + 1) * 40);
  }
}

TEST_F(BackupTest, VerifyNamesDamageAndRepairMovesWhatCannotBeRead) {
  auto store = open();
  fill(*store, 2, 50);
  maintain(*store, kMidnight + hours{3});
  store.reset();
  const auto name = names_in(segments()).at(0);
  std::ofstream(segments() / name, std::ios::binary) << std::string(9000, 'x');
  EXPECT_THAT(verify_data(data(), false)->findings, Contains(HasSubstr(name)));
  EXPECT_THAT(names_in(segments()), SizeIs(2));
  EXPECT_THAT(verify_data(data(), true)->repairs, Contains(HasSubstr("quarantine")));
  EXPECT_EQ(contents_of(data() / "quarantine" / name), std::string(9000, 'x'));
  store = open();
  const auto series = store->read_series(id(1), kAlways).value();
  EXPECT_THAT(series.minutes, SizeIs(13));
  EXPECT_THAT(series.damaged, SizeIs(1));
}

TEST_F(BackupTest, RepairAdoptsTheSegmentsOfALostDatabase) {
  auto store = open();
  fill(*store, 2, 50);
  maintain(*store, kMidnight + hours{3});
  const auto rows = store->read_minutes({kMidnight, kMidnight + hours{2}}).value();
  store.reset();
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    fs::remove((data() / "store.db").string() + suffix);
  }
  store = open();  // makes an empty one
  store.reset();
  EXPECT_THAT(verify_data(data(), true)->repairs, SizeIs(2));
  EXPECT_THAT(verify_data(data(), false)->findings, IsEmpty());
  store = open();
  EXPECT_THAT(store->read_series(id(7), kAlways)->minutes, SizeIs(24));
  const auto adopted = store->read_minutes({kMidnight, kMidnight + hours{2}}).value();
  ASSERT_THAT(adopted, SizeIs(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(adopted[i].stored, rows[i].stored);
    EXPECT_EQ(adopted[i].followers_sum, rows[i].followers_sum);
  }
  // What comes now is on top, in an adopted hour as well.
  EXPECT_EQ(append(*store, batch_of(kMidnight, 1, 60)).stored, 10u);
  EXPECT_THAT(store->read_series(id(60), kAlways)->minutes, SizeIs(1));
}

}  // namespace
}  // namespace ia
