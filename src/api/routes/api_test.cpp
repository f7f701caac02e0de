#include "api/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Ids 100 to 119 are watched. Three minutes ago 100 to 103 had their first values.
class Api : public ::testing::Test {
 protected:
  void SetUp() override {
    world.clock.advance(minutes{10});
    world.watch({{InfluencerId{100}, InfluencerId{119}}});
    first = world.now_minute() - minutes{3};
    world.add(
        first, {{100, 500, 10}, {101, 900, 0}, {102, 500, 200}, {103, 7, 7}},
        {{InfluencerId{100}, "Anna"}, {InfluencerId{101}, "anton"}, {InfluencerId{103}, "bob"}});
    world.add(first + minutes{1}, {{100, 600, 20}});
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  // After enough time for the ranges up to now to be final.
  void let_it_settle() {
    (void)world.store.close_minutes({first, first + minutes{120}}, MissReason::kTimeout);
    world.clock.advance(minutes{125});
  }

  void expect_problem(const Reply& reply, int status, const std::string& detail) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.header("content-type"), "application/problem+json");
    EXPECT_EQ(reply.header("cache-control"), "no-store");
    EXPECT_THAT(reply.body, HasSubstr("\"status\":" + std::to_string(status)));
    EXPECT_THAT(reply.body, HasSubstr(detail));
  }

  TestWorld world{{.threads = 2}};
  Minute first;
};

// ---- GET /influencer_analytics/{id}

TEST_F(Api, KeepsTheContractOfTheSeed) {
  const auto reply =
      world.get("/influencer_analytics/100?start_time=1767225600&end_time=1767226200.5");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.body,
            R"({"data":[[1767226020000,500,10,50.0],[1767226080000,600,20,30.0]],"success":true})");
}

TEST_F(Api, AnalyticsEndNowAndBeginADayBefore) {
  EXPECT_THAT(world.get("/influencer_analytics/101").body, HasSubstr("[1767226020000,900,0,null]"));
  world.clock.advance(minutes{24 * 60 - 3});
  EXPECT_THAT(world.get("/influencer_analytics/101").body, HasSubstr("[1767226020000,900,0,null]"));
  world.clock.advance(minutes{1});
  EXPECT_EQ(world.get("/influencer_analytics/101").body, R"({"data":[],"success":true})");
}

TEST_F(Api, AnalyticsContainTheMinutesOfBothEnds) {
  const auto reply =
      world.get("/influencer_analytics/100?start_time=1767226079.9&end_time=1767226080");
  EXPECT_THAT(reply.body, AllOf(HasSubstr("[1767226020000,"), HasSubstr("[1767226080000,")));
  EXPECT_EQ(world.get("/influencer_analytics/100?start_time=1767226080&end_time=1767226080").body,
            R"({"data":[[1767226080000,600,20,30.0]],"success":true})");
}

TEST_F(Api, AnalyticsOfAWatchedInfluencerWithoutValuesAreEmpty) {
  EXPECT_EQ(world.get("/influencer_analytics/110").body, R"({"data":[],"success":true})");
}

TEST_F(Api, AnalyticsRefuseWhatTheyCannotAnswer) {
  expect_problem(world.get("/influencer_analytics/99"), 404, "unknown-influencer");
  expect_problem(world.get("/influencer_analytics/abc"), 400, "id must be a whole number from 0");
  expect_problem(world.get("/influencer_analytics/100?start_time=5&end_time=4"), 400,
                 "start_time must not be later than end_time");
  expect_problem(world.get("/influencer_analytics/100?start_time=0"), 400,
                 "start_time must be at most 49999 minutes before end_time");
  expect_problem(world.get("/influencer_analytics/100?start=0"), 400,
                 "known: start_time, end_time");
  expect_problem(world.get("/influencer_analytics/100?start_time=1767225600000"), 400,
                 "milliseconds must be divided by 1000");
}

// ---- GET /api/v1/influencers/{id}

TEST_F(Api, TellsTheMostRecentValueAndRank) {
  EXPECT_EQ(world.get("/api/v1/influencers/100").body,
            R"({"id":100,"id_str":"100",)"
            R"("username":"Anna","follower_count":600,"following_count":20,)"
            R"("follower_ratio":30.0,"retrieved_at":"2026-01-01T00:08:20.000Z","rank":2,)"
            R"("dense_rank":2,"verdict":null,"age_seconds":100.0,"of":4,)"
            R"("as_of":"2026-01-01T00:10:00.000Z"})");
}

