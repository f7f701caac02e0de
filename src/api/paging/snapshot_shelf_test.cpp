#include "api/paging/snapshot_shelf.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::seconds;

TEST(SnapshotShelf, KeepsFewerTheLargerTheyAre) {
  EXPECT_EQ(SnapshotShelf::kept_max(0), SnapshotShelf::kKeptMax);
  EXPECT_EQ(SnapshotShelf::kept_max(200'000), SnapshotShelf::kKeptMax);
  EXPECT_EQ(SnapshotShelf::kept_max(500'000), 2U);
  EXPECT_EQ(SnapshotShelf::kept_max(1'000'000), 1U);
  EXPECT_EQ(SnapshotShelf::kept_max(50'000'000), 1U);
}

TEST(SnapshotShelf, SharesASnapshotBetweenFirstPages) {
  Leaderboard leaderboard;
  SnapshotShelf shelf;
  MonoTime now{};
  const auto first = leaderboard.publish(WallTime{});
  EXPECT_EQ(shelf.for_first_page(first, now), first);
  shelf.keep(first, now);
  const auto second = leaderboard.publish(WallTime{seconds{1}});
  EXPECT_EQ(shelf.for_first_page(second, now + SnapshotShelf::kSharedFor), first);
  now += SnapshotShelf::kSharedFor + seconds{1};
  EXPECT_EQ(shelf.for_first_page(second, now), second);
}

}  // namespace
}  // namespace ia
