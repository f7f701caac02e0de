// Every id of an influencer in a JSON answer is exact for every reader: what a double cannot hold
// stands beside it as text. Events of the stream have the bytes of other answers (stream_test).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>

#include "api/alert_json.h"
#include "api/test_world.h"

namespace ia {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using std::chrono::minutes;
using ::testing::IsEmpty;

constexpr std::uint64_t kOdd = 9'007'199'254'740'993;  // 2^53 + 1
constexpr std::uint64_t kMost = kInfluencerIdMax;
constexpr std::uint64_t kExactMax = std::uint64_t{1} << 53;

// What a JSON text has of ids that a double rounds.
class LongIds {
 public:
  explicit LongIds(std::string_view text) {
    simdjson::dom::parser parser;
    element root;
    if (parser.parse(simdjson::padded_string(text)).get(root) == simdjson::SUCCESS) walk(root);
  }
  int exact = 0;                   // with the same digits as text
  std::vector<std::string> alone;  // without

 private:
  static bool is_long(element value) {
    std::uint64_t number = 0;
    return value.get(number) == simdjson::SUCCESS && number > kExactMax;
  }
  void walk(element value) {
    if (value.is_array()) {
      for (const auto item : array(value)) walk(item);
    } else if (value.is_object()) {
      for (const auto [name, member] : object(value)) look_at(object(value), name, member);
    } else if (is_long(value)) {
      alone.push_back(simdjson::minify(value));
    }
  }
  void look_at(object owner, std::string_view name, element member) {
    if (member.is_array() && array(member).size() > 0 && is_long(array(member).at(0))) {
      for (std::size_t i = 0; i < array(member).size(); ++i) {
        const auto text = owner[std::string(name) + "_str"].at(i);
        compare(array(member).at(i), text, name);
      }
    } else if (is_long(member)) {
      compare(member, owner[std::string(name) + "_str"], name);
    } else {
      walk(member);
    }
  }
  void compare(element number, simdjson::simdjson_result<element> text, std::string_view name) {
    std::string_view digits;
    if (text.get(digits) == simdjson::SUCCESS && digits == std::to_string(std::uint64_t(number))) {
      ++exact;
    } else {
      alone.emplace_back(name);
    }
  }
};

class Ids : public ::testing::Test {
 protected:
  void SetUp() override {
    world.clock.advance(minutes{10});
    world.watch({{InfluencerId{kOdd - 1}, InfluencerId{kOdd}},
                 {InfluencerId{kMost}, InfluencerId{kMost}}});
    first = world.now_minute() - minutes{3};
    world.add(first, {{kOdd - 1, 500, 10}, {kOdd, 900, 0}, {kMost, 7, 7}},
              {{InfluencerId{kOdd}, "Anna"}});
    (void)world.store.close_minutes({first, first + minutes{3}}, MissReason::kDown);
    world.set_movers(0, first, {{kOdd, 400, 0}, {kMost, 9, 0}});
    world.jumps = std::make_shared<JumpCandidates>(
        JumpCandidates{{InfluencerId{kOdd}, first, first + minutes{1}, 5'000, 55'000, 40}});
    world.verdicts.apply(std::vector<Verdict>{{.influencer = InfluencerId{kOdd},
                                               .suspicious = true,
                                               .judged = {},
                                               .checked_at = world.clock.wall(),
                                               .changed_at = world.clock.wall()}});
    world.serve();
    ASSERT_EQ(world.error, "");
    make_alerts();
  }

  void make_alerts() {
    const auto made = world.change(
        "POST", "/api/v1/alerts",
        R"({"name":"r","url":"http://a/","kind":"verdict","direction":"clear","influencers":[)" +
            std::to_string(kOdd) + "," + std::to_string(kMost) + "]}");
    ASSERT_EQ(made.status, 201) << made.body;
    const NewAlert alert{.rule = AlertRuleId{1},
                         .version = 1,
                         .influencer = InfluencerId{kOdd},
                         .fired_at = world.clock.wall(),
                         .webhook_id = "msg_1",
                         .body = "{}"};
    ASSERT_TRUE(world.alerts.record({}, {alert}));
  }

