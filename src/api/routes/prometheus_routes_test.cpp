#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kApi = "/prometheus/api/v1/";

// 100 (Anna) and 101 in two minutes; it is 00:10:30.
class Prometheus : public ::testing::Test {
 protected:
  void SetUp() override {
    world.clock.advance(minutes{10} + std::chrono::seconds{30});
    world.watch({{InfluencerId{100}, InfluencerId{102}}});
    const auto now = world.now_minute();
    world.add(now - minutes{3}, {{100, 500, 10}, {101, 900, 0}}, {{InfluencerId{100}, "Anna"}},
              {{InfluencerId{102}, MissReason::kTimeout}});
    world.add(now - minutes{2}, {{100, 510, 10}, {101, 890, 0}, {102, 40, 4}});
    (void)world.store.close_minutes({now - minutes{3}, now - minutes{1}}, MissReason::kDown);
    world.verdicts.apply(std::vector<Verdict>{{.influencer = InfluencerId{100},
                                               .suspicious = true,
                                               .judged = {},
                                               .checked_at = world.clock.wall(),
                                               .changed_at = world.clock.wall()}});
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  static std::string escaped(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) != 0) {
        out += c;
      } else {
        out += {'%', kHex[byte >> 4], kHex[byte & 15]};
      }
    }
    return out;
  }
  std::string query(std::string_view text, const std::string& more = "") {
    return world.get(kApi + "query?query=" + escaped(text) + more).body;
  }

  TestWorld world;
};

TEST_F(Prometheus, AnswersTheHealthCheckOfGrafanaAsAForm) {
  const auto reply = world.change("POST", kApi + "query", "query=1%2B1&time=1767226200.5",
                                  "Content-Type: application/x-www-form-urlencoded\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"status":"success","data":{"resultType":"scalar",)"
                        R"("result":[1767226200.5,"2"]}})");
}

TEST_F(Prometheus, GivesOneInfluencer) {
  EXPECT_EQ(query("influencer_follower_count{id=\"100\"}", "&time=1767226170"),
            R"({"status":"success","data":{"resultType":"vector","result":[{"metric":)"
            R"({"__name__":"influencer_follower_count","id":"100","username":"Anna"},)"
            R"("value":[1767226170,"510"]}]}})");
  EXPECT_THAT(query("influencer_follower_count{username=\"Anna\"}"), HasSubstr("\"510\""));
  EXPECT_THAT(query("influencer_following_count{id=\"100\"}"), HasSubstr("\"10\""));
  EXPECT_THAT(query("influencer_follower_ratio{id=\"100\"}"), HasSubstr("\"51\""));
  EXPECT_THAT(query("influencer_follower_ratio{id=\"101\"}"), HasSubstr("\"result\":[]"));
  EXPECT_THAT(query("influencer_rank{id=~\"100|101\"}"),
              HasSubstr(R"("id":"101"},"value":[1767226230,"1"])"));
  EXPECT_THAT(query("influencer_suspicious{id=\"100\"}"), HasSubstr("\"1\""));
  EXPECT_THAT(query("influencer_follower_count{id=\"7\"}"), HasSubstr("\"result\":[]"));
  EXPECT_THAT(query("somebody_elses_metric"), HasSubstr("\"result\":[]"));
}

TEST_F(Prometheus, FindsTheHistoryOfWhoIsNoLongerWatchedByName) {
  world.forget_unwatched({{InfluencerId{101}, InfluencerId{102}}}, world.clock.wall());
  EXPECT_THAT(query("influencer_rank{id=\"100\"}"), HasSubstr("\"result\":[]"));
  EXPECT_THAT(query("influencer_follower_count{username=\"Anna\"}"),
              AllOf(HasSubstr("\"510\""), HasSubstr(R"("username":"Anna")")));
  EXPECT_THAT(world.get("/api/v1/influencers/100").body,
              AllOf(HasSubstr(R"("username":"Anna")"), HasSubstr(R"("rank":null)")));
  EXPECT_THAT(world.get("/api/v1/leaderboard?at=1767226080").body, HasSubstr("Anna"));
  EXPECT_THAT(world.get("/api/v1/verdicts").body, HasSubstr("Anna"));
  EXPECT_THAT(world.get("/api/v1/influencers/100/badge.svg").body, HasSubstr("Anna"));
}

TEST_F(Prometheus, GivesARangeWithItsGaps) {
  const auto range = "&start=1767225960&end=1767226500&step=60";
  const auto body =
      world
          .get(kApi + "query_range?query=" + escaped("influencer_follower_count{id=\"102\"}") +
               range)
          .body;
  EXPECT_THAT(body, HasSubstr(R"("values":[[1767226080,"40"]]})"));
}

