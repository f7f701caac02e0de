#pragma once

// What ports/store.h promises of wrong clocks and long gaps, of every store.

#include "store_contract.h"

namespace ia {

// The time of a wall clock that nothing confirms, `passed` after the first look.
inline UpkeepTime unconfirmed(WallTime now, minutes passed) {
  UpkeepTime time(now);
  time.mono += passed;
  time.is_confirmed = false;
  return time;
}

TEST_P(StoreContract, DeletesNothingWhenTheWallClockIsAhead) {
  append({batch_of(kNoon, {id(1)}), batch_of(kNoon + hours{2}, {id(1)})});
  maintain(kNoon + hours{3});
  const auto all = series(id(1));
  minutes passed{0};
  for (const auto ahead : {days{31}, days{14 * 365}, days{76 * 365}}) {
    for (int start = 0; start < 3; ++start) {
      for (int slice = 0; slice < 20; ++slice) {
        const auto more = store().maintain(unconfirmed(kNoon + ahead, ++passed));
        ASSERT_TRUE(more) << more.error().message;
      }
      harness_->reopen();
    }
    EXPECT_EQ(series(id(1)), all);
    // The fixture has vouched for no later time than upkeep_at_.
    EXPECT_LE(store().horizon().value(), upkeep_at_ + hours{7} - kRetention);
  }
  maintain(kNoon + hours{1} + kRetention);
  EXPECT_THAT(series(id(1)).minutes, ElementsAre(kNoon + hours{2}));
}

TEST_P(StoreContract, AppliesTheRetentionOnceTheWallClockStoodStillForADay) {
  append({batch_of(kNoon, {id(1)}), batch_of(kNoon + hours{2}, {id(1)})});
  const auto back_on = kNoon + hours{1} + kRetention;
  for (minutes passed{0}; passed < hours{24}; passed += minutes{20}) {
    const auto more = store().maintain(unconfirmed(back_on + passed, passed));
    ASSERT_TRUE(more) << more.error().message;
  }
  EXPECT_THAT(series(id(1)), SizeIs(2));
  while (store().maintain(unconfirmed(back_on + hours{24}, hours{24})).value()) {
  }
  EXPECT_EQ(store().horizon().value(), kNoon + hours{25});
  EXPECT_EQ(series(id(1)), Series{});
}

TEST_P(StoreContract, ClosesAMonthOfMinutesAtOnce) {
  ASSERT_TRUE(store().put_registry(registry_of(1, "1-10")));
  append({batch_of(kNoon, {id(1)})});
  close({kNoon, kNoon + days{31}}, MissReason::kClock);
  const auto rows = store().read_minutes({kNoon, kNoon + days{31}}).value();
  ASSERT_THAT(rows, SizeIs(31 * 24 * 60));
  for (const auto& row : rows) {
    const std::uint64_t stored = row.minute == kNoon ? 1 : 0;
    ASSERT_TRUE(row.closed);
    ASSERT_EQ(row.missed[static_cast<std::size_t>(MissReason::kClock)], 10 - stored);
  }
}

TEST_P(StoreContract, ExpectsNothingOfMinutesBeforeItsInfluencersWereWatched) {
  auto registry = registry_of(1, "1-10");
  registry.watched = WatchHistory(kNoon + minutes{1});
  ASSERT_TRUE(store().put_registry(registry));
  append({batch_of(kNoon, {id(1), id(2)}, {{id(3), MissReason::kTimeout}})});
  ASSERT_TRUE(store().close_minutes({kNoon, kNoon + minutes{1}}, MissReason::kDown));
  EXPECT_EQ(stats(kNoon).due, 3u);
  EXPECT_EQ(missed(kNoon, MissReason::kDown), 0u);
  const auto before = std::exchange(registry, registry_of(2, "1-30"));
  registry.watched = before.watched.followed_by(before.influencers, registry.influencers,
                                                kNoon + minutes{3});
  ASSERT_TRUE(store().put_registry(registry));
  harness_->reopen();
  ASSERT_TRUE(store().close_minutes({kNoon + minutes{1}, kNoon + minutes{5}}, MissReason::kDown));
  EXPECT_EQ(missed(kNoon + minutes{2}, MissReason::kDown), 10u);
  EXPECT_EQ(missed(kNoon + minutes{3}, MissReason::kDown), 30u);
}

}  // namespace ia
