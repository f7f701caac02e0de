#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Influencer 100 gained 10 a minute for two days, and 5,000 at 06:00 of the second; 101 to 109 have
// one value each.
class Signals : public ::testing::Test {
 protected:
  void SetUp() override {
    begin = world.now_minute();
    world.clock.advance(days{2});
    world.watch({{InfluencerId{100}, InfluencerId{120}}});
    std::vector<PointBatch> batches;
    for (int i = 0; i < 2 * 1'440; ++i) {
      const std::int64_t bought = i < 1'440 + 360 ? 0 : 5'000;
      batches.push_back({.minute = begin + minutes{i},
                         .retrieved_at = begin + minutes{i},
                         .influencers = {InfluencerId{100}},
                         .followers = {20'000 + 10 * i + bought},
                         .following = {500},
                         .misses = {},
                         .usernames = {}});
    }
    (void)world.store.append(batches);
    std::vector<TestWorld::Value> values;
    for (std::uint64_t id = 101; id < 110; ++id) values.push_back({id, 50'000, 10});
    values.push_back({110, 50'000, 0});
    values.insert(values.begin(), {100, 20'000 + 10 * 2'880 + 5'000, 500});
    world.add(begin + days{2}, values);
    world.clock.advance(minutes{1});
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  std::string range(minutes from, minutes to) const {
    const auto seconds_of = [this](minutes since) {
      return std::to_string(std::chrono::seconds{(begin + since).time_since_epoch()}.count());
    };
    return "?start=" + seconds_of(from) + "&end=" + seconds_of(to);
  }

  TestWorld world;
  Minute begin;
};

const std::string kPath = "/api/v1/influencers/100/signals";

TEST_F(Signals, AreTheFindingsOfTheLastDayNewestFirst) {
  const auto reply = world.get(kPath);

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("cache-control"), "no-cache");
  EXPECT_EQ(reply.body,
            R"({"id":100,"id_str":"100",)"
            R"("start":"2026-01-02T00:01:00.000Z","end":"2026-01-03T00:01:00.000Z",)"
            R"("thresholds":{"jump_z":8.0,"jump_least":100,"jump_within_seconds":900,)"
            R"("step_hold_seconds":3600,"step_share":0.5,"saw_tooth_least":200,"saw_tooth_runs":4,)"
            R"("ratio_percentile":10.0},)"
            R"("usual":{"followers_per_minute":10.0,"spread":4.3518,"changes":1440},)"
            R"("ratio":{"follower_ratio":107.6,"percentile":10.0,"of":10,)"
            R"("as_of":"2026-01-03T00:00:00.000Z"},)"
            R"("findings":[{"kind":"low_ratio","start":"2026-01-03T00:00:00.000Z",)"
            R"("end":"2026-01-03T00:00:00.000Z","size":53800,"score":10.0,)"
            R"("evidence":"107.60 followers for each followed account (53,800 / 500): )"
            R"(10.0 % of 10 influencers have no more"},)"
            R"({"kind":"step","start":"2026-01-02T05:59:00.000Z","end":"2026-01-02T06:00:00.000Z",)"
            R"("size":5010,"score":5000.0,)"
            R"("evidence":"+5,010 followers in one minute at 2026-01-02 06:00 UTC: )"
            R"(5,000 x its usual change, and the level stayed"}],"more":false})");
}

TEST_F(Signals, KnowWhatWasUsualBeforeTheRangeAndWhatCameAfterIt) {
  const auto around = world.get(kPath + range(hours{29} + minutes{55}, hours{30} + minutes{5}));
  EXPECT_THAT(around.body, AllOf(HasSubstr("\"kind\":\"step\""), HasSubstr("\"score\":5000.0"),
                                 Not(HasSubstr("low_ratio"))));
  EXPECT_THAT(world.get(kPath + range(hours{30} + minutes{1}, hours{31})).body,
              HasSubstr("\"findings\":[]"));
}

TEST_F(Signals, OfSomebodyWithoutValuesAreNone) {
  EXPECT_THAT(world.get("/api/v1/influencers/120/signals").body,
              HasSubstr(R"("usual":null,"ratio":null,"findings":[],"more":false)"));
  EXPECT_THAT(world.get("/api/v1/influencers/110/signals").body, HasSubstr(R"("ratio":null)"));
  EXPECT_EQ(world.get("/api/v1/influencers/99/signals").status, 404);
}

TEST_F(Signals, RefuseWhatTheyCannotAnswer) {
  world.clock.advance(days{40});
  EXPECT_EQ(world.get(kPath + range(days{2}, days{33})).status, 200);
  const auto reply = world.get(kPath + range(days{2}, days{33} + minutes{2}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("must be at most 31 days before end"));
  EXPECT_EQ(world.get(kPath + "?limit=3").status, 400);
  world.store.set_down(true);
  EXPECT_EQ(world.get(kPath).status, 503);
}

// The newest of everybody's: 7's at 02:00 and 101's within the three minutes up to 01:03.
TEST_F(Signals, OfEverybodyAreCandidatesWithALinkToTheirProof) {
  EXPECT_THAT(world.get("/api/v1/signals").body, HasSubstr(R"("candidates":[],"more":false})"));
  world.add(begin + days{2}, {}, {{InfluencerId{101}, "anna"}});
  world.jumps = std::make_shared<JumpCandidates>(JumpCandidates{
      {InfluencerId{7}, begin + minutes{119}, begin + minutes{120}, -300, 9'700, 12},
      {InfluencerId{101}, begin + minutes{60}, begin + minutes{63}, 5'000, 55'000, 40}});

  const std::string anna =
      R"({"id":101,"id_str":"101","username":"anna","start":"2026-01-01T01:00:00.000Z",)"
      R"("end":"2026-01-01T01:03:00.000Z","size":5000,"score":40.0,"follower_count":55000,)"
      R"("evidence":"+5,000 followers in 3 minutes up to 2026-01-01 01:03 UTC: )"
      R"(up to 40 x its usual change",)"
      R"("signals":"/api/v1/influencers/101/signals?start=1767225600&end=1767232980"})";
  EXPECT_THAT(world.get("/api/v1/signals").body,
              AllOf(HasSubstr(R"("jump_z":8.0,"jump_least":100,"candidates":[{"id":7,"id_str":"7",)"
                              R"()"),
                    HasSubstr(anna + R"(],"more":false})")));
  EXPECT_THAT(world.get("/api/v1/signals?limit=1").body,
              AllOf(Not(HasSubstr("anna")), HasSubstr(R"("more":true)")));
  EXPECT_THAT(world.get("/api/v1/signals?since=2026-01-01T01:03:00Z").body, HasSubstr("anna"));
  EXPECT_THAT(world.get("/api/v1/signals?since=2026-01-01T01:04:00Z").body,
              AllOf(Not(HasSubstr("anna")), HasSubstr(R"("more":false)")));
  EXPECT_EQ(world.get("/api/v1/signals?limit=0").status, 400);
}

}  // namespace
}  // namespace ia