TEST_F(Api, TellsNullsOfAnInfluencerWithoutAValue) {
  const auto reply = world.get("/api/v1/influencers/119");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, StartsWith(R"({"id":119,"id_str":"119",)"
                                     R"("username":null,"follower_count":null,)"));
  EXPECT_THAT(reply.body, HasSubstr(R"("age_seconds":null,"of":4)"));
}

TEST_F(Api, RefusesInfluencersThatNobodyWatches) {
  expect_problem(world.get("/api/v1/influencers/120"), 404, "Nobody watches influencer 120");
  expect_problem(world.get("/api/v1/influencers/1%2000"), 400, "got '1 00'");
  expect_problem(world.get("/api/v1/influencers/100?x=1"), 400, "known: at");
}

// ---- GET /api/v1/influencers/{id}/series

constexpr std::string_view kSeries =
    "/api/v1/influencers/100/series?start=1767226020&end=1767226200";

TEST_F(Api, SeriesRowsLeaveGapsOut) {
  EXPECT_EQ(world.get(kSeries).body,
            R"({"id":100,"id_str":"100",)"
            R"("start":"2026-01-01T00:07:00.000Z","end":"2026-01-01T00:10:00.000Z",)"
            R"("step_seconds":60,"aggregate":"max",)"
            R"("columns":["time_ms","follower_count","following_count","follower_ratio"],)"
            R"("rows":[[1767226020000,500,10,50.0],[1767226080000,600,20,30.0]]})");
}

TEST_F(Api, SeriesColumnsSayNullInGaps) {
  EXPECT_THAT(world.get(std::string(kSeries) + "&format=columns").body,
              HasSubstr(R"("follower_count":[500,600,null],"following_count":[10,20,null])"));
}

TEST_F(Api, SeriesAggregateOverSteps) {
  const auto body = [&](const std::string& more) {
    return world.get(std::string(kSeries) + more).body;
  };
  EXPECT_THAT(body("&step=5m&aggregate=avg"),
              AllOf(HasSubstr(R"("step_seconds":300)"),
                    HasSubstr(R"("rows":[[1767225900000,550.0,15.0,36.6667]])")));
  EXPECT_THAT(body("&step=300&aggregate=min"), HasSubstr("[[1767225900000,500,10,50.0]]"));
  EXPECT_THAT(body("&step=1h&aggregate=last"), HasSubstr("[[1767225600000,600,20,30.0]]"));
  EXPECT_THAT(body("&step=1d"), HasSubstr("[[1767225600000,600,20,30.0]]"));
}

TEST_F(Api, SeriesAsCsvIsAnAttachment) {
  const auto reply = world.get(std::string(kSeries) + "&format=csv");
  EXPECT_THAT(reply.header("content-type"), StartsWith("text/csv"));
  EXPECT_EQ(reply.header("content-disposition"), "attachment; filename=\"influencer-100.csv\"");
  EXPECT_EQ(reply.body,
            "minute,follower_count,following_count,follower_ratio\r\n"
            "2026-01-01T00:07:00Z,500,10,50.0\r\n2026-01-01T00:08:00Z,600,20,30.0\r\n");
}

TEST_F(Api, SeriesAsLineProtocol) {
  const auto reply = world.get(std::string(kSeries) + "&format=line");
  EXPECT_EQ(reply.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.body,
            "influencer,id=100 follower_count=500i,following_count=10i,follower_ratio=50.0 "
            "1767226020000000000\n"
            "influencer,id=100 follower_count=600i,following_count=20i,follower_ratio=30.0 "
            "1767226080000000000\n");
  EXPECT_EQ(world.get(std::string(kSeries) + "&format=line&aggregate=avg&step=5m").body,
            "influencer,id=100 follower_count_avg=550.0,following_count_avg=15.0,"
            "follower_ratio_avg=36.6667 1767225900000000000\n");
}

TEST_F(Api, SeriesRefuseTooManyPointsAndNameTheStepThatFits) {
  const std::string year = "/api/v1/influencers/100/series?start=2025-01-02T00:00:00Z";
  expect_problem(world.get(year), 400,
                 "step would give 524170 points, at most 50000 are allowed: ask for 11m or more");
  EXPECT_EQ(world.get(year + "&step=11m").status, 200);
  expect_problem(world.get("/api/v1/influencers/100/series?start=2020-01-01T00:00:00Z&step=1d"),
                 400, "start must be at most 366 days before end");
}

