#include "pipeline/movers_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_store.h"

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsNull;
using ::testing::NotNull;

const Minute kStart = minute_of(ManualClock::kStart);

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

MinuteStats row(Minute minute, std::uint64_t stored) {
  MinuteStats stats;
  stats.minute = minute;
  stats.stored = stored;
  return stats;
}

TEST(ChooseBase, TakesTheNewestOfTheBestMinutesBeforeTheWindow) {
  const std::vector rows{row(kStart, 9), row(kStart + minutes{1}, 10), row(kStart + minutes{2}, 10),
                         row(kStart + minutes{3}, 4), row(kStart + minutes{5}, 99)};
  EXPECT_EQ(choose_base(rows, kStart + minutes{3}), kStart + minutes{2});
}

TEST(ChooseBase, LooksNoFurtherBackThanTenMinutes) {
  const std::vector rows{row(kStart, 100), row(kStart + minutes{1}, 1)};
  EXPECT_EQ(choose_base(rows, kStart + minutes{11}), kStart + minutes{1});
  EXPECT_EQ(choose_base(rows, kStart + minutes{12}), std::nullopt);
}

TEST(ChooseBase, TakesTheBestOfTheOldestMinutesWhereTheHistoryIsShort) {
  const std::vector rows{row(kStart, 0), row(kStart + minutes{1}, 4), row(kStart + minutes{2}, 10),
                         row(kStart + minutes{3}, 10), row(kStart + minutes{12}, 11)};
  EXPECT_EQ(choose_base(rows, kStart - days{1}), kStart + minutes{2});
  EXPECT_EQ(choose_base({}, kStart), std::nullopt);
}

class MoversFeedTest : public ::testing::Test {
 protected:
  // Stores the value, shows it to the leaderboard, and lets the minute pass.
  void live(std::vector<std::pair<std::uint64_t, std::int64_t>> values, minutes then = minutes{1}) {
    PointBatch batch{.minute = minute_of(clock_.wall()),
                     .retrieved_at = clock_.wall(),
                     .influencers = {},
                     .followers = {},
                     .following = {},
                     .misses = {},
                     .usernames = {}};
    for (const auto& [number, followers] : values) {
      batch.influencers.push_back(id(number));
      batch.followers.push_back(followers);
      batch.following.push_back(1);
    }
    ASSERT_TRUE(store_.append(std::span(&batch, 1)));
    leaderboard_.apply(batch);
    board_ = leaderboard_.publish(clock_.wall());
    clock_.advance(then);
  }

  std::int64_t change_of(std::size_t window) {
    const auto movers = feed_.snapshot()[window];
    if (!movers || movers->absolute.up.empty()) return 0;
    return movers->absolute.up[0].change();
  }

  ManualClock clock_;
  Metrics metrics_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  MemoryStore store_;
  Leaderboard leaderboard_;
  std::shared_ptr<const LeaderboardSnapshot> board_ = leaderboard_.publish(clock_.wall());
  MoversFeed feed_{MoversOptions{}, store_, [this] { return board_; }, clock_, metrics_, log_};
};

