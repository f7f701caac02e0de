#include "core/movers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Minute kThen{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

struct Value {
  std::uint64_t id;
  std::int64_t followers;
};

std::shared_ptr<const LeaderboardSnapshot> board_of(const std::vector<Value>& values) {
  Leaderboard leaderboard;
  for (const auto& value : values) {
    leaderboard.apply(id(value.id), {value.followers, 1}, kThen + minutes{60});
  }
  return leaderboard.publish(kThen + minutes{61});
}

MoversBase base_of(const LeaderboardSnapshot& board, const std::vector<Value>& values) {
  MoversBase base(kThen);
  for (const auto& value : values) {
    const auto influencer = id(value.id);
    base.add(board, std::span(&influencer, 1), std::span(&value.followers, 1));
  }
  return base;
}

std::vector<std::uint64_t> ids_of(const std::vector<Mover>& movers) {
  std::vector<std::uint64_t> ids;
  for (const auto& mover : movers) ids.push_back(number_of(mover.influencer));
  return ids;
}

TEST(Movers, RanksRisersAndFallersByTheSizeOfTheirChange) {
  const auto board = board_of({{1, 150}, {2, 50}, {3, 100}, {4, 300}, {5, 10}});
  const auto base = base_of(*board, {{1, 100}, {2, 100}, {3, 100}, {4, 100}, {5, 100}});
  const auto movers = find_movers(*board, base, {.kept = 10, .percent_base_min = 1});
  EXPECT_EQ(movers.since, kThen);
  EXPECT_EQ(movers.as_of, kThen + minutes{60});
  EXPECT_THAT(movers.absolute.up, ElementsAre(Mover{id(4), 100, 300}, Mover{id(1), 100, 150}));
  EXPECT_THAT(movers.absolute.down, ElementsAre(Mover{id(5), 100, 10}, Mover{id(2), 100, 50}));
}

TEST(Movers, RanksByPercentOnlyThoseWhoHadFollowersEnough) {
  const auto board = board_of({{1, 20}, {2, 1'100}, {3, 10'500}, {4, 400}, {5, 900}});
  const auto base = base_of(*board, {{1, 1}, {2, 1'000}, {3, 10'000}, {4, 800}, {5, 1'000}});
  const auto movers = find_movers(*board, base, {.percent_base_min = 1'000});
  EXPECT_THAT(ids_of(movers.percent.up), ElementsAre(2, 3));
  EXPECT_THAT(ids_of(movers.percent.down), ElementsAre(5));
  EXPECT_DOUBLE_EQ(movers.percent.up[0].percent(), 10);
  EXPECT_DOUBLE_EQ(movers.percent.down[0].percent(), -10);
  EXPECT_THAT(ids_of(movers.absolute.up), ElementsAre(3, 2, 1));
}

TEST(Movers, NeverDividesByNoFollowers) {
  const auto board = board_of({{1, 20}});
  const auto movers = find_movers(*board, base_of(*board, {{1, 0}}), {.percent_base_min = 0});
  EXPECT_THAT(movers.percent.up, IsEmpty());
  EXPECT_THAT(ids_of(movers.absolute.up), ElementsAre(1));
}

TEST(Movers, ComparesOnlyWhoHasAValueInBoth) {
  const auto board = board_of({{1, 150}, {3, 100}});
  const auto base = base_of(*board, {{1, 100}, {2, 100}});
  const auto movers = find_movers(*board, base, {});
  EXPECT_EQ(movers.compared, 1u);
  EXPECT_THAT(ids_of(movers.absolute.up), ElementsAre(1));
}

TEST(Movers, KeepsTheFirstValueThatABaseWasGiven) {
  const auto board = board_of({{1, 150}});
  const auto movers = find_movers(*board, base_of(*board, {{1, 100}, {1, 140}}), {});
  EXPECT_THAT(movers.absolute.up, ElementsAre(Mover{id(1), 100, 150}));
}

TEST(Movers, PutsEqualChangesInOrderOfTheirIds) {
  const auto board = board_of({{9, 11}, {2, 11}, {5, 11}});
  const auto base = base_of(*board, {{9, 1}, {2, 1}, {5, 1}});
  EXPECT_THAT(ids_of(find_movers(*board, base, {.kept = 2}).absolute.up), ElementsAre(2, 5));
}

TEST(Movers, SumsUpWhatEverybodyWonAndLost) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<Value> before;
  std::vector<Value> now;
  for (std::uint64_t i = 0; i < 500; ++i) {
    before.push_back({i, static_cast<std::int64_t>(random() % 20)});
    now.push_back({i, static_cast<std::int64_t>(random() % 20)});
  }
  const auto board = board_of(now);
  const auto movers = find_movers(*board, base_of(*board, before), {.kept = 50});
  const auto total = [](const std::vector<Value>& values) {
    return std::accumulate(values.begin(), values.end(), std::int64_t{0},
                           [](auto sum, const Value& value) { return sum + value.followers; });
  };
  EXPECT_EQ(movers.compared, 500u);
  EXPECT_EQ(movers.ups + movers.downs, total(now) - total(before));
  EXPECT_GT(movers.ups, 0);
  EXPECT_LT(movers.downs, 0);
  EXPECT_LE(movers.risen + movers.fallen, 500u);
  // Nobody who is left out has a stronger change than the weakest of those shown.
  ASSERT_EQ(movers.absolute.up.size(), 50u);
  const auto weakest = movers.absolute.up.back().change();
  std::size_t stronger = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    stronger += now[i].followers - before[i].followers > weakest;
  }
  EXPECT_LT(stronger, 50u);
}

TEST(Movers, FindsNothingWhereNothingWasStored) {
  const auto board = board_of({});
  const auto movers = find_movers(*board, MoversBase(kThen), {});
  EXPECT_EQ(movers.compared, 0u);
  EXPECT_THAT(movers.absolute.up, IsEmpty());
}

}  // namespace
}  // namespace ia
