#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <thread>

#include "api/alert_json.h"
#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kAlerts = "/api/v1/alerts";
const std::string kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kThreshold = R"({
  "name": "a million", "kind": "threshold", "direction": "above", "value": 1000000,
  "hysteresis": 5000, "influencers": [102, 100, 102], "cool_down_minutes": 60,
  "url": "https://hooks.example/services/T0/B0", "secret": ")" +
                               kSecret + "\"}";

class AlertRoutesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world.serve();
    ASSERT_EQ(world.error, "");
  }
  // A rule of a kind, with the members that make it.
  static std::string a_rule(const std::string& members) {
    return R"({"name": "r", "influencers": [1], "url": "http://a/", )" + members + "}";
  }
  void expect_wrong(const std::string& body, const std::string& parameter,
                    const std::string& detail) {
    const auto reply = world.change("POST", kAlerts, body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_THAT(reply.body,
                AllOf(HasSubstr("\"parameter\":\"" + parameter + "\""), HasSubstr(detail)));
  }

  TestWorld world;
};

TEST_F(AlertRoutesTest, KeepsARuleAndShowsIt) {
  const auto added = world.change("POST", kAlerts, kThreshold);
  EXPECT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.header("location"), "/api/v1/alerts/1");
  EXPECT_EQ(added.body,
            R"({"id":1,"name":"a million","enabled":true,"influencers":[100,102],)"
            R"("influencers_str":["100","102"],)"
            R"("kind":"threshold","metric":"followers","direction":"above","value":1000000,)"
            R"("hysteresis":5000,"cool_down_minutes":60,"target":"https://hooks.example",)"
            R"("signed":true,"created_at":"2026-01-01T00:00:00.000Z",)"
            R"("updated_at":"2026-01-01T00:00:00.000Z","etag":"\"1-1-19b76daa800\""})");
  EXPECT_EQ(world.get(kAlerts + "/1").body, added.body);
  EXPECT_THAT(world.get(kAlerts).body, HasSubstr("\"items\":[" + added.body + "]"));
}

TEST_F(AlertRoutesTest, WarnsOfInfluencersThatAreNotWatched) {
  world.watch({{InfluencerId{100}, InfluencerId{101}}});
  const auto added = world.change("POST", kAlerts, kThreshold);
  EXPECT_EQ(added.status, 201);
  EXPECT_THAT(added.body, HasSubstr(R"("warnings":["not watched, so no alert comes until that )"
                                    R"(changes: 102"])"));
  EXPECT_THAT(world.get(kAlerts).body, Not(HasSubstr("warnings")));

  world.watch({{InfluencerId{100}, InfluencerId{109}}});
  const auto replaced = world.change("PUT", kAlerts + "/1", kThreshold);
  EXPECT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_THAT(replaced.body, Not(HasSubstr("warnings")));
}

TEST_F(AlertRoutesTest, RefusesANewAddressThatNothingMayBeSentTo) {
  const std::string other = R"("kind":"rank","direction":"enters","rank":1)";
  ASSERT_EQ(world.change("POST", kAlerts, a_rule(other)).status, 201);
  world.refuse_url("http://a/");
  expect_wrong(a_rule(other), "url", "is refused by the test");
  EXPECT_EQ(world.change("PUT", kAlerts + "/1", a_rule(other)).status, 200)
      << "it is known already";
}

TEST_F(AlertRoutesTest, KnowsEveryKind) {
  const std::vector<std::string> kinds = {
      R"("kind":"threshold","metric":"following","direction":"below","value":5,"hysteresis":0)",
      R"("kind":"relative","metric":"followers","direction":"either","count":500,)"
      R"("percent":2.5,"window_minutes":1440)",
      R"("kind":"milestone","every":100000,"values":null)",
      R"("kind":"milestone","every":null,"values":[10,1000])",
      R"("kind":"rank","direction":"passes","rank":100)",
      R"("kind":"verdict","direction":"suspicious")",
  };
  for (const auto& kind : kinds) {
    const auto reply = world.change("POST", kAlerts, a_rule(kind));
    EXPECT_EQ(reply.status, 201) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(kind));
  }
  EXPECT_THAT(world.get(kAlerts).body,
              HasSubstr(R"("kinds":["threshold","relative","milestone","rank","verdict"])"));
}