TEST_F(MoversFeedTest, HasNothingToShowBeforeTheFirstMinuteHasPassed) {
  feed_.step();
  EXPECT_THAT(feed_.snapshot(), ElementsAre(IsNull(), IsNull(), IsNull()));
  live({{1, 1'000}}, minutes{0});
  feed_.step();
  EXPECT_THAT(feed_.snapshot(), ElementsAre(IsNull(), IsNull(), IsNull()));
}

TEST_F(MoversFeedTest, MeasuresFromTheOldestMinuteWhileTheHistoryIsShort) {
  live({{1, 1'000}});
  live({{1, 1'500}});
  feed_.step();
  for (const auto& movers : feed_.snapshot()) {
    ASSERT_THAT(movers, NotNull());
    EXPECT_EQ(movers->since, kStart);
    EXPECT_EQ(movers->absolute.up[0].change(), 500);
  }
}

TEST_F(MoversFeedTest, SaysThatValuesOfItsBaseAreDamaged) {
  live({{1, 1'000}, {2, 1'000}}, hours{23});
  live({{1, 1'500}, {2, 1'500}}, hours{1});
  live({{1, 1'600}, {2, 1'600}}, minutes{0});
  store_.damage(id(2), {kStart, kStart + minutes{1}});
  feed_.step();
  EXPECT_FALSE(feed_.snapshot()[0]->is_damaged);
  EXPECT_TRUE(feed_.snapshot()[1]->is_damaged);
  EXPECT_EQ(feed_.snapshot()[1]->compared, 1u);
}

TEST_F(MoversFeedTest, MeasuresEachWindowFromItsOwnBegin) {
  live({{1, 1'000}}, days{6});
  live({{1, 5'000}}, hours{23});
  live({{1, 5'500}}, hours{1});
  live({{1, 5'510}}, minutes{0});
  feed_.step();
  const auto snapshot = feed_.snapshot();
  EXPECT_EQ(snapshot[0]->since, kStart + days{6} + hours{23});
  EXPECT_EQ(snapshot[1]->since, kStart + days{6});
  EXPECT_EQ(snapshot[2]->since, kStart);
  EXPECT_EQ(change_of(0), 10);
  EXPECT_EQ(change_of(1), 510);
  EXPECT_EQ(change_of(2), 4'510);
}

TEST_F(MoversFeedTest, RenewsTheBaseOfAnHourAfterFiveMinutes) {
  for (int i = 0; i < 60; ++i) live({{1, 1'000 + i}});
  feed_.step();
  EXPECT_EQ(feed_.snapshot()[0]->since, kStart);
  for (int i = 60; i < 64; ++i) live({{1, 1'000 + i}});
  feed_.step();
  EXPECT_EQ(feed_.snapshot()[0]->since, kStart);
  EXPECT_EQ(change_of(0), 63);
  live({{1, 1'064}});
  feed_.step();
  EXPECT_EQ(feed_.snapshot()[0]->since, kStart + minutes{5});
  EXPECT_EQ(change_of(0), 59);
  EXPECT_EQ(feed_.snapshot()[1]->since, kStart);
}

TEST_F(MoversFeedTest, MakesListsOnceAMinute) {
  live({{1, 1'000}});
  live({{1, 1'100}}, minutes{0});
  feed_.step();
  EXPECT_EQ(change_of(0), 100);
  clock_.advance(seconds{59});
  leaderboard_.apply(id(1), {1'300, 1}, clock_.wall());
  board_ = leaderboard_.publish(clock_.wall());
  feed_.step();
  EXPECT_EQ(change_of(0), 100);
  clock_.advance(seconds{1});
  feed_.step();
  EXPECT_EQ(change_of(0), 300);
}

// Of influencers that are due every third minute only a third is in each.
TEST_F(MoversFeedTest, PutsABaseTogetherOfTheMinutesOfAnInterval) {
  Registry registry{.epoch = 1, .schedule = {}, .influencers = {}};
  registry.schedule.interval = minutes{3};
  ASSERT_TRUE(store_.put_registry(registry));
  for (std::uint64_t i = 0; i < 66; ++i) {
    live({{i % 3, 1'000 + static_cast<std::int64_t>(i)}});
  }
  feed_.step();
  const auto movers = feed_.snapshot()[0];
  EXPECT_EQ(movers->since, kStart + minutes{6});
  EXPECT_EQ(movers->compared, 3u);
  EXPECT_EQ(movers->ups, (63 - 6) + (64 - 4) + (65 - 5));
}

TEST_F(MoversFeedTest, KeepsWhatItHasWhileTheStoreIsDownAndSaysSoOnce) {
  live({{1, 1'000}});
  live({{1, 1'100}});
  feed_.step();
  store_.set_down(true);
  clock_.advance(days{2});
  feed_.step();
  feed_.step();
  EXPECT_EQ(change_of(0), 100);
  EXPECT_EQ(lines_.size(), 1u);
  store_.set_down(false);
  feed_.step();
  EXPECT_EQ(lines_.size(), 2u);
}

TEST_F(MoversFeedTest, DoesNothingOnceItWasAbandoned) {
  live({{1, 1'000}});
  feed_.abandon();
  feed_.step();
  EXPECT_THAT(feed_.snapshot(), ElementsAre(IsNull(), IsNull(), IsNull()));
}

}  // namespace
}  // namespace ia
