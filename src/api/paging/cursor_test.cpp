#include "api/paging/cursor.h"

#include <gtest/gtest.h>

#include "api/paging/snapshot_shelf.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

const Cursor kCursor{.version = 77,
                     .published_at = ManualClock::kStart,
                     .followers = kCountMax,
                     .influencer = InfluencerId{1'234'567}};

TEST(Cursor, ReadsBackAsItWasWritten) { EXPECT_EQ(decode_cursor(encode(kCursor)), kCursor); }

TEST(Cursor, IsRefusedWhenAnyCharacterWasChanged) {
  const auto text = encode(kCursor);
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(decode_cursor(changed), std::nullopt) << i;
  }
}

TEST(Cursor, IsRefusedWhenItIsSomethingElse) {
  const auto text = encode(kCursor);
  for (const auto& wrong :
       {std::string(), text + "A", text.substr(1), std::string(54, '='), std::string(54, 'A')}) {
    EXPECT_EQ(decode_cursor(wrong), std::nullopt) << wrong;
  }
}

struct Boards {
  Leaderboard leaderboard;
  ManualClock clock;
  SnapshotShelf shelf;

  SnapshotShelf::Snapshot publish() {
    clock.advance(std::chrono::milliseconds{1});
    return leaderboard.publish(clock.wall());
  }
  Cursor cursor_into(const SnapshotShelf::Snapshot& snapshot) {
    return {.version = snapshot->version(), .published_at = snapshot->published_at()};
  }
};

TEST(SnapshotShelf, KeepsWhatWasHandedOutForFiveMinutes) {
  Boards boards;
  const auto snapshot = boards.publish();
  const auto cursor = boards.cursor_into(snapshot);
  EXPECT_EQ(boards.shelf.find(cursor, boards.clock.mono()), nullptr);
  boards.shelf.keep(snapshot, boards.clock.mono());
  boards.clock.advance(std::chrono::minutes{5});
  EXPECT_EQ(boards.shelf.find(cursor, boards.clock.mono()), snapshot);
  boards.clock.advance(std::chrono::milliseconds{1});
  EXPECT_EQ(boards.shelf.find(cursor, boards.clock.mono()), nullptr);
}

TEST(SnapshotShelf, DropsTheOneThatWasNotUsedForLongest) {
  Boards boards;
  std::vector<Cursor> cursors;
  for (int i = 0; i < 5; ++i) {
    const auto snapshot = boards.publish();
    boards.shelf.keep(snapshot, boards.clock.mono());
    cursors.push_back(boards.cursor_into(snapshot));
    boards.clock.advance(std::chrono::seconds{1});
    ASSERT_NE(boards.shelf.find(cursors.front(), boards.clock.mono()), nullptr);
    boards.clock.advance(std::chrono::seconds{1});
  }
  EXPECT_EQ(boards.shelf.find(cursors[1], boards.clock.mono()), nullptr);
  EXPECT_NE(boards.shelf.find(cursors[4], boards.clock.mono()), nullptr);
}

TEST(SnapshotShelf, SharesASnapshotAmongFirstPages) {
  Boards boards;
  const auto first = boards.publish();
  boards.shelf.keep(first, boards.clock.mono());
  boards.clock.advance(std::chrono::seconds{10});
  const auto second = boards.publish();
  EXPECT_EQ(boards.shelf.for_first_page(second, boards.clock.mono()), first);
  boards.clock.advance(std::chrono::seconds{6});
  EXPECT_EQ(boards.shelf.for_first_page(second, boards.clock.mono()), second);
}

}  // namespace
}  // namespace ia
