// GET /api/v1/compare, against the running server.
#include "api/series/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::HasSubstr;

// Ids 100 to 119 are watched. 100 has values at 00:02, 00:03 and 00:05, 101 at 00:03 and 00:04, 102
// follows nobody at first, 103 has no followers at first.
class Compare : public ::testing::Test {
 protected:
  void SetUp() override {
    world.watch({{InfluencerId{100}, InfluencerId{119}}});
    world.clock.advance(minutes{6});
    const auto start = world.now_minute() - minutes{6};
    world.add(start + minutes{2}, {{100, 500, 10}, {102, 8, 0}, {103, 0, 4}});
    world.add(start + minutes{3}, {{100, 600, 10}, {101, 40, 3}});
    world.add(start + minutes{4}, {{101, 30, 3}, {102, 6, 3}, {103, 2, 2}});
    world.add(start + minutes{5}, {{100, 450, 20}});
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  std::string body(const std::string& query) { return world.get("/api/v1/compare?" + query).body; }

  TestWorld world;
};

const std::string kRange = "&start=1767225720&end=1767225960";  // 00:02 to 00:06

TEST_F(Compare, PutsSeriesOnOneTimeAxis) {
  const auto reply = world.get("/api/v1/compare?influencers=100,101" + kRange);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.header("cache-control"), "no-cache");
  EXPECT_EQ(
      reply.body,
      R"({"start":"2026-01-01T00:02:00.000Z","end":"2026-01-01T00:06:00.000Z","step_seconds":60,)"
      R"("aggregate":"max","scale":"absolute",)"
      R"("time_ms":[1767225720000,1767225780000,1767225840000,1767225900000],"series":[)"
      R"({"id":100,"id_str":"100",)"
      R"("base":{"time_ms":1767225720000,"follower_count":500,"following_count":10,)"
      R"("follower_ratio":50.0},"follower_count":[500,600,null,450],)"
      R"("following_count":[10,10,null,20],"follower_ratio":[50.0,60.0,null,22.5]},)"
      R"({"id":101,"id_str":"101",)"
      R"("base":{"time_ms":1767225780000,"follower_count":40,"following_count":3,)"
      R"("follower_ratio":13.3333},"follower_count":[null,40,30,null],)"
      R"("following_count":[null,3,3,null],"follower_ratio":[null,13.3333,10.0,null]}]})");
}

TEST_F(Compare, IndexesEachToItsFirstValue) {
  const auto text = body("influencers=100,101&scale=indexed" + kRange);
  EXPECT_THAT(text, HasSubstr(R"("scale":"indexed")"));
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[100.0,120.0,null,90.0],)"
                              R"("following_count":[100.0,100.0,null,200.0],)"
                              R"("follower_ratio":[100.0,120.0,null,45.0])"));
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[null,100.0,75.0,null])"));
  EXPECT_THAT(text, HasSubstr(R"("base":{"time_ms":1767225720000,"follower_count":500,)"));
}

TEST_F(Compare, TellsTheChangeInPercent) {
  const auto text = body("influencers=101,100&scale=percent" + kRange);
  EXPECT_THAT(text, HasSubstr(R"("series":[{"id":101,"id_str":"101",)"));
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[null,0.0,-25.0,null])"));
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[0.0,20.0,null,-10.0])"));
}

TEST_F(Compare, HasNoScaleForWhatBeginsWithNothing) {
  const auto text = body("influencers=102,103&scale=indexed" + kRange);
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[100.0,null,75.0,null],)"
                              R"("following_count":[null,null,null,null],)"
                              R"("follower_ratio":[null,null,null,null])"));
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[null,null,null,null],)"
                              R"("following_count":[100.0,null,50.0,null],)"
                              R"("follower_ratio":[null,null,null,null])"));
  EXPECT_THAT(body("influencers=102,103" + kRange),
              HasSubstr(R"("follower_ratio":[null,null,2.0,null])"));
}

TEST_F(Compare, AggregatesInSteps) {
  const auto text = body("influencers=100,101&step=2m&aggregate=avg" + kRange);
  EXPECT_THAT(text, HasSubstr(R"("time_ms":[1767225720000,1767225840000])"));
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[550.0,450.0])"));
  EXPECT_THAT(text, HasSubstr(R"("follower_count":[40.0,30.0])"));
}

