// Growth, gaps, movers and past minutes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class HistoryApi : public ::testing::Test {
 protected:
  void SetUp() override {
    world.watch({{InfluencerId{100}, InfluencerId{119}}});
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  // 100 rises, 101 falls and 102 stays, from a day ago until now.
  void live_a_day() {
    const auto now = world.now_minute() + hours{24};
    world.clock.advance(hours{24});
    world.add(now - hours{24}, {{100, 1'000, 10}, {101, 5'000, 10}, {102, 7, 7}});
    world.add(now - hours{1}, {{100, 2'000, 10}, {101, 4'500, 10}, {102, 7, 7}});
    world.add(now - minutes{1}, {{100, 1'500, 10}, {101, 4'000, 10}, {102, 7, 7}},
              {{InfluencerId{100}, "Anna"}});
  }

  // The link of a page; empty on the last one.
  static std::string next_of(const std::string& body) {
    const auto at = body.find(R"("next":")");
    if (at == std::string::npos) return "";
    const auto begin = at + std::string_view(R"("next":")").size();
    return body.substr(begin, body.find('"', begin) - begin);
  }

  void expect_problem(const Reply& reply, int status, const std::string& detail) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(detail));
  }

  TestWorld world{{.threads = 2}};
};

// ---- past minutes

TEST_F(HistoryApi, ShowsTheLeaderboardOfAPastMinute) {
  live_a_day();
  world.add(world.now_minute(), {{103, 1, 1}});
  const auto reply = world.get("/api/v1/leaderboard?at=2026-01-01T23:00:31Z");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body,
            R"({"as_of":"2026-01-01T23:00:00.000Z","closed":false,"of":3,)"
            R"("followers_average":2169.0,)"
            R"("followers_median":2000.0,"followers_total":6507,"following_total":27,"items":[)"
            R"({"id":101,"id_str":"101",)"
            R"("username":null,"follower_count":4500,"following_count":10,)"
            R"("follower_ratio":450.0,"retrieved_at":null,)"
            R"("rank":1,"dense_rank":1,"verdict":null},)"
            R"({"id":100,"id_str":"100",)"
            R"("username":"Anna","follower_count":2000,"following_count":10,)"
            R"("follower_ratio":200.0,"retrieved_at":null,)"
            R"("rank":2,"dense_rank":2,"verdict":null},)"
            R"({"id":102,"id_str":"102","username":null,"follower_count":7,"following_count":7,)"
            R"("follower_ratio":1.0,"retrieved_at":null,)"
            R"("rank":3,"dense_rank":3,"verdict":null}],"next":null})");
}

TEST_F(HistoryApi, AnswersWithNobodyForAMinuteWithoutValues) {
  live_a_day();
  EXPECT_THAT(world.get("/api/v1/leaderboard?at=1767225660").body,
              HasSubstr(R"("of":0,"followers_average":null,"followers_median":null,)"
                        R"("followers_total":0,"following_total":0,"items":[],"next":null)"));
}

TEST_F(HistoryApi, TurnsThePagesOfAPastMinute) {
  live_a_day();
  auto target = std::string("/api/v1/leaderboard?at=1767225600&limit=1");
  std::vector<std::string> seen;
  while (!target.empty()) {
    const auto body = world.get(target).body;
    seen.push_back(body.substr(body.find(R"("id":)"), 8));
    target = next_of(body);
  }
  EXPECT_THAT(seen, ElementsAre(R"("id":101)", R"("id":100)", R"("id":102)"));
}

TEST_F(HistoryApi, EndsTheCursorsOfAPastMinuteWhenALateValueComes) {
  live_a_day();
  const auto begin = world.now_minute() - hours{24};
  const auto next = next_of(world.get("/api/v1/leaderboard?at=1767225600&limit=1").body);
  ASSERT_NE(next, "");
  world.add(begin, {{104, 1, 1}});
  EXPECT_EQ(world.get(next).status, 200);  // read a moment ago
  world.clock.advance(std::chrono::seconds{11});
  expect_problem(world.get(next), 410, "start over");
  EXPECT_THAT(world.get("/api/v1/leaderboard?at=1767225600").body, HasSubstr(R"("of":4)"));
  auto elsewhere = next;
  elsewhere.replace(elsewhere.find("at=1767225600"), 13, "at=1767225660");
  expect_problem(world.get(elsewhere), 410, "start over");
}

