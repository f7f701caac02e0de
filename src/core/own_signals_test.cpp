#include "core/own_signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Minute kBegin = std::chrono::sys_days{std::chrono::year{2026} / 3 / 2};
constexpr MinuteRange kAll{Minute{}, kBegin + days{1'000}};

// A series that tests bend: one value a minute from kBegin on.
struct Account {
  std::vector<Minute> minutes;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;

  // Gains 10 a minute, give or take up to 4: the MAD of its increments is 2.
  static Account steady(std::chrono::minutes length) {
    Account account;
    std::int64_t count = 100'000;
    for (std::int64_t i = 0; i < length.count(); ++i) {
      account.minutes.push_back(kBegin + std::chrono::minutes{i});
      account.followers.push_back(count += 6 + (i * 7) % 9);
      account.following.push_back(500);
    }
    return account;
  }
  static std::size_t index(Minute minute) {
    return static_cast<std::size_t>((minute - kBegin).count());
  }
  // From `minute` on. Before anything is dropped.
  void add(Minute minute, std::int64_t count) {
    for (auto i = index(minute); i < followers.size(); ++i) followers[i] += count;
  }
  void drop(Minute first, Minute end) {
    for (auto minute = first; minute < end; minute += std::chrono::minutes{1}) {
      const auto found = std::ranges::lower_bound(minutes, minute);
      if (found == minutes.end() || *found != minute) continue;
      const auto at = found - minutes.begin();
      minutes.erase(found);
      followers.erase(followers.begin() + at);
      following.erase(following.begin() + at);
    }
  }
  std::vector<SignalFinding> find(const SignalThresholds& thresholds = {},
                                  MinuteRange reported = kAll) const {
    return find_own_signals({minutes, followers, following}, reported, thresholds).findings;
  }
};

constexpr Minute at(int day, int hour, int minute) {
  return kBegin + days{day} + hours{hour} + minutes{minute};
}

auto kind_is(SignalKind kind) { return Field(&SignalFinding::kind, kind); }

TEST(UsualChange, IsTheMedianAndTheScaledMedianDeviation) {
  std::vector<double> increments = {4, 1, 100, 3, 2};
  const auto usual = usual_change(increments);

  EXPECT_EQ(usual.median, 3);
  EXPECT_THAT(usual.spread, DoubleNear(1.4826, 1e-4));  // MAD 1
  EXPECT_EQ(usual.changes, 5u);
}

TEST(UsualChange, TakesTheMeanDeviationWhenMoreThanHalfAreTheSame) {
  std::vector<double> increments = {0, 0, 0, 0, 0, 0, 0, 0, 0, 50};

  EXPECT_THAT(usual_change(increments).spread, DoubleNear(6.26657, 1e-5));  // 1.253314 x 5
}

TEST(UsualChange, IsNeverFinerThanOneFollower) {
  std::vector<double> increments(40, 7.0);
  std::vector<double> none;

  EXPECT_EQ(usual_change(increments).median, 7);
  EXPECT_EQ(usual_change(increments).spread, 1);
  EXPECT_EQ(usual_change(none).spread, 1);
}

TEST(OwnSignals, FindNothingInASteadyAccount) {
  EXPECT_THAT(Account::steady(days{3}).find(), IsEmpty());
  EXPECT_THAT(Account{}.find(), IsEmpty());
  EXPECT_THAT(Account::steady(minutes{1}).find(), IsEmpty());
}

TEST(OwnSignals, SayWhenFollowersCameAtOnceAndStayed) {
  auto account = Account::steady(days{3});
  account.add(at(2, 12, 31), 48'200);
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kStep)));
  EXPECT_EQ(found[0].begin, at(2, 12, 30));
  EXPECT_EQ(found[0].end, at(2, 12, 31));
  EXPECT_EQ(found[0].size, 48'207);
  // 48,197 over the median; the MAD of 6 to 14 is 2, the spread 2.965.
  EXPECT_THAT(found[0].score, DoubleNear(16'254, 1));
  EXPECT_EQ(found[0].evidence,
            "+48,207 followers in one minute at 2026-03-04 12:31 UTC: 16,254 x its usual change, "
            "and the level stayed");
}

TEST(OwnSignals, SayWhenTheNetworkTookFollowersAway) {
  auto account = Account::steady(days{2});
  account.add(at(1, 0, 10), -3'000);
  account.add(at(1, 0, 12), -3'000);
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kStep)));
  EXPECT_EQ(found[0].begin, at(1, 0, 9));
  EXPECT_EQ(found[0].end, at(1, 0, 12));
  EXPECT_LT(found[0].size, -5'900);
  EXPECT_GT(found[0].score, 8);
  EXPECT_THAT(found[0].evidence,
              ::testing::MatchesRegex("-5,9.. followers in 3 minutes up to 2026-03-03 00:12 UTC: "
                                      "up to 1,0.. x its usual change, and the level stayed"));
}

TEST(OwnSignals, SayWhenTheLevelWentBack) {
  auto account = Account::steady(days{2});
  account.add(at(1, 5, 0), 5'000);
  account.add(at(1, 5, 20), -5'000);
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kJump), kind_is(SignalKind::kJump)));
  EXPECT_THAT(found[0].evidence, ::testing::EndsWith("the level went back within 60 minutes"));
}

TEST(OwnSignals, DoNotCountOrdinaryGrowthAsStaying) {
  auto account = Account::steady(days{2});
  account.add(at(1, 5, 0), 400);
  account.add(at(1, 5, 10), -400);  // within two hours the account gains 1,200 anyway

  EXPECT_THAT(account.find(), ElementsAre(kind_is(SignalKind::kJump), kind_is(SignalKind::kJump)));
}

TEST(OwnSignals, SayWhenItIsTooEarlyToKnowWhetherTheLevelStays) {
  auto account = Account::steady(days{1} + minutes{60});
  account.add(at(1, 0, 0), 5'000);
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kJump)));
  EXPECT_THAT(found[0].evidence,
              ::testing::EndsWith("; it is too early to say whether the level stays"));
  SignalThresholds shorter;
  shorter.step_hold = minutes{59};
  EXPECT_THAT(account.find(shorter), ElementsAre(kind_is(SignalKind::kStep)));
}