  // The paths of the description that answer a GET with JSON.
  std::vector<std::string> json_paths() {
    const auto description = world.get("/openapi.json").body;
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(description);
    element document;
    EXPECT_EQ(parser.parse(padded).get(document), simdjson::SUCCESS);
    std::vector<std::string> paths;
    for (const auto [path, item] : object(document["paths"])) {
      const auto content = item["get"]["responses"]["200"]["content"]["application/json"];
      const bool is_json = content.error() == simdjson::SUCCESS;
      if (is_json && path != "/openapi.json") paths.emplace_back(path);
    }
    return paths;
  }

  // The number of long ids in its answer, all of which must be exact.
  int exact_ids_of(const std::string& target) {
    const auto reply = world.get(target);
    EXPECT_EQ(reply.status, 200) << target << reply.body;
    const LongIds ids(reply.body);
    EXPECT_THAT(ids.alone, IsEmpty()) << target << "\n" << reply.body;
    return ids.exact;
  }

  TestWorld world;
  Minute first;
};

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  const auto at = text.find(from);
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

TEST_F(Ids, StandAsTextBesideTheNumberInEveryAnswer) {
  const auto odd = std::to_string(kOdd);
  const auto most = std::to_string(kMost);
  const auto rank = "query=influencer_rank%7Bid=%22" + odd + "%22%7D";
  // What some paths need to have ids in their answers.
  const std::map<std::string, std::vector<std::string>> queries = {
      {"/api/v1/influencers", {"?prefix=an", "?prefix=900"}},
      {"/api/v1/influencers/{id}", {"", "?at=1767226020"}},
      {"/api/v1/influencers/{id}/series", {"?format=rows", "?format=columns"}},
      {"/api/v1/compare",
       {"?influencers=" + odd + "," + most, "?format=rows&influencers=" + odd + "," + most}},
      {"/api/v1/leaderboard", {"", "?at=1767226020", "?sort=ratio"}},
      {"/prometheus/api/v1/query", {"?" + rank}},
      {"/prometheus/api/v1/query_range", {"?start=1767226020&end=1767226200&step=60&" + rank}},
      {"/prometheus/api/v1/series", {"?match[]=influencer_rank"}}};
  const std::map<std::string, int> least = {{"/api/v1/influencers", 1},
                                            {"/api/v1/influencers/{id}", 1},
                                            {"/api/v1/influencers/{id}/series", 1},
                                            {"/api/v1/influencers/{id}/gaps", 1},
                                            {"/api/v1/influencers/{id}/signals", 1},
                                            {"/api/v1/influencers/{id}/growth", 1},
                                            {"/api/v1/influencers/{id}/ranks", 1},
                                            {"/api/v1/compare", 2},
                                            {"/api/v1/leaderboard", 2},
                                            {"/api/v1/movers", 1},
                                            {"/api/v1/signals", 1},
                                            {"/api/v1/summary", 2},
                                            {"/api/v1/verdicts", 1},
                                            {"/api/v1/alerts", 2},
                                            {"/api/v1/alerts/{id}", 2},
                                            {"/api/v1/alerts/log", 1}};
  std::size_t found = 0;
  for (const auto& path : json_paths()) {
    const bool is_alert = path == "/api/v1/alerts/{id}";
    auto target = replaced(path, "{id}", is_alert ? "1" : odd);
    target = replaced(target, "{name}", "id");
    const auto known = queries.find(path);
    const auto wanted = least.find(path);
    found += wanted != least.end();
    for (const auto& query :
         known == queries.end() ? std::vector<std::string>{""} : known->second) {
      EXPECT_GE(exact_ids_of(target + query), wanted == least.end() ? 0 : wanted->second)
          << target << query;
    }
  }
  EXPECT_EQ(found, least.size());
}

TEST_F(Ids, AreExactInMessagesToWebhooks) {
  const AlertEvent event{.influencer = InfluencerId{kOdd}, .at = world.clock.wall()};
  const LongIds ids(alert_body(AlertRule{.id = AlertRuleId{1}, .name = "r"}, event, "rose"));
  EXPECT_THAT(ids.alone, IsEmpty());
  EXPECT_EQ(ids.exact, 1);
}

}  // namespace
}  // namespace ia