TEST_F(AlertRoutesTest, NeverShowsTheAddressOrTheSecret) {
  world.change("POST", kAlerts, kThreshold);
  for (const auto& path : {kAlerts, kAlerts + "/1", kAlerts + "/log"}) {
    EXPECT_THAT(world.get(path).body, AllOf(Not(HasSubstr("services")), Not(HasSubstr("whsec_"))));
  }
}

TEST_F(AlertRoutesTest, ARuleThatWasReadCanBeSentBack) {
  world.change("POST", kAlerts, kThreshold);
  world.clock.advance(minutes{5});
  const auto before = world.alerts.rule(AlertRuleId{1}).value();
  const auto reply = world.change("PUT", kAlerts + "/1", world.get(kAlerts + "/1").body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  auto after = world.alerts.rule(AlertRuleId{1}).value();
  EXPECT_EQ(after.updated_at, world.clock.wall());
  EXPECT_EQ(after.version, before.version + 1);
  after.updated_at = before.updated_at;
  after.version = before.version;
  EXPECT_EQ(after, before) << "with its address and its secret";
}

TEST_F(AlertRoutesTest, AnAddressCanBeReplacedAndASecretRemoved) {
  world.change("POST", kAlerts, kThreshold);
  const auto reply = world.change(
      "PUT", kAlerts + "/1",
      R"({"name":"b","enabled":false,"influencers":[7],"kind":"rank","direction":"leaves",)"
      R"("rank":9,"url":"http://other.example/x","secret":null})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  const auto rule = world.alerts.rule(AlertRuleId{1}).value();
  EXPECT_EQ(rule.target, (AlertTarget{.url = "http://other.example/x", .secret = ""}));
  EXPECT_FALSE(rule.enabled);
  EXPECT_EQ(
      rule.condition,
      (AlertCondition{.kind = AlertKind::kRank, .direction = AlertDirection::kDown, .level = 9}));
}

// A secret is shared with one receiver: a message to another must not be signed with it.
TEST_F(AlertRoutesTest, ASecretIsNeverUsedForAnotherAddress) {
  world.change("POST", kAlerts, kThreshold);
  const std::string verdict = R"("kind":"verdict","direction":"clear")";
  const auto put = [&](const std::string& members) {
    return world.change("PUT", kAlerts + "/1",
                        R"({"name":"r","influencers":[1],)" + verdict + members + "}");
  };
  for (const auto* url : {"https://other.example/", "https://hooks.example/services/T0/B1",
                          "http://hooks.example/services/T0/B0", "HTTPS://HOOKS.example:444/"}) {
    const auto reply = put(R"(,"url":")" + std::string(url) + '"');
    EXPECT_EQ(reply.status, 400) << url;
    EXPECT_THAT(reply.body, HasSubstr(R"("parameter":"secret")")) << url;
  }
  EXPECT_EQ(world.alerts.rule(AlertRuleId{1})->target.secret, kSecret);
  EXPECT_EQ(put(R"(,"url":"https://hooks.example/services/T0/B0")").status, 200);
  EXPECT_EQ(world.alerts.rule(AlertRuleId{1})->target.secret, kSecret);
  EXPECT_EQ(put(R"(,"url":"https://other.example/","secret":null)").status, 200);
  EXPECT_EQ(world.alerts.rule(AlertRuleId{1})->target.secret, "");
  EXPECT_EQ(put(R"(,"url":"https://third.example/")").status, 200) << "there is none to keep";
}

TEST_F(AlertRoutesTest, AnAddressMayHaveItsSchemeInCapitals) {
  const auto reply = world.change("POST", kAlerts,
                                  R"({"name":"r","influencers":[1],"kind":"verdict",)"
                                  R"("direction":"clear","url":"HTTPS://Hooks.example/x"})");
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr(R"("target":"HTTPS://Hooks.example")"));
}

std::string if_match(std::string_view etag) {
  return "Content-Type: application/json\r\nIf-Match: " + std::string(etag) + "\r\n";
}

TEST_F(AlertRoutesTest, ChangesARuleOnlyAsItWasRead) {
  const auto made = world.change("POST", kAlerts, kThreshold).header("etag");
  EXPECT_EQ(made, world.get(kAlerts + "/1").header("etag"));
  EXPECT_EQ(world.get(kAlerts + "/1", "If-None-Match: " + made + "\r\n").status, 304);
  const auto put = [&](const std::string& tag) {
    return world.change("PUT", kAlerts + "/1", kThreshold, if_match(tag));
  };
  const auto second = put(made);
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_NE(second.header("etag"), made);
  const auto late = put(made);
  EXPECT_EQ(late.status, 412);
  EXPECT_THAT(late.body, HasSubstr("has changed since you read it"));
  EXPECT_EQ(world.change("DELETE", kAlerts + "/1", "", if_match(made)).status, 412);
  EXPECT_EQ(put("W/" + second.header("etag")).status, 412) << "a weak one never matches";
  EXPECT_EQ(put("\"x\", " + second.header("etag")).status, 200);
  EXPECT_EQ(put("*").status, 200);
  EXPECT_EQ(world.change("PUT", kAlerts + "/1", "{}", if_match(made)).status, 400);
  EXPECT_EQ(world.change("PUT", kAlerts + "/2", kThreshold, if_match("*")).status, 404);
  EXPECT_EQ(world
                .change("PUT", kAlerts + "/1", kThreshold,
                        "Content-Type: application/json\r\nIf-None-Match: *\r\n")
                .status,
            412);
  const auto now = world.get(kAlerts + "/1").header("etag");
  EXPECT_EQ(world.change("DELETE", kAlerts + "/1", "", if_match(now)).status, 204);
}

TEST_F(AlertRoutesTest, TheListSaysTheETagOfEachRuleAndHasOneItself) {
  world.change("POST", kAlerts, kThreshold);
  const auto list = world.get(kAlerts);
  auto tag = world.get(kAlerts + "/1").header("etag");
  EXPECT_THAT(list.body, HasSubstr(R"("etag":"\")" + tag.substr(1, tag.size() - 2) + R"(\"")"));
  const auto same = "If-None-Match: " + list.header("etag") + "\r\n";
  EXPECT_EQ(world.get(kAlerts, same).status, 304);
  world.change("PUT", kAlerts + "/1", kThreshold);
  EXPECT_EQ(world.get(kAlerts, same).status, 200);
}

// Both keep the address that the rule has: neither may bring back what the other replaced.
TEST_F(AlertRoutesTest, NoChangeIsLostBetweenTwoOthers) {
  world.change("POST", kAlerts, kThreshold);
  const auto change = [&](const std::string& members) {
    for (int i = 0; i < 50; ++i) {
      const auto reply = world.change("PUT", kAlerts + "/1",
                                      R"({"name":"r","influencers":[1],"kind":"verdict",)"
                                      R"("direction":"clear")" +
                                          members + "}");
      EXPECT_TRUE(reply.status == 200 || reply.status == 412) << reply.body;
    }
  };
  std::jthread mover([&] { change(R"(,"url":"https://new.example/","secret":null)"); });
  change("");
  mover.join();
  EXPECT_EQ(world.alerts.rule(AlertRuleId{1})->target.url, "https://new.example/");
}

TEST_F(AlertRoutesTest, SaysEverythingThatIsWrong) {
  expect_wrong("", "body", "JSON object");
  expect_wrong("[1]", "body", "JSON object");
  expect_wrong("{", "body", "JSON object");
  expect_wrong("\xef\xbb\xbf{\"kind\":\"rank\"}", "body", "JSON object");
  expect_wrong("{}", "kind", "must be one of threshold, relative, milestone, rank, verdict");
  expect_wrong(R"({"kind": "threshold"})", "direction", "must be one of above, below");
  const std::string threshold = R"("kind": "threshold", "direction": "above", )";
  expect_wrong(a_rule(threshold + R"("hysteresis": 1)"), "value", "is needed");
  expect_wrong(a_rule(threshold + R"("value": 1.5)"), "value", "must be a whole number");
  expect_wrong(a_rule(threshold + R"("value": 1, "rank": 2)"), "rank", "is not known to this kind");
  expect_wrong(a_rule(threshold + R"("value": 1, "value": 2)"), "value", "more than once");
  expect_wrong(a_rule(threshold + R"("value": 1, "enabled": 1)"), "enabled", "true or false");
  expect_wrong(a_rule(threshold + R"("value": 1, "metric": "likes")"), "metric", "followers");
  expect_wrong(a_rule(threshold + R"("value": 1, "hysteresis": 2)"), "hysteresis", "below 0");
  const std::string relative = R"("kind": "relative", "direction": "rise", )";
  expect_wrong(a_rule(relative + R"("window_minutes": 60)"), "percent", "or count is needed");
  expect_wrong(a_rule(relative + R"("percent": 1.234, "window_minutes": 60)"), "percent",
               "two decimals");
  expect_wrong(a_rule(relative + R"("percent": 1, "window_minutes": 1441)"), "window_minutes",
               "from 1 to 1440");
  expect_wrong(R"({"name": "r", "influencers": ["a"], "url": "http://a/", "kind": "verdict",
                   "direction": "clear"})",
               "influencers", "list of at most 1000 ids");
  const auto reply = world.change("POST", kAlerts, R"({"kind": "rank", "direction": "enters",
                                                       "rank": 0})");
  for (const auto* member : {"name", "influencers", "rank", "url"}) {
    EXPECT_THAT(reply.body, HasSubstr("\"parameter\":\"" + std::string(member) + "\""));
  }
}

// One rule of each kind, as the members that it can have and a good value of each.
using RuleMembers = std::vector<std::pair<std::string, std::string>>;
const std::vector<RuleMembers> kRulesByMember = {
    {{"kind", R"("threshold")"},
     {"metric", R"("followers")"},
     {"direction", R"("above")"},
     {"value", "1"},
     {"hysteresis", "0"},
     {"enabled", "true"},
     {"cool_down_minutes", "5"},
     {"secret", '"' + kSecret + '"'}},
    {{"kind", R"("relative")"},
     {"metric", R"("following")"},
     {"direction", R"("either")"},
     {"count", "5"},
     {"percent", "2.5"},
     {"window_minutes", "60"}},
    {{"kind", R"("milestone")"}, {"every", "10"}},
    {{"kind", R"("milestone")"}, {"values", "[10,20]"}},
    {{"kind", R"("rank")"}, {"direction", R"("enters")"}, {"rank", "10"}},
    {{"kind", R"("verdict")"}, {"direction", R"("clear")"}},
};

std::string object_of(const RuleMembers& members) {
  std::string body;
  for (const auto& [name, value] : members) {
    body += (body.empty() ? "{\"" : ",\"") + name + "\":" + value;
  }
  return body + "}";
}

TEST_F(AlertRoutesTest, TakesAnyJsonInAnyPlaceOfABody) {
  const std::vector<std::string> anything = {"null",
                                             "true",
                                             "false",
                                             "0",
                                             "-1",
                                             "1.5",
                                             "1e308",
                                             "-0.0",
                                             "2147483648",
                                             R"("")",
                                             R"("1000000")",
                                             R"("\u0000")",
                                             "[]",
                                             "[null]",
                                             "[true]",
                                             "[[]]",
                                             R"(["1"])",
                                             "[1,-1]",
                                             "[1.5]",
                                             "[{}]",
                                             R"([1,"a"])",
                                             "{}",
                                             R"({"a":1})",
                                             R"({"0":[1]})",
                                             "[18446744073709551615]",
                                             "9223372036854775807",
                                             "-9223372036854775808",
                                             "18446744073709551615",
                                             "18446744073709551616"};
  ASSERT_EQ(world.change("POST", kAlerts, kThreshold).status, 201);
  for (auto members : kRulesByMember) {
    members.insert(members.end(),
                   {{"name", R"("r")"}, {"influencers", "[1]"}, {"url", R"("http://a/")"}});
    ASSERT_EQ(world.change("PUT", kAlerts + "/1", object_of(members)).status, 200);
    for (auto& member : members) {
      const auto good = std::exchange(member.second, "");
      for (const auto& value : anything) {
        member.second = value;
        const auto body = object_of(members);
        const auto reply = world.change("PUT", kAlerts + "/1", body);
        const bool names_it = reply.body.find("\"parameter\":\"") != std::string::npos;
        EXPECT_TRUE(reply.status == 200 || (reply.status == 400 && names_it))
            << body << reply.status << reply.body;
      }
      member.second = good;
    }
  }
}

TEST_F(AlertRoutesTest, TakesWholeNumbersWithAFraction) {
  const auto body = a_rule(R"("kind": "threshold", "direction": "above", "value": 1e3,)"
                           R"( "hysteresis": 5.0, "cool_down_minutes": 60.0)");
  const auto reply = world.change("POST", kAlerts, body);
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr(R"("value":1000,"hysteresis":5,"cool_down_minutes":60)"));
}

TEST_F(AlertRoutesTest, NamesAListThatIsNone) {
  for (const auto* value : {R"("1000000")", "1000000", "{}", R"({"a":1})", "true", "[[]]"}) {
    expect_wrong(R"({"name":"r","url":"http://a/","kind":"verdict","direction":"clear",)"
                 R"("influencers":)" +
                     std::string(value) + "}",
                 "influencers", "whole numbers or their digits");
    expect_wrong(a_rule(R"("kind":"milestone","values":)" + std::string(value)), "values",
                 "whole numbers from 0");
  }
}

TEST_F(AlertRoutesTest, TakesWholeNumbersAsJsonHasThem) {
  const auto reply =
      world.change("POST", kAlerts,
                   R"({"name":"r","url":"http://a/","kind":"milestone","values":[1e3,2000.0],)"
                   R"("influencers":[7.0,9223372036854775807],"cool_down_minutes":6e1})");
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_THAT(reply.body, AllOf(HasSubstr(R"("values":[1000,2000])"),
                                HasSubstr(R"("influencers":[7,9223372036854775807],)"),
                                HasSubstr(R"("cool_down_minutes":60)")));
  expect_wrong(a_rule(R"("kind":"milestone","every":9007199254740993.0)"), "every", "from 1 to");
  expect_wrong(a_rule(R"("kind":"milestone","every":1e300)"), "every", "whole number");
  expect_wrong(a_rule(R"("kind":"milestone","values":[-1.0])"), "values", "whole numbers from 0");
}

TEST_F(AlertRoutesTest, OverlooksWhatOnlyTheServerSays) {
  const std::string verdict = R"("kind":"verdict","direction":"clear",)";
  for (const auto* ignored : {R"("id":9,"signed":"x")", R"("id":{"a":1})", R"("created_at":[])",
                              R"("id":1e308)", R"("target":null)"}) {
    EXPECT_EQ(world.change("POST", kAlerts, a_rule(verdict + ignored)).status, 201) << ignored;
  }
}

// A reader whose numbers are doubles sends digits as text, or what it read as it rounded it.
TEST_F(AlertRoutesTest, TakesIdsThatAReaderRounded) {
  const std::string start =
      R"({"name":"r","url":"http://a/","kind":"verdict","direction":"clear",)";
  const auto made = world.change(
      "POST", kAlerts, start + R"("influencers":["9007199254740993",5,"9223372036854775807"]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(made.body,
              HasSubstr(R"("influencers":[5,9007199254740993,9223372036854775807],)"
                        R"("influencers_str":["5","9007199254740993","9223372036854775807"])"));
  const auto sent_back = [&](const std::string& rounded) {
    return world.change("PUT", kAlerts + "/1",
                        start + R"("influencers":[)" + rounded +
                            R"(],"influencers_str":["5","9007199254740993",)"
                            R"("9223372036854775807"]})");
  };
  EXPECT_EQ(sent_back("5,9007199254740992,9223372036854776000").status, 200);
  EXPECT_EQ(world.alerts.rule(AlertRuleId{1})->influencers[1], InfluencerId{9'007'199'254'740'993});
  for (const auto* other : {"5", "6,9007199254740992,9223372036854776000", "7"}) {
    const auto reply = sent_back(other);
    EXPECT_EQ(reply.status, 400) << other;
    EXPECT_THAT(reply.body, HasSubstr("names others than influencers"));
  }
  EXPECT_THAT(world.change("PUT", kAlerts + "/1", start + R"("influencers_str":["7"]})").body,
              HasSubstr("influencers are needed"));
  EXPECT_EQ(
      world.change("PUT", kAlerts + "/1", start + R"("influencers":[7],"influencers_str":null})")
          .status,
      200);
}

TEST_F(AlertRoutesTest, RefusesTextThatIsNoId) {
  for (const auto* text : {"", "-1", "+1", " 1", "1 ", "1e3", "0x1", "1.0", "9223372036854775808",
                           "18446744073709551616", "a", "\\u0000", "07", "00"}) {
    expect_wrong(R"({"name":"r","url":"http://a/","kind":"verdict","direction":"clear",)"
                 R"("influencers":[")" +
                     std::string(text) + "\"]}",
                 "influencers", "their digits");
  }
}

TEST_F(AlertRoutesTest, CountsTheListAsItWasSent) {
  std::string ones = "1";
  for (int i = 0; i < 100; ++i) ones += ",1";
  expect_wrong(a_rule(R"("kind":"milestone","values":[)" + ones + "]"), "values", "at most 100");
}

TEST_F(AlertRoutesTest, MeasuresANameInCharacters) {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "\xf0\x9f\x98\x80";
  const auto rule = [](const std::string& named) {
    return R"({"name":")" + named +
           R"(","url":"http://a/","kind":"milestone","every":1,"influencers":[1]})";
  };
  EXPECT_EQ(world.change("POST", kAlerts, rule(name)).status, 201);
  expect_wrong(rule(name + "a"), "name", "1 to 100 characters");
}

TEST_F(AlertRoutesTest, DeletesARule) {
  world.change("POST", kAlerts, kThreshold);
  const auto reply = world.change("DELETE", kAlerts + "/1");
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("content-length"), "");
  EXPECT_EQ(world.get(kAlerts + "/1").status, 404);
}

TEST_F(AlertRoutesTest, KnowsItsMethods) {
  EXPECT_EQ(world.change("PATCH", kAlerts).header("allow"), "GET, HEAD, POST");
  EXPECT_EQ(world.change("POST", kAlerts + "/1").header("allow"), "GET, HEAD, PUT, DELETE");
  EXPECT_EQ(world.get(kAlerts + "/1/test").header("allow"), "POST");
  EXPECT_EQ(world.change("DELETE", kAlerts + "/log").header("allow"), "GET, HEAD");
}

TEST_F(AlertRoutesTest, SendsATestAndTellsItsOutcome) {
  world.change("POST", kAlerts, kThreshold);
  world.webhook_reply = {.status = 500, .detail = "HTTP 500", .took = std::chrono::milliseconds{7}};
  const auto reply = world.change("POST", kAlerts + "/1/test", "", "");  // no type, no body
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body,
            R"({"webhook_id":"msg_test","outcome":"failed","status":500,"detail":"HTTP 500",)"
            R"("took_ms":7})");
  ASSERT_THAT(world.webhooks, SizeIs(1));
  EXPECT_EQ(world.webhooks.front().id, "msg_test");
  EXPECT_EQ(world.webhooks.front().target.secret, kSecret);
  EXPECT_EQ(world.webhooks.front().body,
            R"({"type":"alert.test","timestamp":"2026-01-01T00:00:00.000Z",)"
            R"("text":"This is a test of the rule \"a million\".",)"
            R"("data":{"rule":{"id":1,"name":"a million"}}})");
}

TEST_F(AlertRoutesTest, ShowsTheLogPageByPage) {
  world.change("POST", kAlerts, kThreshold);
  for (const auto* id : {"a", "b", "c"}) {
    const NewAlert alert{.rule = AlertRuleId{1},
                         .version = 1,
                         .influencer = InfluencerId{100},
                         .fired_at = world.clock.wall(),
                         .webhook_id = id,
                         .text = "Anna rose",
                         .body = "{}"};
    ASSERT_TRUE(world.alerts.record({}, {alert}));
  }
  ASSERT_TRUE(world.alerts.settle(
      3, {.outcome = AlertOutcome::kDelivered, .tried_at = world.clock.wall(), .status = 204}));
  const auto first = world.get(kAlerts + "/log?limit=1&rule=1").body;
  EXPECT_EQ(first, R"({"pending":2,"next":"/api/v1/alerts/log?limit=1&before=3&rule=1","items":[)"
                   R"({"number":3,"webhook_id":"c","rule":1,"rule_name":"a million",)"
                   R"("kind":"threshold","influencer":100,"influencer_str":"100",)"
                   R"("fired_at":"2026-01-01T00:00:00.000Z",)"
                   R"("text":"Anna rose","outcome":"delivered","attempts":1,)"
                   R"("tried_at":"2026-01-01T00:00:00.000Z","next_attempt_at":null,"status":204,)"
                   R"("detail":null}]})");
  EXPECT_THAT(world.get("/api/v1/alerts/log?limit=2&before=3").body,
              AllOf(HasSubstr("\"next\":null"), HasSubstr("\"webhook_id\":\"b\""),
                    HasSubstr("\"webhook_id\":\"a\"")));
  EXPECT_THAT(world.get(kAlerts + "/log?rule=2").body, HasSubstr("\"items\":[]"));
}

TEST_F(AlertRoutesTest, AMessageSaysWhoWhatAndWhen) {
  const AlertRule rule{.id = AlertRuleId{3},
                       .name = "fast",
                       .condition = {.kind = AlertKind::kRelative,
                                     .direction = AlertDirection::kEither,
                                     .level = 10,
                                     .window = minutes{60}}};
  const AlertEvent event{.influencer = InfluencerId{100},
                         .username = "Anna",
                         .at = world.clock.wall(),
                         .counts = {50, 7},
                         .rank = 9,
                         .direction = AlertDirection::kDown,
                         .level = 80,
                         .since = world.now_minute() - minutes{60}};
  EXPECT_EQ(alert_body(rule, event, "Anna lost 30"),
            R"({"type":"alert.relative","timestamp":"2026-01-01T00:00:00.000Z",)"
            R"("text":"Anna lost 30","data":{"rule":{"id":3,"name":"fast"},)"
            R"("influencer":{"id":100,"id_str":"100","username":"Anna","follower_count":50,)"
            R"("following_count":7,"rank":9},"metric":"followers","direction":"fall",)"
            R"("level":80,"since":"2025-12-31T23:00:00.000Z","damaged":false}})");
}

TEST(AlertRoutes, GuardEveryChange) {
  TestWorld world;
  world.writes = {.token = "t0ken", .listens_on_loopback = false};
  world.serve();
  const std::string json = "Content-Type: application/json\r\n";
  for (const auto& [method, path] :
       {std::pair{"POST", kAlerts}, std::pair{"PUT", kAlerts + "/1"},
        std::pair{"DELETE", kAlerts + "/1"}, std::pair{"POST", kAlerts + "/1/test"}}) {
    EXPECT_EQ(world.change(method, path, kThreshold, json).status, 401) << method << path;
    const auto allowed =
        world.change(method, path, kThreshold, json + "Authorization: Bearer t0ken\r\n");
    EXPECT_LT(allowed.status, allowed.status == 404 ? 405 : 300) << method << path;
  }
}

// A thousand ids, as long as they can be, as numbers and as text.
TEST(AlertRoutes, TakeUpTo48KiB) {
  TestWorld world;
  world.serve();
  std::string ids = "0";
  for (auto id = kInfluencerIdMax - 998; id <= kInfluencerIdMax; ++id) {
    ids += "," + std::to_string(id);
  }
  const auto body = R"({"name":"r","influencers":[)" + ids +
                    R"(],"url":"http://a/","kind":"verdict","direction":"clear"})";
  EXPECT_EQ(world.change("POST", kAlerts, body).status, 201);
  const auto rule = world.get(kAlerts + "/1").body;
  EXPECT_EQ(world.change("PUT", kAlerts + "/1", rule).status, 200);
  EXPECT_EQ(world.change("POST", kAlerts, body + std::string(49'152, ' ')).status, 413);
}

}  // namespace
}  // namespace ia