TEST(OwnSignals, TakeAPostThatSpreadsForASurge) {
  auto account = Account::steady(days{2});
  for (int i = 0; i < 300; ++i) {
    account.add(at(1, 3, 0) + minutes{i}, static_cast<std::int64_t>(900 * std::pow(0.98, i)));
  }
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kSurge)));
  EXPECT_EQ(found[0].begin, at(1, 2, 59));
  EXPECT_GT(found[0].end, at(1, 5, 0));
  EXPECT_GT(found[0].size, 40'000);
}

TEST(OwnSignals, TellADeliveryAtAnEvenPaceFromIt) {
  auto account = Account::steady(days{2});
  for (int i = 0; i < 240; ++i) account.add(at(1, 3, 0) + minutes{i}, 40);
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kDrip)));
  EXPECT_EQ(found[0].begin, at(1, 2, 59));
  EXPECT_EQ(found[0].end, at(1, 6, 59));
  EXPECT_EQ(found[0].size, 12'000);  // 240 x 50
  EXPECT_EQ(found[0].evidence,
            "+12,000 followers in 4 h up to 2026-03-03 06:59 UTC: up to 15 x its usual change, at "
            "an even pace, as when followers are delivered");
}

// The usual spread is 2.965, so 8 times it are 23.7 a minute.
TEST(OwnSignals, JudgeALongRunByItsMean) {
  for (const auto& [per_minute, findings] : {std::pair{23, 0}, std::pair{25, 1}}) {
    auto account = Account::steady(days{2});
    for (int i = 0; i < 180; ++i) account.add(at(1, 3, 0) + minutes{i}, per_minute);

    EXPECT_THAT(account.find(), SizeIs(findings)) << per_minute;
  }
}