TEST_F(Api, SeriesRefuseWhatTheyCannotAnswer) {
  for (const auto* query : {"step=0", "step=90", "step=1w", "aggregate=median", "format=xml",
                            "start=now", "end=2099-01-01T00:00:00Z", "start=1767226201",
                            "start=1767226100&end=1767226000", "start=5&start=6"}) {
    expect_problem(world.get("/api/v1/influencers/100/series?" + std::string(query)), 400,
                   "urn:influencer-analytics:problem:invalid-parameter");
  }
  expect_problem(world.get("/api/v1/influencers/99/series"), 404, "unknown-influencer");
}

// ---- ETags

TEST_F(Api, RangesThatCanNoLongerChangeAreImmutable) {
  const std::string past = std::string(kSeries);
  const auto open = world.get(past);
  EXPECT_EQ(open.header("etag"), "");
  EXPECT_EQ(open.header("cache-control"), "no-cache");

  let_it_settle();
  const auto closed = world.get(past);
  EXPECT_EQ(closed.header("cache-control"), "public, max-age=31536000, immutable");
  const auto etag = closed.header("etag");
  EXPECT_THAT(etag, StartsWith("\""));

  const auto again = world.get(past, "If-None-Match: " + etag + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(again.header("etag"), etag);
  EXPECT_EQ(world.get("/api/v1/influencers/100/series?start=1767226020").header("etag"), "");
}

TEST_F(Api, EveryFormOfARangeHasAnETagOfItsOwn) {
  let_it_settle();
  std::set<std::string> etags;
  const std::vector<std::string> targets = {
      std::string(kSeries),
      std::string(kSeries) + "&format=columns",
      std::string(kSeries) + "&format=csv",
      std::string(kSeries) + "&step=5m",
      std::string(kSeries) + "&aggregate=min",
      "/api/v1/influencers/100/series?start=1767226020&end=1767226260",
      "/api/v1/influencers/102/series?start=1767226020&end=1767226200",
      "/influencer_analytics/100?start_time=1767226020&end_time=1767226199",
  };
  for (const auto& target : targets) etags.insert(world.get(target).header("etag"));
  EXPECT_EQ(etags.size(), targets.size());
  EXPECT_EQ(etags.count(""), 0U);
}

// What was not final after all must not be taken for the old answer.
TEST_F(Api, ALateValueChangesTheETag) {
  let_it_settle();
  const auto before = world.get(kSeries).header("etag");
  world.add(first + minutes{2}, {{100, 1, 1}});
  const auto after = world.get(kSeries, "If-None-Match: " + before + "\r\n");
  EXPECT_EQ(after.status, 200);
  EXPECT_NE(after.header("etag"), before);
}

// ---- GET /api/v1/influencers?prefix=

TEST_F(Api, SearchFindsUsernamesWithoutRegardToCase) {
  const auto reply = world.get("/api/v1/influencers?prefix=AN");
  EXPECT_THAT(reply.body, AllOf(HasSubstr(R"("more":false)"), HasSubstr(R"("username":"Anna")"),
                                HasSubstr(R"("username":"anton")"), Not(HasSubstr("bob"))));
}

TEST_F(Api, SearchFindsIdsByTheirFirstDigits) {
  const auto reply = world.get("/api/v1/influencers?prefix=11&limit=3");
  EXPECT_THAT(reply.body,
              AllOf(HasSubstr(R"("more":true)"), HasSubstr(R"("id":110)"), HasSubstr(R"("id":112)"),
                    Not(HasSubstr(R"("id":113)")), Not(HasSubstr(R"("id":101)"))));
  expect_problem(world.get("/api/v1/influencers?prefix=%C3%28"), 400, "in UTF-8");
  EXPECT_THAT(world.get("/api/v1/influencers?prefix=0").body, HasSubstr(R"("items":[])"));
  EXPECT_THAT(world.get("/api/v1/influencers?prefix=9223372036854775807").body,
              HasSubstr(R"("items":[])"));
}

TEST_F(Api, SearchRefusesWhatItCannotAnswer) {
  expect_problem(world.get("/api/v1/influencers"), 400, "prefix is needed");
  expect_problem(world.get("/api/v1/influencers?prefix=%00"), 400, "prefix is needed");
  expect_problem(world.get("/api/v1/influencers?prefix=" + std::string(65, 'x')), 400, "prefix");
  expect_problem(world.get("/api/v1/influencers?prefix=a&limit=101"), 400, "from 1 to 100");
}

// ---- GET /api/v1/leaderboard

std::string next_of(const Reply& reply) {
  const auto at = reply.body.find(R"("next":")");
  if (at == std::string::npos) return "";
  const auto begin = at + 8;
  return reply.body.substr(begin, reply.body.find('"', begin) - begin);
}

TEST_F(Api, LeaderboardSharesRanksAndPages) {
  world.add(first + minutes{2}, {{100, 500, 1}});
  const auto page = world.get("/api/v1/leaderboard?limit=2");
  EXPECT_THAT(page.body, HasSubstr(R"("id":101,"id_str":"101",)"
                                   R"("username":"anton","follower_count":900)"));
  EXPECT_THAT(page.body, HasSubstr(R"("rank":2,"dense_rank":2,"verdict":null})"));
  const auto last = world.get(next_of(page));
  EXPECT_THAT(last.body, AllOf(HasSubstr(R"("id":102,"id_str":"102",)"
                                         R"("username":null,"follower_count":500)"),
                               HasSubstr(R"("rank":2,"dense_rank":2,"verdict":null})"),
                               HasSubstr(R"("rank":4,"dense_rank":3,"verdict":null})"),
                               HasSubstr(R"("next":null)")));
}

TEST_F(Api, LeaderboardPagesStayInTheirMoment) {
  const auto page = world.get("/api/v1/leaderboard?limit=3");
  world.clock.advance(seconds{30});
  world.add(first + minutes{3}, {{103, 10'000, 1}});
  EXPECT_THAT(world.get(next_of(page)).body,
              HasSubstr(R"("id":103,"id_str":"103","username":"bob","follower_count":7)"));
  EXPECT_THAT(world.get("/api/v1/leaderboard?limit=1").body,
              HasSubstr(R"("follower_count":10000)"));
}

TEST_F(Api, TellsTheNetworksVerdict) {
  const auto checked = world.clock.wall() - seconds{20};
  world.verdicts.apply(std::vector<Verdict>{{.influencer = InfluencerId{100},
                                             .suspicious = true,
                                             .judged = {600, 20},
                                             .checked_at = checked,
                                             .changed_at = checked - minutes{5}},
                                            {.influencer = InfluencerId{101},
                                             .suspicious = false,
                                             .judged = {1, 1},
                                             .checked_at = checked,
                                             .changed_at = checked}});
  const std::string verdict =
      R"("verdict":{"suspicious":true,"checked_at":"2026-01-01T00:09:40.000Z",)"
      R"("changed_at":"2026-01-01T00:04:40.000Z"})";
  EXPECT_THAT(world.get("/api/v1/influencers/100").body, HasSubstr(verdict));
  EXPECT_THAT(
      world.get("/api/v1/summary").body,
      HasSubstr(R"("verdicts":{"checked":2,"checked_last_day":2,"suspicious":1,)"
                R"("suspicious_share":0.5,"oldest_checked_at":"2026-01-01T00:09:40.000Z"})"));
  EXPECT_EQ(world.get("/api/v1/verdicts").body,
            R"({"items":[{"id":100,"id_str":"100",)"
            R"("username":"Anna","changed_at":"2026-01-01T00:04:40.000Z",)"
            R"("checked_at":"2026-01-01T00:09:40.000Z","judged_follower_count":600,)"
            R"("judged_following_count":20,"judged_follower_ratio":30.0}]})");
}

TEST_F(Api, LeaderboardFiltersByVerdict) {
  world.verdicts.apply(std::vector<Verdict>{{.influencer = InfluencerId{100},
                                             .suspicious = true,
                                             .judged = {},
                                             .checked_at = world.clock.wall(),
                                             .changed_at = world.clock.wall()}});
  const auto suspicious = world.get("/api/v1/leaderboard?verdict=suspicious").body;
  EXPECT_THAT(suspicious, AllOf(HasSubstr(R"("id":100,)"), HasSubstr(R"("rank":2,)"),
                                HasSubstr(R"("of":4,)"), HasSubstr(R"("next":null)")));
  EXPECT_THAT(suspicious, Not(HasSubstr(R"("id":101,)")));
  EXPECT_THAT(world.get("/api/v1/leaderboard?verdict=clear").body, HasSubstr(R"("items":[])"));
  EXPECT_THAT(world.get("/api/v1/leaderboard?verdict=suspicious&limit=1").body,
              HasSubstr(R"("next":null)"))
      << "there are others, but none of them is suspicious";

  auto page = world.get("/api/v1/leaderboard?verdict=unknown&limit=1");
  EXPECT_THAT(page.body, HasSubstr(R"("id":101,)"));
  page = world.get(next_of(page));
  EXPECT_THAT(page.body, AllOf(HasSubstr(R"("id":102,)"), Not(HasSubstr(R"("id":100,)"))));
  expect_problem(world.get("/api/v1/leaderboard?verdict=bad"), 400, "suspicious");
}

// The values: 100 has 600 and 20, 101 has 900 and 0, 102 has 500 and 200, 103 has 7 and 7.
TEST_F(Api, LeaderboardSortsEverybody) {
  const auto ids_of = [&](std::string target) {
    std::vector<std::string> ids;
    for (int pages = 0; !target.empty() && pages < 9; ++pages) {
      const auto page = world.get(target);
      EXPECT_EQ(page.status, 200);
      for (auto at = page.body.find(R"({"id":)"); at != std::string::npos;
           at = page.body.find(R"({"id":)", at + 1)) {
        ids.push_back(page.body.substr(at + 6, 3));
      }
      target = next_of(page);
    }
    return ids;
  };
  const std::string all = "/api/v1/leaderboard?sort=";
  for (const std::string limit : {"&limit=1", "&limit=3", "&limit=4", ""}) {
    EXPECT_THAT(ids_of(all + "following" + limit), ElementsAre("102", "100", "103", "101"));
    EXPECT_THAT(ids_of(all + "following&order=asc" + limit),
                ElementsAre("101", "103", "100", "102"));
    EXPECT_THAT(ids_of(all + "ratio" + limit), ElementsAre("100", "102", "103", "101"));
    EXPECT_THAT(ids_of(all + "ratio&order=asc" + limit), ElementsAre("103", "102", "100", "101"));
    EXPECT_THAT(ids_of(all + "followers&order=asc" + limit),
                ElementsAre("103", "102", "100", "101"));
    const auto at = std::chrono::seconds{first.time_since_epoch()}.count();
    EXPECT_THAT(ids_of(all + "ratio&at=" + std::to_string(at) + limit),
                ElementsAre("100", "102", "103", "101"));
  }
  world.add(first + minutes{2}, {{103, 7, 200}});
  world.clock.advance(minutes{1});
  EXPECT_THAT(ids_of(all + "following&limit=1"), ElementsAre("102", "103", "100", "101"));
  EXPECT_THAT(ids_of(all + "following&order=asc&limit=1"), ElementsAre("101", "100", "102", "103"));
  EXPECT_THAT(ids_of(all + "following&verdict=suspicious"), IsEmpty());
  EXPECT_THAT(ids_of(all + "following&verdict=unknown&limit=1"),
              ElementsAre("102", "103", "100", "101"));
  expect_problem(world.get(all + "name"), 400, "sort must be one of followers, following, ratio");
  expect_problem(world.get(all + "ratio&order=up"), 400, "order must be one of desc, asc");
}

TEST_F(Api, LeaderboardCursorsExpire) {
  const auto next = next_of(world.get("/api/v1/leaderboard?limit=1"));
  ASSERT_NE(next, "");
  world.clock.advance(minutes{5});
  EXPECT_EQ(world.get(next).status, 200);
  world.clock.advance(seconds{1});
  expect_problem(world.get(next), 410, "start over");
}

TEST_F(Api, LeaderboardRefusesCursorsThatItDidNotGiveOut) {
  expect_problem(world.get("/api/v1/leaderboard?cursor=abc"), 400, "cursor is not one");
  auto next = next_of(world.get("/api/v1/leaderboard?limit=1"));
  next[next.size() - 20] = next[next.size() - 20] == 'x' ? 'y' : 'x';
  expect_problem(world.get(next), 400, "cursor is not one");
  expect_problem(world.get("/api/v1/leaderboard?limit=0"), 400, "from 1 to 1000");
}

// ---- GET /api/v1/summary, /api/v1/minutes

TEST_F(Api, SummaryTellsOfAllAndOfTheNewestCompleteMinute) {
  (void)world.store.close_minutes({first, first + minutes{1}}, MissReason::kTimeout);
  const auto body = world.get("/api/v1/summary").body;
  EXPECT_THAT(body, HasSubstr(R"("version":"1.2.3","registered":20)"));
  EXPECT_THAT(body,
              HasSubstr(R"("with_value":4,"followers_average":501.75,"followers_median":550.0)"));
  EXPECT_THAT(
      body, HasSubstr(R"("followers_total":2007,"following_total":227,"data_age_seconds":100.0)"));
  EXPECT_THAT(body, HasSubstr(R"("lag_seconds":120.0,"points_stored_last_minute":4)"));
  EXPECT_THAT(body, HasSubstr(R"("due":20,"stored":4,"repeats":0,"missed":{"timeout":16})"));
  EXPECT_THAT(body, HasSubstr(R"("coverage":0.2)"));
  EXPECT_THAT(body, HasSubstr(R"("influencer_id_store":{"visible":3,"in_flight":2,"delayed":5)"));
  EXPECT_THAT(body, HasSubstr(R"("influencer_data_points":null)"));
  EXPECT_THAT(body, HasSubstr(R"("queue_bill":{"processes":4,"requests_per_day":1000000.0,)"
                              R"("usd_per_day":0.4,"message_each_usd_per_day":172.8})"));
  EXPECT_THAT(body,
              HasSubstr(R"("workers":[{"process":"here:1:a","stage":"fetch","upstream_requests":7,)"
                        R"("upstream_share":100.0,"seen_at":"2026-01-01T00:10:00.000Z"},)"
                        R"({"process":"there:2:b","stage":"api","upstream_requests":0,)"
                        R"("upstream_share":null,"seen_at":"2026-01-01T00:10:00.000Z"}])"));
}

TEST_F(Api, SummaryShowsTheNewestFailureOfEachReason) {
  EXPECT_THAT(world.get("/api/v1/summary").body,
              HasSubstr(R"("failure_examples":[{"reason":"malformed","influencer":7,)"
                        R"("influencer_str":"7","status":200,"text":"<html>\\x1b",)"
                        R"("at":"2026-01-01T00:10:00.000Z","count":41},)"
                        R"({"reason":"connection","influencer":8,"influencer_str":"8",)"
                        R"("status":null,"text":"refused",)"));
}

TEST_F(Api, SummaryWorksBeforeAnythingIsStored) {
  TestWorld empty;
  empty.serve();
  const auto reply = empty.get("/api/v1/summary");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body,
              AllOf(HasSubstr(R"("followers_average":null)"), HasSubstr(R"("lag_seconds":null)"),
                    HasSubstr(R"("minute":null)"), HasSubstr(R"("top":[])")));
}

TEST_F(Api, SummaryIsAtMostASecondBehindTheStore) {
  EXPECT_THAT(world.get("/api/v1/summary").body, HasSubstr(R"("minute":null)"));
  (void)world.store.close_minutes({first, first + minutes{1}}, MissReason::kTimeout);
  world.clock.advance(seconds{1});
  EXPECT_THAT(world.get("/api/v1/summary").body, HasSubstr(R"("missed":{"timeout":16})"));
  (void)world.store.close_minutes({first + minutes{1}, first + minutes{2}}, MissReason::kDown);
  world.clock.advance(seconds{1});
  EXPECT_THAT(world.get("/api/v1/summary").body, HasSubstr(R"("missed":{"down":19})"));
}

TEST_F(Api, MinutesTellCoverageAndMissesByReason) {
  world.add(first + minutes{2}, {{100, 1, 1}}, {}, {{InfluencerId{101}, MissReason::kRateLimited}});
  const auto body = world.get("/api/v1/minutes?start=1767226140&end=1767226200").body;
  EXPECT_THAT(body,
              HasSubstr(R"("items":[{"minute":"2026-01-01T00:09:00.000Z","due":20,"stored":1,)"
                        R"("repeats":0,"missed":{"rate_limited":1},"missed_total":1,)"
                        R"("open":18,"closed":false,"damaged":false,"coverage":0.05,)"
                        R"("followers_average":1.0,"following_average":1.0,)"));
}

TEST_F(Api, MinutesAreTheLastHourUnlessTold) {
  const auto body = world.get("/api/v1/minutes").body;
  EXPECT_THAT(
      body, StartsWith(R"({"start":"2025-12-31T23:10:00.000Z","end":"2026-01-01T00:10:00.000Z")"));
  expect_problem(world.get("/api/v1/minutes?start=2025-12-01T00:00:00Z"), 400, "at most 7 days");
  expect_problem(world.get("/api/v1/minutes?start=9&end=8"), 400, "start must not be later");
}

// ---- operation

TEST_F(Api, IsAliveAndReady) {
  EXPECT_EQ(world.get("/healthz").body, R"({"status":"alive","version":"1.2.3"})");
  EXPECT_EQ(world.get("/readyz").body, R"({"status":"ready","version":"1.2.3"})");
}

TEST_F(Api, SaysWhyItIsNotReady) {
  world.set_reasons({"the newest value is 200 s old", "stopping"});
  const auto reply = world.get("/readyz");
  expect_problem(reply, 503, R"("detail":"the newest value is 200 s old; stopping")");
  EXPECT_EQ(reply.header("retry-after"), "5");
  EXPECT_EQ(world.get("/healthz").status, 200);
}

TEST_F(Api, CountsItsRequestsByRoute) {
  world.get("/api/v1/influencers/100");
  world.get("/api/v1/influencers/99");
  world.get("/nowhere");
  const auto reply = world.get("/metrics");
  EXPECT_EQ(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(reply.body,
              AllOf(HasSubstr(R"(ia_http_requests_total{code="200",route="influencer"} 1)"),
                    HasSubstr(R"(ia_http_requests_total{code="503",route="influencer"} 0)"),
                    HasSubstr("\nprocess_open_fds "),
                    HasSubstr(R"(ia_http_requests_total{code="404",route="influencer"} 1)"),
                    HasSubstr(R"(ia_http_requests_total{code="404",route="none"} 1)")));
}

// ---- every path

TEST_F(Api, UnderstandsOnlyGetAndHead) {
  for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"}) {
    const auto reply = world.get("/api/v1/summary", "", method);
    expect_problem(reply, 405, "Only GET, HEAD");
    EXPECT_EQ(reply.header("allow"), "GET, HEAD");
  }
  EXPECT_EQ(world.get("/api/v1/summary", "", "HEAD").status, 200);
}

TEST_F(Api, KnowsItsPathsToTheLetter) {
  for (const auto* path :
       {"/nowhere", "/api/v1/influencers/", "/api/v1/influencers/1/", "/HEALTHZ",
        "/api/v1/influencers/1/series/", "/api/v1/influencers//series", "//",
        "/influencer_analytics", "/influencer_analytics/1/2", "/../etc/passwd"}) {
    expect_problem(world.get(path), 404, "/openapi.json lists the paths");
  }
}

TEST_F(Api, NeverEchoesMuchOfWhatWasAsked) {
  const auto reply = world.get("/<script>" + std::string(1'500, '\'') + "?\"x\"");
  EXPECT_EQ(reply.status, 404);
  EXPECT_LT(reply.body.size(), 300U);
  EXPECT_THAT(reply.body, Not(HasSubstr("'''")));
}

TEST_F(Api, SaysToTryAgainWhileTheStoreIsDown) {
  world.store.set_down(true);
  for (const auto* path : {"/influencer_analytics/100", "/api/v1/influencers/100/series",
                           "/api/v1/influencers?prefix=a", "/api/v1/summary", "/api/v1/minutes"}) {
    const auto reply = world.get(path);
    EXPECT_EQ(reply.status, 503) << path;
    EXPECT_EQ(reply.header("retry-after"), "5");
  }
  EXPECT_EQ(world.get("/api/v1/influencers/100").status, 200);  // from RAM
  EXPECT_EQ(world.get("/healthz").status, 200);
}

TEST_F(Api, AnswersWhileValuesComeIn) {
  std::jthread writer([this](const std::stop_token& stopped) {
    for (int i = 0; !stopped.stop_requested(); ++i) {
      world.add(first, {{100, i, 1}, {104, i, 1}});
    }
  });
  std::vector<std::jthread> readers;
  std::atomic<int> failed = 0;
  for (int r = 0; r < 4; ++r) {
    readers.emplace_back([this, &failed] {
      TestClient client(world.port());
      for (int i = 0; i < 50; ++i) {
        for (const auto* path : {"/api/v1/summary", "/api/v1/influencers/100",
                                 "/api/v1/leaderboard?limit=1", "/influencer_analytics/100"}) {
          failed += client.get(path).status != 200;
        }
      }
    });
  }
  readers.clear();
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace ia