TEST_F(HistoryApi, ShowsAnInfluencerInAPastMinute) {
  live_a_day();
  EXPECT_EQ(world.get("/api/v1/influencers/100?at=1767225600").body,
            R"({"id":100,"id_str":"100",)"
            R"("username":"Anna","follower_count":1000,"following_count":10,)"
            R"("follower_ratio":100.0,"retrieved_at":null,"rank":2,"dense_rank":2,"verdict":null,)"
            R"("age_seconds":null,"of":3,"as_of":"2026-01-01T00:00:00.000Z","closed":false})");
  EXPECT_THAT(world.get("/api/v1/influencers/119?at=1767225600").body,
              AllOf(HasSubstr(R"("rank":null)"), HasSubstr(R"("of":3)")));
  expect_problem(world.get("/api/v1/influencers/99?at=1767225600"), 404, "Nobody watches");
}

TEST_F(HistoryApi, RefusesMinutesOfTheFuture) {
  expect_problem(world.get("/api/v1/leaderboard?at=2027-01-01T00:00:00Z"), 400, "in the future");
  expect_problem(world.get("/api/v1/influencers/100?at=soon"), 400, "at ");
}

TEST_F(HistoryApi, ShowsRanksOverTime) {
  live_a_day();
  const auto body = world.get("/api/v1/influencers/100/ranks?step=1m").body;
  EXPECT_EQ(body,
            R"({"id":100,"id_str":"100",)"
            R"("start":"2026-01-01T00:00:00.000Z","end":"2026-01-02T00:00:00.000Z",)"
            R"("step_seconds":60,"items":[)"
            R"({"minute":"2026-01-01T00:00:00.000Z","rank":2,"of":3,"follower_count":1000,)"
            R"("closed":false,"damaged":false},)"
            R"({"minute":"2026-01-01T23:00:00.000Z","rank":2,"of":3,"follower_count":2000,)"
            R"("closed":false,"damaged":false},)"
            R"({"minute":"2026-01-01T23:59:00.000Z","rank":2,"of":3,"follower_count":1500,)"
            R"("closed":false,"damaged":false}]})");
  EXPECT_THAT(world.get("/api/v1/influencers/100/ranks?step=1h").body,
              AllOf(HasSubstr(R"("minute":"2026-01-01T23:00:00.000Z")"),
                    Not(HasSubstr(R"("minute":"2026-01-01T23:59:00.000Z")"))));
  EXPECT_THAT(world.get("/api/v1/influencers/119/ranks").body, HasSubstr(R"("items":[])"));
}

TEST_F(HistoryApi, TakesAStepOfAMinuteUnlessToldOtherwiseWhereverThereIsAStep) {
  live_a_day();
  for (const auto* target : {"/api/v1/influencers/100/series", "/api/v1/influencers/100/ranks",
                             "/api/v1/compare?influencers=100,101"}) {
    EXPECT_THAT(world.get(target).body, HasSubstr(R"("step_seconds":60,)")) << target;
  }
}

TEST_F(HistoryApi, RefusesRanksOfMoreMinutesThanItCanAfford) {
  live_a_day();
  const auto ranks = [&](const std::string& query) {
    return world.get("/api/v1/influencers/100/ranks?" + query);
  };
  expect_problem(ranks("start=1767225540&step=1m"), 400, "ask for 2m or more");
  EXPECT_EQ(ranks("end=1767311930.5").status, 200) << "a day that ends within a minute";
  expect_problem(ranks("start=1766620740"), 400, "at most 7 days");
  expect_problem(ranks("start=1767225600&end=1767225500"), 400, "not be later than end");
  expect_problem(world.get("/api/v1/influencers/99/ranks"), 404, "Nobody watches");
}