TEST_F(Prometheus, GivesEverybodyFromTheMinutes) {
  EXPECT_THAT(query("avg(influencer_follower_count)"), HasSubstr("\"480\""));
  EXPECT_THAT(query("sum(influencer_following_count)"), HasSubstr("\"14\""));
  EXPECT_THAT(query("count(influencer_follower_count)"), HasSubstr("\"3\""));
  EXPECT_THAT(query("influencers_coverage_ratio"), HasSubstr("\"1\""));
  EXPECT_THAT(query("influencers_missed{reason=\"timeout\"} offset 2m", "&time=1767226140"),
              HasSubstr("\"1\""));
  const auto top = query("topk(1, influencer_follower_count)");
  EXPECT_THAT(top, HasSubstr("\"890\""));
  EXPECT_THAT(top, Not(HasSubstr("\"510\"")));
  EXPECT_THAT(top, HasSubstr("\"warnings\":[\"topk and bottomk of everybody are by the newest"));
}

// Of an outage: 100 has a value now, 101 with the most followers has none for an hour.
TEST_F(Prometheus, TheBestAreThoseThatHaveASampleThen) {
  world.clock.advance(minutes{60});
  const auto now = world.now_minute();
  world.add(now - minutes{1}, {{100, 520, 10}, {102, 41, 4}});
  EXPECT_THAT(query("topk(1, influencer_follower_count)"), HasSubstr("\"520\""));
  EXPECT_THAT(query("topk(2, influencer_follower_count)"),
              AllOf(HasSubstr("\"520\""), HasSubstr("\"41\""), Not(HasSubstr("\"890\""))));
  EXPECT_THAT(query("bottomk(1, influencer_follower_count)"), HasSubstr("\"41\""));
  EXPECT_THAT(query("topk(1, influencer_follower_count offset 61m)"), HasSubstr("\"890\""));
  const auto range = world.get(kApi + "query_range?start=1767226080&end=1767229740&step=60&query=" +
                               escaped("topk(1, influencer_follower_count)"));
  EXPECT_THAT(range.body,
              AllOf(HasSubstr(R"([[1767226080,"890"]])"), HasSubstr(R"([[1767229740,"520"]])")));
  EXPECT_THAT(query("topk(-1, influencer_follower_count)"), HasSubstr("\"result\":[]"));
  EXPECT_THAT(query("topk(NaN, influencer_follower_count)"), HasSubstr("whole number, got nan"));
}

TEST_F(Prometheus, TheBestOfYearsAreTooMuchToRead) {
  const std::string years = "query_range?start=1577836800&end=1767225600&step=86400&query=";
  EXPECT_EQ(world.get(kApi + years + escaped("topk(1, influencer_follower_count)")).status, 200);
  const auto reply = world.get(kApi + years + escaped("topk(3, influencer_follower_count)"));
  EXPECT_EQ(reply.status, 422);
  EXPECT_THAT(reply.body, HasSubstr("of 3 influencers are more than can be read at once"));
}

TEST_F(Prometheus, TheBestComeFirst) {
  const auto named = query("topk(3, influencer_follower_count{id=~\"100|101|102\"})");
  EXPECT_LT(named.find("\"890\""), named.find("\"510\""));
  EXPECT_LT(named.find("\"510\""), named.find("\"40\""));
  const auto worst = query("bottomk(2, influencer_follower_count{id=~\"100|101|102\"})");
  EXPECT_LT(worst.find("\"40\""), worst.find("\"510\""));
  const auto all = query("TOPK(3, influencer_follower_count)");
  EXPECT_LT(all.find("\"890\""), all.find("\"510\""));
}

TEST_F(Prometheus, GivesRawSamplesAndTexts) {
  EXPECT_EQ(query("influencer_follower_count{id=\"100\"}[5m]", "&time=1.76722617e9"),
            R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":)"
            R"({"__name__":"influencer_follower_count","id":"100","username":"Anna"},)"
            R"("values":[[1767226020,"500"],[1767226080,"510"]]}]}})");
  EXPECT_THAT(query("influencer_follower_count{id=\"7\"}[5m]"),
              HasSubstr(R"("resultType":"matrix","result":[])"));
  EXPECT_THAT(query("'a'", "&time=-1.5"),
              HasSubstr(R"("resultType":"string","result":[-1.5,"a"])"));
}