TEST_F(Compare, RowsHoldWhatAnybodyHas) {
  EXPECT_THAT(body("influencers=101,110&format=rows" + kRange),
              HasSubstr(R"("scale":"absolute","influencers":[101,110],)"
                        R"("influencers_str":["101","110"],"columns":["time_ms",)"
                        R"("follower_count_101","following_count_101","follower_ratio_101",)"
                        R"("follower_count_110","following_count_110","follower_ratio_110"],)"
                        R"("rows":[[1767225780000,40,3,13.3333,null,null,null],)"
                        R"([1767225840000,30,3,10.0,null,null,null]]})"));
  EXPECT_THAT(body("influencers=110,111&format=rows" + kRange), HasSubstr(R"("rows":[]})"));
}

TEST_F(Compare, IsATableInCsv) {
  const auto reply = world.get("/api/v1/compare?influencers=100,101&format=csv" + kRange);
  EXPECT_EQ(reply.header("content-type"), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(reply.header("content-disposition"), "attachment; filename=\"compare.csv\"");
  EXPECT_EQ(reply.body,
            "minute,follower_count_100,following_count_100,follower_ratio_100,"
            "follower_count_101,following_count_101,follower_ratio_101\r\n"
            "2026-01-01T00:02:00Z,500,10,50.0,,,\r\n"
            "2026-01-01T00:03:00Z,600,10,60.0,40,3,13.3333\r\n"
            "2026-01-01T00:04:00Z,,,,30,3,10.0\r\n"
            "2026-01-01T00:05:00Z,450,20,22.5,,,\r\n");
}

TEST_F(Compare, SaysNothingOfThoseWithoutValues) {
  EXPECT_THAT(body("influencers=100,119" + kRange),
              HasSubstr(R"({"id":119,"id_str":"119",)"
                        R"("base":null,"follower_count":[null,null,null,null],)"));
}

TEST_F(Compare, MayBeKeptForeverOnceItIsFinal) {
  const auto target = "/api/v1/compare?influencers=100,101" + kRange;
  EXPECT_EQ(world.get(target).header("etag"), "");
  const Minute first{minutes{29'453'760}};
  (void)world.store.close_minutes({first, first + minutes{120}}, MissReason::kDown);
  world.clock.advance(minutes{125});
  const auto reply = world.get(target);
  EXPECT_EQ(reply.header("cache-control"), "public, max-age=31536000, immutable");
  std::set<std::string> tags{reply.header("etag")};
  for (const auto* other : {"&scale=indexed", "&scale=percent", "&format=csv", "&format=rows"}) {
    tags.insert(world.get(target + other).header("etag"));
  }
  tags.insert(world.get("/api/v1/compare?influencers=101,100" + kRange).header("etag"));
  EXPECT_EQ(tags.size(), 6U);
  EXPECT_EQ(world.get(target, "If-None-Match: " + reply.header("etag") + "\r\n").status, 304);
}

TEST_F(Compare, RefusesWhatItCannotAnswer) {
  const auto detail_of = [this](const std::string& query, int status) {
    const auto reply = world.get("/api/v1/compare" + query);
    EXPECT_EQ(reply.status, status) << query;
    return reply.body;
  };
  const auto ids = HasSubstr("influencers must be 2 to 10 different ids with commas between them");
  EXPECT_THAT(detail_of("", 400), ids);
  EXPECT_THAT(detail_of("?influencers=100", 400), ids);
  EXPECT_THAT(detail_of("?influencers=100,100", 400), ids);
  EXPECT_THAT(detail_of("?influencers=1,2,3,4,5,6,7,8,9,10,11", 400), ids);
  EXPECT_THAT(detail_of("?influencers=100,9223372036854775808", 400), ids);
  EXPECT_THAT(detail_of("?influencers=100,101&scale=log", 400),
              HasSubstr("must be one of absolute, indexed, percent"));
  EXPECT_THAT(detail_of("?influencers=100,99", 404), HasSubstr("Nobody watches influencer 99"));
  EXPECT_THAT(detail_of("?influencers=100,101,102,103&start=1766000000&end=1767000000", 400),
              HasSubstr("would give 66668 points, at most 50000 are allowed: ask for 2m or more"));
}

}  // namespace
}  // namespace ia
