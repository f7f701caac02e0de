#include "core/jump_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::DoubleNear;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Minute kBegin = std::chrono::sys_days{std::chrono::year{2026} / 3 / 2};

// Influencers 1 to `count`, with values minute after minute.
struct Watched {
  explicit Watched(std::uint64_t count, SignalThresholds thresholds = {}) : watch(thresholds) {
    for (std::uint64_t id = 1; id <= count; ++id) {
      roster.add(InfluencerId{id});
      followers.push_back(10'000);
    }
  }
  // Everybody's next minute: gained[i] of influencer i + 1.
  void pass(const std::vector<std::int64_t>& gained) {
    PointBatch batch;
    batch.minute = now;
    for (std::size_t i = 0; i < gained.size(); ++i) {
      batch.influencers.push_back(roster.at(static_cast<std::uint32_t>(i)));
      batch.followers.push_back(followers[i] += gained[i]);
      batch.following.push_back(0);
    }
    watch.apply(batch, roster);
    now += minutes{1};
  }
  // A number of minutes in which each gains and loses 10 in turn.
  void pass_usual(int count) {
    for (int i = 0; i < count; ++i) {
      const auto change = now.time_since_epoch().count() % 2 == 0 ? 10 : -10;
      pass(std::vector<std::int64_t>(followers.size(), change));
    }
  }

  JumpWatch watch;
  Roster roster;
  std::vector<std::int64_t> followers;
  Minute now = kBegin;
};

TEST(JumpWatch, KeepsWhatIsBeyondTheUsual) {
  Watched all(2);
  all.pass_usual(100);
  all.pass({10, 1'000});
  all.pass_usual(5);
  const auto jumps = all.watch.publish();

  ASSERT_THAT(*jumps, SizeIs(1));
  const auto& jump = (*jumps)[0];
  EXPECT_EQ(jump.influencer, InfluencerId{2});
  EXPECT_EQ(jump.begin, kBegin + minutes{99});
  EXPECT_EQ(jump.end, kBegin + minutes{100});
  EXPECT_EQ(jump.size, 1'000);
  EXPECT_EQ(jump.followers, 11'000);
  EXPECT_THAT(jump.score, DoubleNear(79.8, 0.1));  // 1,000 over a mean change of 10 / 0.798
}

TEST(JumpWatch, SaysNothingOfWhomItHardlyKnows) {
  for (const auto& [values, jumps] : {std::pair{30, 0}, std::pair{31, 1}}) {
    Watched one(1);
    one.pass_usual(values);  // one change less
    one.pass({50'000});
    EXPECT_THAT(*one.watch.publish(), SizeIs(jumps)) << values;
  }
}

TEST(JumpWatch, CountsFromTheThresholdsOn) {
  for (const auto& [gained, jumps] : {std::pair{100, 0}, std::pair{101, 1}, std::pair{-101, 1}}) {
    Watched one(1);  // spread 12.53: 8 times it are 100.3
    one.pass_usual(100);
    one.pass({gained});
    EXPECT_THAT(*one.watch.publish(), SizeIs(jumps)) << gained;
  }
  Watched least(1, {.jump_least = 102});
  least.pass_usual(100);
  least.pass({101});
  EXPECT_THAT(*least.watch.publish(), IsEmpty());
}

TEST(JumpWatch, KnowsValuesFromBeforeItsStart) {
  Watched one(1);
  one.pass_usual(1);
  JumpWatch restarted({});
  restarted.start_from(0, one.followers[0], kBegin);
  one.watch = std::move(restarted);
  one.pass_usual(30);  // with the first one, 30 changes
  one.pass({5'000});

  EXPECT_THAT(*one.watch.publish(), SizeIs(1));
}

TEST(JumpWatch, TakesRedeliveredAndLateBatchesForWhatTheyAre) {
  Watched one(1);
  one.pass_usual(60);
  PointBatch late{.minute = kBegin + minutes{10},
                  .retrieved_at = {},
                  .influencers = {InfluencerId{1}},
                  .followers = {900'000},
                  .following = {0},
                  .misses = {},
                  .usernames = {}};
  one.watch.apply(late, one.roster);
  late.minute = one.now - minutes{1};
  one.watch.apply(late, one.roster);
  one.pass_usual(1);

  EXPECT_THAT(*one.watch.publish(), IsEmpty());
}

TEST(JumpWatch, JudgesAChangeOverAGapByTheMinute) {
  Watched one(1);
  one.pass_usual(100);
  one.now += minutes{9};
  one.pass({2'000});
  const auto jumps = one.watch.publish();

  ASSERT_THAT(*jumps, SizeIs(1));
  EXPECT_EQ((*jumps)[0].end - (*jumps)[0].begin, minutes{10});
  EXPECT_THAT((*jumps)[0].score, DoubleNear(15.96, 0.02));
}

TEST(JumpWatch, TakesJumpsInARowForOne) {
  Watched one(1);
  one.pass_usual(100);
  one.pass({1'000});
  one.pass({3'000});
  one.pass_usual(2);
  one.pass({2'000});
  one.pass({-2'000});
  const auto jumps = one.watch.publish();

  ASSERT_THAT(*jumps, SizeIs(2));
  EXPECT_EQ((*jumps)[0].size, -2'000);
  EXPECT_EQ((*jumps)[1].size, 6'000);
  EXPECT_EQ((*jumps)[1].begin, kBegin + minutes{99});
  EXPECT_EQ((*jumps)[1].end, kBegin + minutes{104});
}

TEST(JumpWatch, KeepsTheLargestOfADayAndNoMore) {
  Watched all(3'000);
  all.pass_usual(40);
  std::vector<std::int64_t> gained(3'000);
  for (std::size_t i = 0; i < gained.size(); ++i) {
    gained[i] = 1'000 + static_cast<std::int64_t>(i * 7'919 % 3'000);
  }
  all.pass(gained);
  const auto jumps = all.watch.publish();

  ASSERT_THAT(*jumps, SizeIs(JumpWatch::kKeptMax));
  EXPECT_EQ(std::ranges::min_element(*jumps, {}, &JumpCandidate::size)->size, 3'000);
  all.pass_usual(24 * 60);
  EXPECT_EQ(all.watch.publish(), jumps);
  all.pass_usual(1);
  EXPECT_THAT(*all.watch.publish(), IsEmpty());
}

TEST(JumpWatch, ListsTheNewestFirst) {
  std::mt19937_64 random(3);
  Watched all(50);
  all.pass_usual(40);
  for (int i = 0; i < 500; ++i) {
    std::vector<std::int64_t> gained(50);
    for (auto& gain : gained) gain = random() % 100 == 0 ? 100'000 : 10;
    all.pass(gained);
    const auto jumps = all.watch.publish();
    EXPECT_TRUE(std::ranges::is_sorted(*jumps, std::ranges::greater{}, &JumpCandidate::end));
  }
  EXPECT_GT(all.watch.publish()->size(), 100u);
}

// Mockstagram's noise of a thousand influencers for ten hours.
TEST(JumpWatch, TakesTheNetworksOwnNoiseForUsual) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal;
  Watched all(1'000);
  for (auto minute = kBegin; minute < kBegin + hours{10}; minute += minutes{1}) {
    std::vector<std::int64_t> gained(1'000);
    for (std::size_t i = 0; i < gained.size(); ++i) {
      const auto next = std::llround(static_cast<double>(all.followers[i]) + 1e4 * normal(random));
      gained[i] = std::max(5'000LL, next) - all.followers[i];
    }
    all.pass(gained);
  }
  EXPECT_THAT(*all.watch.publish(), IsEmpty());
}

}  // namespace
}  // namespace ia