TEST_F(Prometheus, ListsWhatHasSamplesInTheTime) {
  const auto get = [&](const std::string& target) { return world.get(kApi + target).body; };
  const std::string before = "start=1767200000&end=1767210000";
  const std::string then = "start=1767226000&end=1767226100";
  const std::string after = "start=1767227000&end=1767228000";
  for (const auto& span : {before, after}) {
    EXPECT_THAT(get("labels?" + span), HasSubstr(R"("data":[])"));
    EXPECT_THAT(get("label/id/values?" + span), HasSubstr(R"("data":[])"));
    EXPECT_THAT(get("series?match[]=influencers_due&" + span), HasSubstr(R"("data":[])"));
  }
  EXPECT_THAT(get("labels?" + then), HasSubstr(R"(["__name__","id","reason","username"])"));
  EXPECT_THAT(get("labels?limit=1&" + then), HasSubstr(R"("data":["__name__"],"warnings")"));
  EXPECT_THAT(get("series?match[]=influencers_due&" + then), HasSubstr("influencers_due"));
}

TEST_F(Prometheus, NeverListsEverybody) {
  const auto reply = world.get(kApi + "query?query=influencer_follower_count");
  EXPECT_EQ(reply.status, 422);
  EXPECT_THAT(reply.body, HasSubstr(R"("errorType":"execution")"));
  EXPECT_THAT(reply.body, HasSubstr("name up to 100"));
  const auto series = world.get(kApi + "series?match[]=influencer_rank");
  EXPECT_THAT(series.body, HasSubstr("\"data\":[],\"warnings\":"));
}

TEST_F(Prometheus, TakesAsManyStepsAsPrometheus) {
  EXPECT_EQ(world.get(kApi + "query_range?query=1&start=0&end=11000&step=1").status, 200);
  EXPECT_EQ(world.get(kApi + "query_range?query=1&start=0&end=11000.9&step=1").status, 200);
}

TEST_F(Prometheus, SaysWhatIsWrong) {
  const auto error = [&](const std::string& target) {
    const auto reply = world.get(kApi + target);
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_THAT(reply.body, HasSubstr(R"({"status":"error","errorType":"bad_data")"));
    return reply.body;
  };
  EXPECT_THAT(error("query?query=(1"), HasSubstr("expected ')'"));
  EXPECT_THAT(error("query"), HasSubstr("invalid parameter \\\"query\\\""));
  EXPECT_THAT(error("query?query=1&time=soon"), HasSubstr("\\\"time\\\""));
  EXPECT_THAT(error("query_range?query=1&start=1&end=2"), HasSubstr("\\\"step\\\""));
  EXPECT_THAT(error("query_range?query=1&start=2&end=1&step=1"), HasSubstr("before start"));
  EXPECT_THAT(error("query_range?query=1&start=0&end=11001&step=1"), HasSubstr("11001 steps"));
  EXPECT_THAT(error("query_range?query=influencers_due[5m]&start=1&end=2&step=1"),
              HasSubstr("such as delta("));
  EXPECT_THAT(error("query?query=1&time=1767226200000"), HasSubstr("divided by 1000"));
  EXPECT_THAT(error("labels?limit=x"), HasSubstr("\\\"limit\\\""));
  EXPECT_THAT(error("labels?start=x"), HasSubstr("\\\"start\\\""));
  EXPECT_THAT(error("query_range?query=1&end=1&step=1"), HasSubstr("\\\"start\\\""));
  EXPECT_THAT(error("series"), HasSubstr("no match[]"));
  EXPECT_THAT(error("series?match[]=1"), HasSubstr("must be a selector"));
  EXPECT_THAT(error("label/id/values?limit=x"), HasSubstr("\\\"limit\\\""));
  EXPECT_THAT(error("query?query=%zz"), HasSubstr("hexadecimal"));
  const auto json = world.change("POST", kApi + "query", "{}");
  EXPECT_EQ(json.status, 400);
  EXPECT_THAT(json.body, HasSubstr("x-www-form-urlencoded"));
  EXPECT_EQ(world.change("PUT", kApi + "query", "").status, 405);
}