TEST_F(HistoryApi, PassesOnThatThePastCannotBeRead) {
  live_a_day();
  EXPECT_EQ(world.get("/api/v1/influencers/119").status, 200);  // the registry is known
  world.store.set_down(true);
  const auto reply = world.get("/api/v1/leaderboard?at=1767225600");
  expect_problem(reply, 503, "memory store: down");
  EXPECT_NE(reply.header("retry-after"), "");
}

// ---- gaps

TEST_F(HistoryApi, SaysWhyThereIsNoValue) {
  const auto begin = world.now_minute();
  world.add(begin, {{100, 1, 1}}, {}, {{InfluencerId{101}, MissReason::kTimeout}});
  world.add(begin + minutes{1}, {{100, 1, 1}}, {}, {{InfluencerId{101}, MissReason::kTimeout}});
  world.add(begin + minutes{2}, {{100, 1, 1}}, {}, {{InfluencerId{101}, MissReason::kNotFound}});
  world.add(begin + minutes{3}, {{101, 1, 1}});
  world.clock.advance(minutes{6});
  ASSERT_TRUE(world.store.close_minutes({begin, begin + minutes{5}}, MissReason::kDown));

  const auto gaps = [&](int id) {
    return world.get("/api/v1/influencers/" + std::to_string(id) + "/gaps").body;
  };
  EXPECT_EQ(gaps(101),
            R"({"id":101,"id_str":"101",)"
            R"("start":"2025-12-31T00:06:00.000Z","end":"2026-01-01T00:06:00.000Z",)"
            R"("kept_since":null,"values":1,"minutes":4,"items":[)"
            R"({"start":"2026-01-01T00:04:00.000Z","end":"2026-01-01T00:05:00.000Z","minutes":1,)"
            R"("reason":"down"},)"
            R"({"start":"2026-01-01T00:02:00.000Z","end":"2026-01-01T00:03:00.000Z","minutes":1,)"
            R"("reason":"not_found"},)"
            R"({"start":"2026-01-01T00:00:00.000Z","end":"2026-01-01T00:02:00.000Z","minutes":2,)"
            R"("reason":"timeout"}],"more":false})");
  EXPECT_THAT(gaps(100), HasSubstr(R"("values":3,"minutes":2,"items":[{"start":)"
                                   R"("2026-01-01T00:03:00.000Z","end":"2026-01-01T00:05)"));
}

TEST_F(HistoryApi, TellsAGapFromNotBeingWatched) {
  const auto begin = world.now_minute();
  world.add(begin, {{200, 1, 1}});  // not in the registry
  world.clock.advance(minutes{4});
  ASSERT_TRUE(world.store.close_minutes({begin, begin + minutes{3}}, MissReason::kDown));
  EXPECT_THAT(world.get("/api/v1/influencers/200/gaps").body,
              HasSubstr(R"("minutes":2,"reason":"not_watched")"));
  EXPECT_THAT(world.get("/api/v1/influencers/119/gaps?start=1767139200").body,
              HasSubstr(R"("values":0,"minutes":3,)"));
  expect_problem(world.get("/api/v1/influencers/99/gaps"), 404, "Nobody watches");
  expect_problem(world.get("/api/v1/influencers/100/gaps?start=1764000000"), 400, "31 days");
}

// Nothing is missing of a time in which nobody asked, neither at the first start nor of who came
// later.
TEST_F(HistoryApi, WhatWasBeforeItWasWatchedIsNoGap) {
  const auto begin = world.now_minute();
  Registry registry{.epoch = 7, .influencers = InfluencerSet::parse("100-119").value()};
  registry.watched =
      WatchHistory(begin + minutes{1})
          .followed_by(InfluencerSet::parse("100-109").value(), registry.influencers,
                       begin + minutes{4});
  ASSERT_TRUE(world.store.put_registry(registry));
  world.add(begin, {{100, 1, 1}});
  world.add(begin + minutes{1}, {{100, 1, 1}});
  world.clock.advance(minutes{8});
  ASSERT_TRUE(world.store.close_minutes({begin, begin + minutes{6}}, MissReason::kDown));
  const auto gaps = [&](int id) {
    return world.get("/api/v1/influencers/" + std::to_string(id) + "/gaps").body;
  };
  // From minute 1 on of the first ones, from minute 4 on of those that came later.
  EXPECT_THAT(gaps(101), HasSubstr(R"("minutes":5,"items":[{"start":"2026-01-01T00:01:00.000Z",)"
                                   R"("end":"2026-01-01T00:06:00.000Z","minutes":5,)"
                                   R"("reason":"down"}])"));
  EXPECT_THAT(gaps(115), HasSubstr(R"("minutes":2,"items":[{"start":"2026-01-01T00:04:00.000Z",)"));
  EXPECT_THAT(world.get("/api/v1/minutes?start=1767225600").body,
              AllOf(HasSubstr(R"("minute":"2026-01-01T00:00:00.000Z","due":1,"stored":1,)"),
                    HasSubstr(R"("minute":"2026-01-01T00:03:00.000Z","due":10,)"),
                    HasSubstr(R"("minute":"2026-01-01T00:04:00.000Z","due":20,)")));
}

// One that came again was not watched in between.
TEST_F(HistoryApi, WhatWasBeforeItCameAgainWasNotWatched) {
  const auto begin = world.now_minute();
  Registry registry{.epoch = 7, .influencers = InfluencerSet::parse("100-119").value()};
  registry.watched = WatchHistory(begin).followed_by(
      InfluencerSet::parse("100-109").value(), registry.influencers, begin + minutes{3});
  ASSERT_TRUE(world.store.put_registry(registry));
  world.add(begin, {{115, 1, 1}});
  world.clock.advance(minutes{6});
  ASSERT_TRUE(world.store.close_minutes({begin, begin + minutes{4}}, MissReason::kDown));
  EXPECT_THAT(world.get("/api/v1/influencers/115/gaps").body,
              HasSubstr(R"("minutes":1,"reason":"down"},{"start":"2026-01-01T00:01:00.000Z",)"
                        R"("end":"2026-01-01T00:03:00.000Z","minutes":2,"reason":"not_watched"})"));
}

// The accounts of a minute are kept for longer than its values.
TEST_F(HistoryApi, WhatIsNoLongerKeptIsNoGap) {
  const auto begin = world.now_minute();
  for (int m = 0; m < 4; ++m) world.add(begin + minutes{m}, {{100, 1, 1}});
  world.clock.advance(minutes{6});
  ASSERT_TRUE(world.store.close_minutes({begin, begin + minutes{5}}, MissReason::kDown));
  ASSERT_TRUE(world.store.maintain(begin + minutes{2} + TestWorld::kRetention));
  const auto gaps = world.get("/api/v1/influencers/100/gaps").body;
  EXPECT_THAT(gaps, HasSubstr(R"("kept_since":"2026-01-01T00:02:00.000Z","values":2,"minutes":1)"));
}

TEST_F(HistoryApi, CountsNoGapWhereItIsTheTurnOfOthers) {
  Registry registry{
      .epoch = 9,
      .schedule = {.interval = minutes{2}},
      .shard_size = 1,
      .influencers = InfluencerSet(std::vector<IdRange>{{InfluencerId{100}, InfluencerId{101}}})};
  ASSERT_TRUE(world.store.put_registry(registry));
  world.clock.advance(minutes{10});
  const auto now = world.now_minute();
  ASSERT_TRUE(world.store.close_minutes({now - minutes{6}, now}, MissReason::kOverrun));
  EXPECT_THAT(world.get("/api/v1/influencers/100/gaps").body,
              AllOf(HasSubstr(R"("values":0,"minutes":3,)"),
                    HasSubstr(R"("minutes":3,"reason":"overrun"}],"more":false)")));
}

// ---- growth and movers

TEST_F(HistoryApi, ListsTheStrongestMovers) {
  live_a_day();
  world.set_movers(0, world.now_minute() - hours{1}, {{100, 2'000, 0}, {101, 4'500, 0}});
  const auto down = world.get("/api/v1/movers?direction=down").body;
  EXPECT_THAT(down, HasSubstr(R"("window":"1h","by":"absolute","direction":"down",)"
                              R"("since":"2026-01-01T23:00:00.000Z")"));
  EXPECT_THAT(down, HasSubstr(R"("compared":2,"risen":0,"fallen":2,"ups":0,"downs":-1000)"));
  EXPECT_THAT(
      down,
      HasSubstr(R"({"id":100,"id_str":"100",)"
                R"("username":"Anna","follower_count_before":2000,"follower_count":1500,)"
                R"("change":-500,"percent":-25.0,"rank":2},)"
                R"({"id":101,"id_str":"101",)"
                R"("username":null,"follower_count_before":4500,"follower_count":4000,)"
                R"("change":-500,"percent":-11.1111,"rank":1})"));
  EXPECT_THAT(world.get("/api/v1/movers?direction=up").body, HasSubstr(R"("items":[])"));
  EXPECT_THAT(world.get("/api/v1/movers?direction=down&by=percent&limit=1").body,
              AllOf(HasSubstr(R"("by":"percent")"), HasSubstr(R"("id":100)"),
                    Not(HasSubstr(R"("id":101)"))));
}

TEST_F(HistoryApi, SaysWhetherTheMoversCoverTheWholeWindow) {
  live_a_day();
  world.set_movers(0, world.now_minute() - minutes{90}, {{100, 1, 0}});
  world.set_movers(1, world.now_minute() - minutes{90}, {{100, 1, 0}});
  EXPECT_THAT(world.get("/api/v1/movers?window=1h").body, HasSubstr(R"("complete":true)"));
  EXPECT_THAT(world.get("/api/v1/movers?window=1d").body, HasSubstr(R"("complete":false)"));
}

TEST_F(HistoryApi, SaysWhyThereAreNoMoversYet) {
  const auto reply = world.get("/api/v1/movers?window=7d");
  expect_problem(reply, 503, "beginning of the 7d is not read yet");
  EXPECT_NE(reply.header("retry-after"), "");
}

TEST_F(HistoryApi, RefusesMoversOfAnUnknownKind) {
  const auto reply = world.get("/api/v1/movers?window=2h&by=rank&direction=left&limit=101");
  expect_problem(reply, 400, "window must be one of 1h, 1d, 7d");
  expect_problem(reply, 400, "by must be one of absolute, percent");
  expect_problem(reply, 400, "direction must be one of up, down");
  expect_problem(reply, 400, "limit must be a whole number from 1 to 100");
}

TEST_F(HistoryApi, ShowsTheGrowthOfAnInfluencer) {
  live_a_day();
  const auto body = world.get("/api/v1/influencers/100/growth").body;
  EXPECT_THAT(body, HasSubstr(R"({"id":100,"id_str":"100","minute":"2026-01-01T23:59:00.000Z",)"
                              R"("follower_count":1500,)"));
  EXPECT_THAT(body, HasSubstr(R"("hour":{"since":"2026-01-01T23:00:00.000Z","complete":true,)"
                              R"("damaged":false,)"
                              R"("follower_count_before":2000,"change":-500,"percent":-25.0,)"
                              R"("ups":0,"downs":-500,"values":2})"));
  EXPECT_THAT(body, HasSubstr(R"("day":{"since":"2026-01-01T00:00:00.000Z","complete":true,)"
                              R"("damaged":false,)"
                              R"("follower_count_before":1000,"change":500,"percent":50.0,)"
                              R"("ups":1000,"downs":-500,"values":3})"));
  EXPECT_THAT(body, HasSubstr(R"("week":{"since":"2026-01-01T00:00:00.000Z","complete":false)"));
}

TEST_F(HistoryApi, ShowsNoGrowthWithoutValues) {
  EXPECT_THAT(world.get("/api/v1/influencers/119/growth").body,
              HasSubstr(R"({"id":119,"id_str":"119",)"
                        R"("minute":null,"follower_count":null,"hour":null,"day":null,)"
                        R"("week":null})"));
  expect_problem(world.get("/api/v1/influencers/99/growth"), 404, "Nobody watches");
  live_a_day();
  world.clock.advance(hours{2});
  EXPECT_THAT(world.get("/api/v1/influencers/100/growth").body, HasSubstr(R"("hour":null)"));
}

}  // namespace
}  // namespace ia