TEST(OwnSignals, CountFromTheThresholdsOn) {
  auto account = Account::steady(days{2});
  account.add(at(1, 8, 0), 99);  // 109 or so in that minute
  SignalThresholds thresholds;
  const auto score = account.find(thresholds).at(0).score;
  const auto size = account.find(thresholds).at(0).size;

  thresholds.jump_z = score + 0.01;
  EXPECT_THAT(account.find(thresholds), IsEmpty());
  thresholds.jump_z = score - 0.01;
  EXPECT_THAT(account.find(thresholds), SizeIs(1));
  thresholds.jump_least = size + 1;
  EXPECT_THAT(account.find(thresholds), IsEmpty());
  thresholds.jump_least = size;
  EXPECT_THAT(account.find(thresholds), SizeIs(1));
}

TEST(OwnSignals, JudgeAChangeOverAGapByTheMinute) {
  auto account = Account::steady(days{2});
  account.add(at(1, 8, 0), 1'000);
  const auto without_gap = account.find().at(0).score;
  account.drop(at(1, 7, 55), at(1, 8, 4));
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kStep)));
  EXPECT_EQ(found[0].begin, at(1, 7, 54));
  EXPECT_EQ(found[0].end, at(1, 8, 4));
  EXPECT_THAT(found[0].score, DoubleNear(without_gap / 10, 1));
  EXPECT_THAT(found[0].evidence, ::testing::HasSubstr("in 10 minutes up to 2026-03-03 08:04 UTC"));
}

TEST(OwnSignals, JudgeNothingByAHandfulOfValues) {
  for (const auto& [values, findings] : {std::pair{30, 0}, std::pair{31, 1}}) {
    auto account = Account::steady(minutes{values});
    account.add(kBegin + minutes{20}, 50'000);

    EXPECT_THAT(account.find(), SizeIs(findings)) << values;
  }
}

TEST(OwnSignals, GiveAJumpTheSameScoreWhateverRangeIsAskedFor) {
  auto account = Account::steady(days{6});
  account.add(at(4, 9, 0), 700);
  account.add(at(4, 10, 0), 10'000);
  account.add(at(5, 10, 0), 90'000);
  const auto all = account.find();
  ASSERT_THAT(all, SizeIs(3));

  const MinuteRange asked{at(4, 9, 30), at(4, 10, 30)};
  const auto needed = range_to_judge(asked, {});
  EXPECT_EQ(needed.end, at(4, 11, 30));
  account.drop(kBegin, needed.begin);
  account.drop(needed.end, at(9, 0, 0));
  const auto some = account.find({}, asked);

  ASSERT_THAT(some, SizeIs(1));
  EXPECT_EQ(some[0].score, all[1].score);
  EXPECT_EQ(some[0].kind, all[1].kind);
  EXPECT_EQ(some[0].evidence, all[1].evidence);
}

// What Mockstagram does: everything there is noise of 10,000 a minute.
Account random_walk(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  auto account = Account::steady(days{3});
  double followers = 100'000;
  double following = 1'000;
  for (std::size_t i = 0; i < account.minutes.size(); ++i) {
    followers = std::max(5'000.0, followers + 10'000 * normal(random));
    following = std::max(50.0, following + 100 * normal(random));
    account.followers[i] = std::llround(followers);
    account.following[i] = std::llround(following);
  }
  return account;
}

TEST(OwnSignals, TakeTheNetworksOwnNoiseForUsual) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_THAT(random_walk(seed).find(), IsEmpty()) << seed;
  }
}

TEST(OwnSignals, FindWhatStandsOutOfTheNetworksNoise) {
  auto account = random_walk(3);
  account.add(at(2, 1, 0), 300'000);
  const auto found = account.find();

  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].end, at(2, 1, 0));
  EXPECT_THAT(found[0].score, DoubleNear(30, 6));
}

