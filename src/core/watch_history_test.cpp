#include "core/watch_history.h"

#include <gtest/gtest.h>

#include "core/schedule.h"

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Minute kNoon{minutes{29'000'160}};

InfluencerSet set_of(std::string_view text) { return InfluencerSet::parse(text).value(); }

WatchHistory followed(const WatchHistory& history, std::string_view before, std::string_view after,
                      WallTime now) {
  return history.followed_by(set_of(before), set_of(after), now);
}

TEST(WatchHistory, BeginsWithTheFirstWholeMinute) {
  const WatchHistory history(kNoon);
  EXPECT_EQ(history.since(InfluencerId{7}), kNoon);
  EXPECT_EQ(history.all_since(), kNoon);
  EXPECT_EQ(WatchHistory{}.since(InfluencerId{7}), Minute{});
  const auto grown = followed(history, "1-10", "1-20", kNoon + minutes{5} + seconds{1});
  EXPECT_EQ(grown.since(InfluencerId{10}), kNoon);
  EXPECT_EQ(grown.since(InfluencerId{11}), kNoon + minutes{6});
  EXPECT_EQ(grown.all_since(), kNoon + minutes{6});
}

TEST(WatchHistory, ForgetsThoseThatAreTakenAwayUntilTheyComeAgain) {
  auto history = followed(WatchHistory(kNoon), "1-10", "1-20", kNoon + minutes{10});
  history = followed(history, "1-20", "1-5", kNoon + minutes{20});
  EXPECT_TRUE(history.newcomers().empty());
  history = followed(history, "1-5", "1-12", kNoon + minutes{30});
  EXPECT_EQ(history.since(InfluencerId{12}), kNoon + minutes{30});
  EXPECT_EQ(history.since(InfluencerId{5}), kNoon);
}

// A clock that was ahead at a seeding must not make minutes expect nothing for long.
TEST(WatchHistory, BeginsNoLaterThanTheNextSeeding) {
  auto history = followed(WatchHistory(kNoon + minutes{90'000}), "1-10", "1-20",
                          kNoon + minutes{80'000});
  history = followed(history, "1-20", "1-20", kNoon);
  EXPECT_EQ(history.all_since(), kNoon);
  EXPECT_EQ(history.since(InfluencerId{20}), kNoon);
}

TEST(WatchHistory, IsTheSameAsText) {
  auto history = followed(WatchHistory(kNoon), "1-10", "1-20,9223372036854775807", kNoon);
  history = followed(history, "1-20,9223372036854775807", "0-30,9223372036854775807",
                     kNoon + minutes{3});
  EXPECT_EQ(history.to_string(), "29000160;29000160:11-20,9223372036854775807;29000163:0,21-30");
  EXPECT_EQ(WatchHistory::parse(history.to_string()).value(), history);
  EXPECT_EQ(WatchHistory::parse("").value(), WatchHistory{});
  for (const auto* wrong : {"x", "-1", "1;", "1;2", "1;2:x", "1:2", "99999999999999999999",
                            "1;;2:3", "1099511627777", " 1", "1;2:5;"}) {
    const auto parsed = WatchHistory::parse(wrong);
    EXPECT_TRUE(!parsed || parsed->to_string() != wrong) << wrong;
  }
  EXPECT_FALSE(WatchHistory::parse("x"));
  EXPECT_FALSE(WatchHistory::parse("1;x:5"));
}

TEST(WatchHistory, KeepsTheNewestChangesOnly) {
  WatchHistory history(kNoon);
  std::string before = "1";
  for (int i = 2; i < 300; ++i) {
    const auto after = before + "," + std::to_string(10 * i);
    history = followed(history, before, after, kNoon + minutes{i});
    before = after;
  }
  EXPECT_EQ(history.newcomers().size(), WatchHistory::kChangesMax);
  EXPECT_EQ(history.since(InfluencerId{2'990}), kNoon + minutes{299});
}

TEST(Registry, ExpectsNothingOfThoseThatAreNotWatchedYet) {
  Registry registry{.epoch = 2, .influencers = set_of("1-3000"), .watched = WatchHistory(kNoon)};
  registry.watched = followed(registry.watched, "1-2500", "1-3000", kNoon + minutes{4});
  EXPECT_EQ(registry.due_in(kNoon - minutes{1}), 0u);
  EXPECT_EQ(registry.due_in(kNoon), 2'500u);
  EXPECT_EQ(registry.due_in(kNoon + minutes{4}), 3'000u);
}

// The counts are those of asking everybody.
TEST(Registry, CountsWhoIsDueAsAskingEachOfThemDoes) {
  for (const int interval : {1, 2, 3, 7}) {
    Registry registry{.epoch = 1,
                      .schedule = {.interval = minutes{interval}},
                      .shard_size = 10,
                      .influencers = set_of("5,7,100-160,1000-1033"),
                      .watched = WatchHistory(kNoon)};
    registry.watched = followed(registry.watched, "5,100-133", "5,7,100-160,1000-1033",
                                kNoon + minutes{9});
    for (int at = -3; at < 20; ++at) {
      const auto minute = kNoon + minutes{at};
      std::uint64_t due = 0;
      for (const auto id : registry.influencers.ids()) {
        due += registry.is_due(id, minute) && minute >= registry.watched.since(id);
      }
      EXPECT_EQ(registry.due_in(minute), due) << interval << " " << at;
    }
  }
}

}  // namespace
}  // namespace ia
