// Stored bytes that are damaged are never served as truth, nor as if nothing had been there.
#include "api/series/damage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr InfluencerId kOwn{100};
constexpr InfluencerId kOther{101};

class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    world.clock.advance(minutes{10});
    world.watch({{kOwn, InfluencerId{102}}});
    first = world.now_minute() - minutes{5};
    for (int i = 0; i < 4; ++i) {
      world.add(first + minutes{i}, {{100, 500 + i, 10}, {101, 900, 5}, {102, 7, 7}});
    }
    (void)world.store.close_minutes({first, first + minutes{4}}, MissReason::kDown);
    world.store.damage(kOther, {first + minutes{1}, first + minutes{3}});
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  Reply one(std::string_view id, std::string_view rest) {
    return world.get("/api/v1/influencers/" + std::string(id) + std::string(rest));
  }
  std::string damaged(const std::string& target) { return world.get(target).header("x-damaged"); }

  TestWorld world;
  Minute first;
  const std::string range = "?start=1767225900&end=1767226140";  // from `first` on, four minutes
  const std::string both = "2026-01-01T00:06:00Z/2026-01-01T00:08:00Z";
  const std::string second = "1767225960";
};

TEST_F(Damage, IsSaidInAHeaderByEveryAnswerThatIsMadeOfASeries) {
  const std::string path = "/api/v1/influencers/101/";
  for (const auto* format : {"rows", "columns", "csv", "line"}) {
    EXPECT_EQ(damaged(path + "series" + range + "&format=" + format), both) << format;
  }
  for (const auto* what : {"gaps", "signals", "ranks"}) {
    EXPECT_EQ(damaged(path + what + range), both) << what;
  }
  EXPECT_EQ(damaged(path + "growth"), both);
  EXPECT_EQ(damaged("/influencer_analytics/101?start_time=1767225900&end_time=1767226080"), both);
  for (const auto* format : {"rows", "columns", "csv"}) {
    EXPECT_EQ(damaged("/api/v1/compare" + range + "&influencers=100,101&format=" + format), both);
  }
  EXPECT_EQ(damaged("/api/v1/influencers/100/series" + range), "");
  EXPECT_EQ(damaged("/api/v1/compare" + range + "&influencers=100,102"), "");
}

TEST_F(Damage, OfTheValuesThatMoversAreMeasuredFromIsSaid) {
  world.set_movers(0, first, {{100, 499, 1}});
  EXPECT_EQ(damaged("/api/v1/movers"), "");
  EXPECT_THAT(world.get("/api/v1/movers").body, HasSubstr(R"("damaged":false)"));
  world.set_movers(0, first, {{100, 499, 1}}, true);
  EXPECT_EQ(damaged("/api/v1/movers"), "2026-01-01T00:05:00Z/2026-01-01T00:06:00Z");
  EXPECT_THAT(world.get("/api/v1/movers").body, HasSubstr(R"("damaged":true)"));
}

TEST_F(Damage, IsSaidOfEachWindowOfGrowth) {
  EXPECT_THAT(one("101", "/growth").body, HasSubstr(R"("complete":false,"damaged":true)"));
  EXPECT_THAT(one("100", "/growth").body, Not(HasSubstr(R"("damaged":true)")));
}

TEST_F(Damage, OfTheDayBeforeTakesABadgesChangeAndIsSaid) {
  world.clock.advance(std::chrono::hours{24});
  world.add(first + minutes{24 * 60 + 2}, {{100, 600, 10}, {101, 990, 5}});
  const auto whole = one("100", "/badge.svg");
  EXPECT_THAT(whole.body, HasSubstr("+98 in 24 h"));
  EXPECT_EQ(whole.header("x-damaged"), "");
  const auto badge = one("101", "/badge.svg");
  EXPECT_THAT(badge.body, Not(HasSubstr("in 24 h")));
  EXPECT_THAT(badge.body, HasSubstr("990 followers, 24 h before: damaged, as of"));
  EXPECT_EQ(badge.header("x-damaged"), both);
}

TEST_F(Damage, BeforeTheValueThatABadgeComparesWithLeavesItsChange) {
  world.clock.advance(std::chrono::hours{24});
  world.add(first + minutes{24 * 60 + 3}, {{101, 990, 5}});
  const auto badge = one("101", "/badge.svg");
  EXPECT_THAT(badge.body, HasSubstr("+90 in 24 h"));
  EXPECT_EQ(badge.header("x-damaged"), both);
}

TEST_F(Damage, IsAWarningOfPrometheus) {
  const auto warned = [&](const char* id) {
    return world.get("/prometheus/api/v1/query_range?query=influencer_follower_count%7Bid%3D%22" +
                     std::string(id) + "%22%7D&start=1767225900&end=1767226140&step=60");
  };
  EXPECT_THAT(warned("101").body, HasSubstr("damaged and left out"));
  EXPECT_THAT(warned("100").body, HasSubstr(R"("status":"success")"));
  EXPECT_THAT(warned("100").body, Not(HasSubstr("damaged")));
}

TEST_F(Damage, IsAGapWithItsReason) {
  EXPECT_THAT(one("101", "/gaps" + range).body,
              HasSubstr(R"("items":[{"start":"2026-01-01T00:06:00.000Z",)"
                        R"("end":"2026-01-01T00:08:00.000Z","minutes":2,"reason":"damaged"}])"));
  EXPECT_THAT(one("100", "/gaps" + range).body, HasSubstr(R"("items":[])"));
}

