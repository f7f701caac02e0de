// Growth, movers and past minutes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
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

  void expect_problem(const Reply& reply, int status, const std::string& detail) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(detail));
  }

  TestWorld world{{.threads = 2}};
};

TEST_F(HistoryApi, ListsTheStrongestMovers) {
  live_a_day();
  world.set_movers(0, world.now_minute() - hours{1}, {{100, 2'000, 0}, {101, 4'500, 0}});
  const auto down = world.get("/api/v1/movers?direction=down").body;
  EXPECT_THAT(down, HasSubstr(R"("window":"1h","by":"absolute","direction":"down",)"
                              R"("since":"2026-01-01T23:00:00.000Z")"));
  EXPECT_THAT(down, HasSubstr(R"("compared":2,"risen":0,"fallen":2,"ups":0,"downs":-1000)"));
  EXPECT_THAT(
      down,
      HasSubstr(R"({"id":100,"username":"Anna","follower_count_before":2000,"follower_count":1500,)"
                R"("change":-500,"percent":-25.0,"rank":2},)"
                R"({"id":101,"username":null,"follower_count_before":4500,"follower_count":4000,)"
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
  EXPECT_THAT(body, HasSubstr(R"({"id":100,"minute":"2026-01-01T23:59:00.000Z",)"
                              R"("follower_count":1500,)"));
  EXPECT_THAT(body, HasSubstr(R"("hour":{"since":"2026-01-01T23:00:00.000Z","complete":true,)"
                              R"("follower_count_before":2000,"change":-500,"percent":-25.0,)"
                              R"("ups":0,"downs":-500,"values":2})"));
  EXPECT_THAT(body, HasSubstr(R"("day":{"since":"2026-01-01T00:00:00.000Z","complete":true,)"
                              R"("follower_count_before":1000,"change":500,"percent":50.0,)"
                              R"("ups":1000,"downs":-500,"values":3})"));
  EXPECT_THAT(body, HasSubstr(R"("week":{"since":"2026-01-01T00:00:00.000Z","complete":false)"));
}

TEST_F(HistoryApi, ShowsNoGrowthWithoutValues) {
  EXPECT_THAT(world.get("/api/v1/influencers/119/growth").body,
              HasSubstr(R"({"id":119,"minute":null,"follower_count":null,"hour":null,"day":null,)"
                        R"("week":null})"));
  expect_problem(world.get("/api/v1/influencers/99/growth"), 404, "Nobody watches");
  live_a_day();
  world.clock.advance(hours{2});
  EXPECT_THAT(world.get("/api/v1/influencers/100/growth").body, HasSubstr(R"("hour":null)"));
}

}  // namespace
}  // namespace ia