// A fall is a rise seen in a mirror, and the number that an account starts from does not matter.
TEST(OwnSignals, DependOnChangesAloneAndOnBothDirectionsAlike) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 20; ++round) {
    auto account = random_walk(random());
    for (int i = 0; i < 5; ++i) {
      account.add(kBegin + minutes{random() % (3 * 1'440)},
                  static_cast<std::int64_t>(random() % 1'000'000) - 500'000);
    }
    const auto found = account.find();
    auto mirrored = account;
    for (auto& count : mirrored.followers) count = 50'000'000 - count;
    const auto reversed = mirrored.find();

    ASSERT_EQ(found.size(), reversed.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].size, -reversed[i].size);
      EXPECT_EQ(found[i].kind, reversed[i].kind);
      EXPECT_EQ(found[i].end, reversed[i].end);
      EXPECT_DOUBLE_EQ(found[i].score, reversed[i].score);
    }
  }
}

// Follows `size` accounts from `begin` on, one a minute, and later drops them at the same pace.
void follow_and_unfollow(Account& account, Minute begin, int size) {
  for (auto i = Account::index(begin); i < account.following.size(); ++i) {
    const auto since = static_cast<std::int64_t>(i - Account::index(begin));
    account.following[i] +=
        std::clamp<std::int64_t>(since, 0, size) - std::clamp<std::int64_t>(since - size, 0, size);
  }
}

TEST(OwnSignals, SeeMassFollowAndMassUnfollowInTurn) {
  auto account = Account::steady(days{3});
  follow_and_unfollow(account, at(0, 10, 0), 300);
  follow_and_unfollow(account, at(1, 10, 0), 900);
  const auto found = account.find();

  ASSERT_THAT(found, ElementsAre(kind_is(SignalKind::kSawTooth)));
  EXPECT_EQ(found[0].begin, at(0, 10, 0));
  EXPECT_EQ(found[0].end, at(2, 16, 0));
  EXPECT_EQ(found[0].size, 600);
  EXPECT_EQ(found[0].score, 4);
  EXPECT_EQ(found[0].evidence,
            "4 runs of mass follow and mass unfollow in turn, of 300 to 900 accounts each, from "
            "2026-03-02 10:00 UTC to 2026-03-04 16:00 UTC");
}

TEST(OwnSignals, DoNotTakeOneClearingUpForASawTooth) {
  auto once = Account::steady(days{3});
  follow_and_unfollow(once, at(0, 10, 0), 300);
  auto small = Account::steady(days{3});
  for (int i = 0; i < 5; ++i) follow_and_unfollow(small, at(0, 6 * i, 0), 150);

  EXPECT_THAT(once.find(), IsEmpty());
  EXPECT_THAT(small.find(), IsEmpty());
  SignalThresholds finer;
  finer.saw_tooth_least = 150;
  EXPECT_THAT(small.find(finer), ElementsAre(Field(&SignalFinding::score, 10)));
}

TEST(OwnSignals, KnowALowRatioByItsPercentile) {
  const auto low = find_low_ratio({52'100, 10'000}, at(0, 0, 0), {6.74, 1'000'000}, {});

  ASSERT_TRUE(low.has_value());
  EXPECT_EQ(low->kind, SignalKind::kLowRatio);
  EXPECT_EQ(low->score, 6.74);
  EXPECT_EQ(low->evidence,
            "5.21 followers for each followed account (52,100 / 10,000): 6.7 % of 1,000,000 "
            "influencers have no more");
  EXPECT_TRUE(find_low_ratio({52'100, 10'000}, at(0, 0, 0), {10, 1'000'000}, {}));
  EXPECT_FALSE(find_low_ratio({52'100, 10'000}, at(0, 0, 0), {10.1, 1'000'000}, {}));
  EXPECT_FALSE(find_low_ratio({52'100, 0}, at(0, 0, 0), {0, 1'000'000}, {}));
}

}  // namespace
}  // namespace ia