TEST_F(Damage, OfOthersIsSaidOfARankAmongThem) {
  const auto reply = one("100", "/ranks" + range);
  EXPECT_EQ(reply.header("x-damaged"), both);
  EXPECT_THAT(reply.body,
              HasSubstr(R"({"minute":"2026-01-01T00:05:00.000Z","rank":2,"of":3,)"
                        R"("follower_count":500,"closed":true,"damaged":false},)"
                        R"({"minute":"2026-01-01T00:06:00.000Z","rank":1,"of":2,)"
                        R"("follower_count":501,"closed":true,"damaged":true})"));
}

TEST_F(Damage, IsSaidOfAPastMinutesBoardAndStandings) {
  EXPECT_EQ(damaged("/api/v1/leaderboard?at=" + second),
            "2026-01-01T00:06:00Z/2026-01-01T00:07:00Z");
  EXPECT_EQ(damaged("/api/v1/influencers/100?at=" + second),
            "2026-01-01T00:06:00Z/2026-01-01T00:07:00Z");
  EXPECT_EQ(damaged("/api/v1/leaderboard?at=1767225900"), "");
  EXPECT_EQ(damaged("/api/v1/leaderboard"), "");
}

TEST_F(Damage, IsSaidOfAMinute) {
  const auto body = world.get("/api/v1/minutes" + range).body;
  EXPECT_THAT(body, HasSubstr(R"("minute":"2026-01-01T00:06:00.000Z","due":3,"stored":3,)"));
  EXPECT_THAT(body, HasSubstr(R"("closed":true,"damaged":true,"coverage":1.0)"));
  EXPECT_THAT(body, HasSubstr(R"("closed":true,"damaged":false,"coverage":1.0)"));
}

// It says neither that nothing was due nor that all was well.
TEST_F(Damage, OfAMinutesAccountLeavesNoNumbers) {
  world.store.damage_row(first + minutes{3});
  EXPECT_THAT(world.get("/api/v1/minutes" + range).body,
              HasSubstr(R"({"minute":"2026-01-01T00:08:00.000Z","due":null,"stored":null,)"
                        R"("repeats":null,"missed":{},"missed_total":null,"open":null,)"
                        R"("closed":true,"damaged":true,"coverage":null,)"
                        R"("followers_average":null,"following_average":null,)"
                        R"("first_retrieved_at":null,"last_retrieved_at":null})"));
  EXPECT_THAT(world.get("/api/v1/summary").body,
              HasSubstr(R"("minute":{"minute":"2026-01-01T00:07:00.000Z")"))
      << "the newest one that is known";
}

TEST_F(Damage, IsNeverKeptForGood) {
  world.clock.advance(minutes{120});
  (void)world.store.close_minutes({first, world.now_minute()}, MissReason::kDown);
  const auto kept = [&](const std::string& target) {
    return world.get(target).header("cache-control");
  };
  EXPECT_THAT(kept("/api/v1/influencers/100/series" + range), HasSubstr("immutable"));
  EXPECT_THAT(kept("/api/v1/influencers/101/series" + range), Not(HasSubstr("immutable")));
  EXPECT_THAT(kept("/api/v1/compare" + range + "&influencers=100,102"), HasSubstr("immutable"));
  EXPECT_THAT(kept("/api/v1/compare" + range + "&influencers=100,101"),
              Not(HasSubstr("immutable")));
}

TEST(DamagedRanges, AreJoinedAndFitIntoAHeader) {
  const Minute start{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  HttpResponse response;
  response.clear();
  tell_damage({{start + minutes{2}, start + minutes{3}}, {start, start + minutes{2}}}, response);
  EXPECT_EQ(response.headers, "X-Damaged: 2026-01-01T00:00:00Z/2026-01-01T00:03:00Z\r\n");
  std::vector<MinuteRange> many;
  for (int i = 0; i < 2'000; ++i) {
    many.push_back({start + minutes{2 * i}, start + minutes{2 * i + 1}});
  }
  response.clear();
  tell_damage(many, response);
  EXPECT_LT(response.headers.size(), 2'500u);
  EXPECT_THAT(response.headers, HasSubstr("/2026-01-03T18:39:00Z\r\n"));
}

// What is stored so far of a minute is not all of it.
TEST_F(Damage, AMinuteThatIsStillOpenSaysSo) {
  world.add(first + minutes{4}, {{100, 505, 10}});
  EXPECT_THAT(one("100", "/ranks?start=1767225900&end=1767226200").body,
              HasSubstr(R"("rank":1,"of":1,"follower_count":505,"closed":false,"damaged":false})"));
  EXPECT_THAT(one("100", "?at=1767226140").body, HasSubstr(R"("closed":false)"));
  EXPECT_THAT(one("100", "?at=1767226080").body, HasSubstr(R"("closed":true)"));
  EXPECT_THAT(world.get("/api/v1/leaderboard?at=1767226140").body, HasSubstr(R"("closed":false)"));
  EXPECT_THAT(world.get("/api/v1/leaderboard?at=1767226080").body, HasSubstr(R"("closed":true)"));
  EXPECT_THAT(world.get("/api/v1/leaderboard").body, Not(HasSubstr("closed")));
}

}  // namespace
}  // namespace ia