TEST_F(Prometheus, TellsGrafanaWhatThereIs) {
  const auto get = [&](const std::string& target) { return world.get(kApi + target).body; };
  EXPECT_THAT(get("status/buildinfo"), HasSubstr("\"version\":\"3.0.0\""));
  EXPECT_THAT(get("rules"), HasSubstr(R"("data":{"groups":[]})"));
  EXPECT_THAT(get("alerts"), HasSubstr(R"("data":{"alerts":[]})"));
  EXPECT_THAT(get("query_exemplars"), HasSubstr(R"("data":[])"));
  EXPECT_THAT(get("metadata"), HasSubstr("\"influencers_missed\":[{\"type\":\"gauge\""));
  EXPECT_THAT(get("labels"), HasSubstr(R"(["__name__","id","reason","username"])"));
  EXPECT_THAT(get("label/__name__/values"), HasSubstr("\"influencer_follower_count\""));
  EXPECT_THAT(get("label/reason/values"), HasSubstr("\"timeout\""));
  EXPECT_THAT(get("label/id/values?limit=2"), HasSubstr(R"("data":["100","101"])"));
  EXPECT_THAT(get("label/username/values"), HasSubstr(R"("data":["Anna"])"));
  EXPECT_THAT(get("label/nothing/values"), HasSubstr(R"("data":[])"));
  EXPECT_THAT(get("label/id/values?match[]=nonexistent"), HasSubstr(R"("data":[])"));
  EXPECT_THAT(get("label/id/values?match[]=influencers_due"), HasSubstr(R"("data":[])"));
  EXPECT_THAT(get("label/id/values?match[]=influencer_rank%7Bid%3D%227%22%7D"),
              HasSubstr(R"("data":[])"));
  EXPECT_THAT(get("label/id/values?match[]=influencer_rank"), HasSubstr(R"("data":["100")"));
  EXPECT_THAT(get("label/__name__/values?match[]=influencers_due"),
              HasSubstr(R"("data":["influencers_due"]})"));
  EXPECT_THAT(get("labels?match[]=%7Breason%3D%22timeout%22%7D"),
              HasSubstr(R"(["__name__","reason"])"));
  EXPECT_THAT(get("label/__name__/values?match[]=%7Breason%3D%22timeout%22%7D"),
              HasSubstr(R"("data":["influencers_missed"]})"));
  EXPECT_THAT(get("label/id/values?match[]=influencer_rank%7Bjob%3D%22x%22%7D"),
              HasSubstr(R"("data":[])"));
  EXPECT_THAT(get("label/id/values?match[]=influencer_rank%7Bid!%3D%22100%22%7D"),
              HasSubstr(R"("data":["101")"));
  EXPECT_THAT(get("label/id/values?limit=2"), HasSubstr("results truncated due to limit"));
  EXPECT_THAT(get("label/id/values"), Not(HasSubstr("warnings")));
  EXPECT_THAT(get("labels?match[]=influencers_missed"), HasSubstr(R"(["__name__","reason"])"));
  EXPECT_THAT(get("labels?match[]=influencer_rank"), HasSubstr(R"(["__name__","id","username"])"));
  EXPECT_THAT(get("metadata?metric=influencer_rank"),
              AllOf(HasSubstr("influencer_rank"), Not(HasSubstr("influencers_due"))));
  EXPECT_THAT(get("series?match[]=influencer_rank%7Bid%3D%22100%22%7D"),
              HasSubstr(R"([{"__name__":"influencer_rank","id":"100","username":"Anna"}])"));
}

// deploy/grafana/dashboards/influencers.json asks for nothing that is refused.
TEST_F(Prometheus, AnswersTheDashboardOfGrafana) {
  std::ifstream file(IA_GRAFANA_DASHBOARD);
  const std::string json((std::istreambuf_iterator<char>(file)), {});
  constexpr std::string_view kExpr = "\"expr\": \"";
  int expressions = 0;
  for (auto at = json.find(kExpr); at != std::string::npos; at = json.find(kExpr, at)) {
    at += kExpr.size();
    std::string text;
    for (; json[at] != '"'; ++at) text += json[json[at] == '\\' ? ++at : at];
    const auto variable = text.find("$influencer");
    if (variable != std::string::npos) text.replace(variable, 11, "100|101");
    const auto reply = world.get(
        kApi + "query_range?start=1767226020&end=1767226260&step=15&query=" + escaped(text));
    EXPECT_EQ(reply.status, 200) << text << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("\"values\":[[")) << text;
    ++expressions;
  }
  EXPECT_EQ(expressions, 10);
}

TEST_F(Prometheus, NeedsNoTokenForAForm) {
  TestWorld closed;
  closed.writes = {.token = "secret", .listens_on_loopback = false};
  closed.serve();
  EXPECT_EQ(closed
                .change("POST", kApi + "query", "query=1",
                        "Content-Type: application/x-www-form-urlencoded\r\n")
                .status,
            200);
}

}  // namespace
}  // namespace ia
