// docs/openapi.json against the running server: every path, status and content type of it happens,
// and every answer is what its schema says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

#include "api/test_world.h"

namespace ia {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using std::chrono::minutes;
using ::testing::IsEmpty;

std::string text_of(element value) { return std::string(std::string_view(value)); }

// As much of JSON Schema as the document uses. Findings say where.
class Schemas {
 public:
  explicit Schemas(element document) : document_(document) {}

  std::vector<std::string> check(element schema, element value) {
    findings_.clear();
    check(schema, value, "$");
    return findings_;
  }

 private:
  void find(const std::string& where, const std::string& what) {
    findings_.push_back(where + ": " + what);
  }

  element resolve(element schema) {
    std::string_view reference;
    if (schema["$ref"].get(reference) != simdjson::SUCCESS) return schema;
    return document_.at_pointer(reference.substr(1));
  }

  void check(element schema_in, element value, const std::string& where) {
    const object schema = resolve(schema_in);
    for (const auto [keyword, rule] : schema) {
      if (keyword == "type") check_type(rule, value, where);
      if (keyword == "oneOf") check_one_of(rule, value, where);
      if (keyword == "enum") check_enum(rule, value, where);
      if (keyword == "const" && simdjson::minify(rule) != simdjson::minify(value)) {
        find(where, "not the constant");
      }
      const bool is_number = value.is_number();
      if (keyword == "minimum" && is_number && double(value) < double(rule)) {
        find(where, "too small");
      }
      if (keyword == "maximum" && is_number && double(value) > double(rule)) {
        find(where, "too large");
      }
      if (keyword == "maxItems" && array(value).size() > uint64_t(rule)) find(where, "too long");
      if (keyword == "minItems" && array(value).size() < uint64_t(rule)) find(where, "too short");
      if (keyword == "format" && text_of(rule) == "date-time" && !value.is_null()) {
        check_time(value, where);
      }
      if (keyword == "items") {
        for (const auto item : array(value)) check(rule, item, where + "[]");
      }
      if (keyword == "prefixItems") check_tuple(rule, value, where);
    }
    if (value.is_object()) check_members(schema, value, where);
  }

  static bool is_type(std::string_view type, element value) {
    if (type == "null") return value.is_null();
    if (type == "boolean") return value.is_bool();
    if (type == "string") return value.is_string();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    return type == "number" && value.is_number();
  }

  void check_type(element rule, element value, const std::string& where) {
    bool fits = false;
    if (rule.is_string()) {
      fits = is_type(rule, value);
    } else {
      for (const auto type : array(rule)) fits = fits || is_type(type, value);
    }
    if (!fits) find(where, "not " + std::string(simdjson::minify(rule)));
  }

  void check_one_of(element rule, element value, const std::string& where) {
    int fits = 0;
    for (const auto schema : array(rule)) fits += Schemas(document_).check(schema, value).empty();
    if (fits != 1) find(where, std::to_string(fits) + " of oneOf");
  }

  void check_enum(element rule, element value, const std::string& where) {
    for (const auto word : array(rule)) {
      if (text_of(word) == text_of(value)) return;
    }
    find(where, "not in the enumeration");
  }

  void check_time(element value, const std::string& where) {
    if (!::testing::Matches(::testing::MatchesRegex(
            "20[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z"))(text_of(value))) {
      find(where, "not a time");
    }
  }

  void check_tuple(element rule, element value, const std::string& where) {
    const array items = value;
    std::size_t i = 0;
    for (const auto schema : array(rule)) {
      if (i < items.size()) check(schema, items.at(i), where + "[" + std::to_string(i) + "]");
      ++i;
    }
  }

  void check_members(const object& schema, const object& value, const std::string& where) {
    element rule;
    if (schema["required"].get(rule) == simdjson::SUCCESS) {
      for (const auto name : array(rule)) {
        if (value[text_of(name)].error() != simdjson::SUCCESS)
          find(where, text_of(name) + " lacks");
      }
    }
    object properties;
    const bool has_properties = schema["properties"].get(properties) == simdjson::SUCCESS;
    element others;
    const bool are_others_said = schema["additionalProperties"].get(others) == simdjson::SUCCESS;
    for (const auto [name, member] : value) {
      element known;
      const auto path = where + "." + std::string(name);
      if (has_properties && properties[name].get(known) == simdjson::SUCCESS) {
        check(known, member, path);
      } else if (are_others_said && others.is_object()) {
        check(others, member, path);
      } else if (are_others_said) {
        find(path, "is not in the document");
      }
    }
  }

  element document_;
  std::vector<std::string> findings_;
};

struct Exercise {
  std::string path;  // as in the document
  std::string target;
  std::string headers;
  std::string method = "get";  // as in the document
  std::string body{};
};

const std::string kAlerts = "/api/v1/alerts";
const std::string kAlert = "/api/v1/alerts/{id}";
const std::string kAlertTest = "/api/v1/alerts/{id}/test";
const std::string kAlertLog = "/api/v1/alerts/log";
const std::string kStale = "Content-Type: application/json\r\nIf-Match: \"stale\"\r\n";

class OpenApi : public ::testing::Test {
 protected:
  void SetUp() override {
    world.clock.advance(minutes{10});
    world.watch({{InfluencerId{100}, InfluencerId{119}}});
    world.add(world.now_minute() - minutes{3}, {{100, 500, 10}, {101, 900, 0}, {102, 7, 7}},
              {{InfluencerId{100}, "Anna"}}, {{InfluencerId{103}, MissReason::kTimeout}});
    const auto now = world.now_minute();
    (void)world.store.close_minutes({now - minutes{3}, now + minutes{120}}, MissReason::kDown);
    world.set_movers(0, now - minutes{3}, {{100, 510, 0}, {102, 9, 0}});
    world.clock.advance(minutes{125});
    world.jumps = std::make_shared<JumpCandidates>(
        JumpCandidates{{InfluencerId{100}, now - minutes{5}, now - minutes{4}, 5'000, 55'000, 40}});
    world.serve();
    ASSERT_EQ(world.error, "");
    bytes = world.get("/openapi.json").body;
    document = parser.parse(bytes);
  }

  // The response object of the document; nothing when the status is not in it.
  std::optional<element> documented(const Exercise& exercise, int status) {
    element found;
    const auto responses = document["paths"][exercise.path][exercise.method]["responses"];
    if (responses[std::to_string(status)].get(found) != simdjson::SUCCESS) return std::nullopt;
    return resolved(found);
  }

  element resolved(element response) {
    std::string_view reference;
    if (response["$ref"].get(reference) != simdjson::SUCCESS) return response;
    return document.at_pointer(reference.substr(1));
  }

  void check(const Exercise& exercise, const Reply& reply) {
    SCOPED_TRACE(exercise.target + " answered " + std::to_string(reply.status));
    const auto response = documented(exercise, reply.status);
    ASSERT_TRUE(response.has_value()) << reply.body;
    const auto type =
        reply.header("content-type").substr(0, reply.header("content-type").find(';'));
    happened.insert(exercise.method + " " + exercise.path + " " + std::to_string(reply.status) +
                    " " + type);
    check_headers(*response, reply);
    object content;
    if ((*response)["content"].get(content) != simdjson::SUCCESS) {
      EXPECT_EQ(reply.body, "");
      return;
    }
    element media;
    ASSERT_EQ(content[type].get(media), simdjson::SUCCESS) << type;
    element schema;
    if (!type.ends_with("json") || media["schema"].get(schema) != simdjson::SUCCESS) return;
    simdjson::dom::parser body_parser;
    element body;
    ASSERT_EQ(body_parser.parse(reply.body).get(body), simdjson::SUCCESS) << reply.body;
    EXPECT_THAT(Schemas(document).check(schema, body), IsEmpty()) << reply.body;
  }

  static void check_headers(element response, const Reply& reply) {
    object headers;
    if (response["headers"].get(headers) != simdjson::SUCCESS) return;
    for (const auto [name, rule] : headers) {
      bool is_required = false;
      if (rule["required"].get(is_required) != simdjson::SUCCESS || !is_required) continue;
      std::string lower(name);
      for (auto& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      EXPECT_NE(reply.header(lower), "") << name;
    }
  }

  void run(const std::vector<Exercise>& exercises) {
    for (const auto& exercise : exercises) {
      check(exercise, ask(world, exercise));
    }
  }
  static Reply ask(TestWorld& asked, const Exercise& exercise) {
    if (exercise.method == "get") return asked.get(exercise.target, exercise.headers);
    auto method = exercise.method;
    for (auto& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (exercise.headers.empty()) return asked.change(method, exercise.target, exercise.body);
    return asked.change(method, exercise.target, exercise.body, exercise.headers);
  }

  // "method path status type" of all that the document promises.
  std::set<std::string> promised() {
    std::set<std::string> all;
    for (const auto [path, item] : object(document["paths"])) {
      for (const auto [method, operation] : object(item)) {
        promise(std::string(method) + " " + std::string(path), operation, all);
      }
    }
    return all;
  }
  // Answered before any path is looked at: http_server_test.
  static bool is_of_the_server(element response) {
    std::string_view reference;
    if (response["$ref"].get(reference) != simdjson::SUCCESS) return false;
    constexpr std::array<std::string_view, 8> kNames = {
        "TooManyRequests", "TargetTooLong",   "HeadersTooLong", "NotHttp",
        "RequestTimeout",  "ContentTooLarge", "ServerError",    "Overloaded"};
    return std::ranges::find(kNames, reference.substr(reference.rfind('/') + 1)) != kNames.end();
  }
  void promise(const std::string& what, element operation, std::set<std::string>& all) {
    for (const auto [status, referred] : object(operation["responses"])) {
      if (is_of_the_server(referred)) continue;
      const element response = resolved(referred);
      const auto start = what + " " + std::string(status) + " ";
      object content;
      if (response["content"].get(content) != simdjson::SUCCESS) {
        all.insert(start);
        continue;
      }
      // Beside Prometheus's form of an error, a Problem is the server's.
      const bool is_of_prometheus = content["application/json"].error() == simdjson::SUCCESS;
      for (const auto [type, media] : content) {
        if (is_of_prometheus && type == "application/problem+json") continue;
        all.insert(start + std::string(type));
      }
    }
  }

  // Every change and its refusals; the rules are full in the end.
  AlertRule named(std::string name, std::size_t influencers = 1) {
    return {.name = std::move(name),
            .influencers = std::vector<InfluencerId>(influencers),
            .created_at = world.clock.wall(),
            .updated_at = world.clock.wall()};
  }
  void run_alerts() {
    const std::string rule =
        R"({"name": "a", "influencers": [100], "url": "http://a/", "kind": "milestone",)"
        R"( "values": [5, 7]})";
    const std::string id = "/api/v1/alerts/1";
    world.alerts.add(named("first")).value();
    const NewAlert alert{.rule = AlertRuleId{1},
                         .version = 1,
                         .fired_at = world.clock.wall(),
                         .webhook_id = "msg_1",
                         .body = "{}"};
    ASSERT_TRUE(world.alerts.record({}, {alert, alert}));
    run({{kAlerts, kAlerts, "", "post", rule},
         {kAlerts, kAlerts + "?x", ""},
         {kAlerts, kAlerts, "", "post", "{}"},
         {kAlert, id, "", "put", rule},
         {kAlert, id, "", "put", "[]"},
         {kAlert, "/api/v1/alerts/99", "", "put", rule},
         {kAlert, id, ""},
         {kAlert, id, "If-None-Match: *\r\n"},
         {kAlerts, kAlerts, "If-None-Match: *\r\n"},
         {kAlert, id, kStale, "put", rule},
         {kAlert, id, kStale, "delete"},
         {kAlert, "/api/v1/alerts/x", ""},
         {kAlert, "/api/v1/alerts/99", ""},
         {kAlertTest, id + "/test", "", "post"},
         {kAlertTest, "/api/v1/alerts/x/test", "", "post"},
         {kAlertTest, "/api/v1/alerts/99/test", "", "post"},
         {kAlertLog, kAlertLog + "?limit=1", ""},
         {kAlertLog, kAlertLog + "?limit=0", ""},
         {kAlert, id, "", "delete"},
         {kAlert, id, "", "delete"},
         {kAlert, "/api/v1/alerts/x", "", "delete"}});
    std::string ids = "1";
    for (int i = 2; i <= 1'000; ++i) ids += "," + std::to_string(i);
    const auto large = R"({"name": "a", "url": "http://a/", "kind": "milestone", "every": 5,)"
                       R"( "influencers": [)" +
                       ids + "]}";
    const auto last = number_of(world.alerts.add(named("last"))->id);
    while (world.alerts.add(named("large", 1'000))) {
    }
    while (world.alerts.add(named("small"))) {
    }
    run({{kAlerts, kAlerts, "", "post", rule},
         {kAlert, "/api/v1/alerts/" + std::to_string(last), "", "put", large},
         {kAlerts, kAlerts, ""}});
    world.alerts.set_down(true);
    run({{kAlerts, kAlerts, ""},
         {kAlerts, kAlerts, "", "post", rule},
         {kAlert, id, ""},
         {kAlert, id, "", "put", rule},
         {kAlert, id, "", "delete"},
         {kAlertTest, id + "/test", "", "post"},
         {kAlertLog, kAlertLog, ""}});
  }

  // A change that is refused before anything is read of it.
  void run_refused_changes() {
    const std::string json = "Content-Type: application/json\r\n";
    const std::string one = "/api/v1/alerts/1";
    const std::vector<Exercise> changes = {{kAlerts, kAlerts, "", "post"},
                                           {kAlert, one, "", "put"},
                                           {kAlert, one, "", "delete"},
                                           {kAlertTest, one + "/test", "", "post"}};
    TestWorld guarded;
    guarded.writes.token = "t0ken";
    guarded.serve();
    for (auto change : changes) {
      check(change, ask(guarded, change));
      change.headers = json + "Origin: http://other.example\r\n";
      run({change});
      if (change.method == "delete") continue;
      change.headers = "Content-Type: text/plain\r\n";
      run({change});
      change.headers = "X-No-Type: x\r\n";
      change.body = "{}";
      run({change});
      change.headers = json;
      change.body = std::string(49'500, ' ');
      run({change});
    }
  }

  static std::string escaped(std::string target) {
    for (const auto& [from, to] :
         std::map<std::string, std::string>{{"{", "%7B"}, {"}", "%7D"}, {"\"", "%22"}}) {
      for (auto at = target.find(from); at != std::string::npos; at = target.find(from)) {
        target.replace(at, 1, to);
      }
    }
    return target;
  }
  void run_prometheus() {
    const std::string api = "/prometheus/api/v1/";
    const std::string values = api + "label/{name}/values";
    const std::string range = "&start=1767226020&end=1767226200&step=60";
    for (const std::string method : {"get", "post"}) {
      run({{api + "query", api + "query?query=1%2B1", "", method},
           {api + "query", api + "query?query=influencer_rank%7Bid=%22100%22%7D", "", method},
           {api + "query", api + "query?query=influencer_rank", "", method},
           {api + "query", api + "query", "", method},
           {api + "query_range", api + "query_range?query=influencers_due" + range, "", method},
           {api + "query_range", api + "query_range?query=influencer_rank" + range, "", method},
           {api + "query_range", api + "query_range?query=1", "", method},
           {api + "series", api + "series?match[]=influencers_missed", "", method},
           {api + "series", api + "series", "", method},
           {api + "labels", api + "labels", "", method},
           {api + "labels", api + "labels?a=%x", "", method}});
    }
    TestWorld down;
    down.serve();
    down.store.set_down(true);
    for (const std::string method : {"get", "post"}) {
      for (const auto* target : {"query?query=influencers_due", "series?match[]={username=\"a\"}",
                                 "labels?match[]={username=\"a\"}"}) {
        const std::string path(target);
        const Exercise exercise{api + path.substr(0, path.find('?')), api + escaped(path), "",
                                method};
        check(exercise, ask(down, exercise));
      }
      const Exercise exercise{api + "query_range",
                              api + "query_range?query=influencers_due" + range, "", method};
      check(exercise, ask(down, exercise));
    }
    const Exercise of_label{values, api + "label/id/values?match[]=%7Busername=%22a%22%7D", ""};
    check(of_label, ask(down, of_label));
    run({{values, api + "label/id/values", ""},
         {values, api + "label/id/values?limit=x", ""},
         {api + "metadata", api + "metadata", ""},
         {api + "metadata", api + "metadata?limit=x", ""},
         {api + "rules", api + "rules", ""},
         {api + "alerts", api + "alerts", ""},
         {api + "query_exemplars", api + "query_exemplars", ""},
         {api + "query_exemplars", api + "query_exemplars", "", "post"},
         {api + "status/buildinfo", api + "status/buildinfo", ""}});
  }

  TestWorld world;
  std::string bytes;
  simdjson::dom::parser parser;
  element document;
  std::set<std::string> happened;
};

const std::string kAnalytics = "/influencer_analytics/{id}";
const std::string kOne = "/api/v1/influencers/{id}";
const std::string kSeries = "/api/v1/influencers/{id}/series";
const std::string kBadge = "/api/v1/influencers/{id}/badge.svg";
const std::string kGaps = "/api/v1/influencers/{id}/gaps";
const std::string kSignals = "/api/v1/influencers/{id}/signals";
const std::string kGrowth = "/api/v1/influencers/{id}/growth";
const std::string kRanks = "/api/v1/influencers/{id}/ranks";
const std::string kMovers = "/api/v1/movers";
const std::string kCompare = "/api/v1/compare";
const std::string kAsset = "/assets/{name}";
const std::string kSearch = "/api/v1/influencers";
const std::string kRange = "?start=1767226020&end=1767226200";

TEST_F(OpenApi, SaysWhatTheServerDoes) {
  world.verdicts.apply(std::vector<Verdict>{{.influencer = InfluencerId{100},
                                             .suspicious = true,
                                             .judged = {},
                                             .checked_at = world.clock.wall(),
                                             .changed_at = world.clock.wall()}});
  const std::vector<std::string> assets = {"/openapi.json", "/", "/icon.svg"};
  run({
      {kAnalytics, "/influencer_analytics/100?start_time=1767225600", ""},
      {kAnalytics, "/influencer_analytics/100?end_time=1767226200", "If-None-Match: *\r\n"},
      {kAnalytics, "/influencer_analytics/100?x", ""},
      {kAnalytics, "/influencer_analytics/1", ""},
      {kOne, "/api/v1/influencers/100", ""},
      {kOne, "/api/v1/influencers/119", ""},
      {kOne, "/api/v1/influencers/x", ""},
      {kOne, "/api/v1/influencers/1", ""},
      {kSeries, "/api/v1/influencers/100/series" + kRange, ""},
      {kSeries, "/api/v1/influencers/100/series" + kRange + "&format=columns", ""},
      {kSeries, "/api/v1/influencers/101/series" + kRange + "&format=columns&aggregate=avg", ""},
      {kSeries, "/api/v1/influencers/100/series" + kRange + "&format=csv", ""},
      {kSeries, "/api/v1/influencers/100/series" + kRange + "&format=line", ""},
      {kSeries, "/api/v1/influencers/100/series" + kRange, "If-None-Match: *\r\n"},
      {kSeries, "/api/v1/influencers/100/series?step=7", ""},
      {kSeries, "/api/v1/influencers/1/series", ""},
      {kBadge, "/api/v1/influencers/100/badge.svg", ""},
      {kBadge, "/api/v1/influencers/119/badge.svg?x", ""},
      {kBadge, "/api/v1/influencers/1/badge.svg", ""},
      {kGaps, "/api/v1/influencers/100/gaps", ""},
      {kGaps, "/api/v1/influencers/119/gaps", ""},
      {kGaps, "/api/v1/influencers/100/gaps?start=x", ""},
      {kGaps, "/api/v1/influencers/1/gaps", ""},
      {kSignals, "/api/v1/influencers/100/signals", ""},
      {kSignals, "/api/v1/influencers/100/signals?start=x", ""},
      {kSignals, "/api/v1/influencers/1/signals", ""},
      {"/api/v1/signals", "/api/v1/signals", ""},
      {"/api/v1/signals", "/api/v1/signals?since=x", ""},
      {kCompare, "/api/v1/compare" + kRange + "&influencers=100,101", ""},
      {kCompare, "/api/v1/compare" + kRange + "&influencers=101,119&scale=percent", ""},
      {kCompare, "/api/v1/compare" + kRange + "&influencers=100,101&format=rows", ""},
      {kCompare, "/api/v1/compare" + kRange + "&influencers=100,101&format=csv", ""},
      {kCompare, "/api/v1/compare" + kRange + "&influencers=100,101", "If-None-Match: *\r\n"},
      {kCompare, "/api/v1/compare", ""},
      {kCompare, "/api/v1/compare?influencers=1,2", ""},
      {kSearch, "/api/v1/influencers?prefix=an", ""},
      {kSearch, "/api/v1/influencers?prefix=1", ""},
      {kSearch, "/api/v1/influencers", ""},
      {"/api/v1/leaderboard", "/api/v1/leaderboard", ""},
      {"/api/v1/leaderboard", "/api/v1/leaderboard?limit=2", ""},
      {"/api/v1/leaderboard", "/api/v1/leaderboard?limit=0", ""},
      {kMovers, "/api/v1/movers?direction=down", ""},
      {kMovers, "/api/v1/movers?window=7d", ""},
      {kMovers, "/api/v1/movers?window=7", ""},
      {kGrowth, "/api/v1/influencers/100/growth", ""},
      {kGrowth, "/api/v1/influencers/119/growth", ""},
      {kGrowth, "/api/v1/influencers/119/growth?x", ""},
      {kGrowth, "/api/v1/influencers/1/growth", ""},
      {"/api/v1/leaderboard", "/api/v1/leaderboard?at=1767226020", ""},
      {kOne, "/api/v1/influencers/100?at=1767226020", ""},
      {kRanks, "/api/v1/influencers/100/ranks?step=1m", ""},
      {kRanks, "/api/v1/influencers/100/ranks?step=1", ""},
      {kRanks, "/api/v1/influencers/1/ranks", ""},
      {"/api/v1/summary", "/api/v1/summary", ""},
      {"/api/v1/summary", "/api/v1/summary?x=1", ""},
      {"/api/v1/verdicts", "/api/v1/verdicts", ""},
      {"/api/v1/verdicts", "/api/v1/verdicts?limit=0", ""},
      {"/api/v1/leaderboard", "/api/v1/leaderboard?verdict=suspicious", ""},
      {"/api/v1/minutes", "/api/v1/minutes?start=1767225600", ""},
      {"/api/v1/minutes", "/api/v1/minutes?start=x", ""},
      {"/api/v1/stream", "/api/v1/stream?influencers=100", ""},
      {"/api/v1/stream", "/api/v1/stream?influencers=100,100", ""},
      {"/api/v1/stream", "/api/v1/stream?influencers=1", ""},
      {"/healthz", "/healthz", ""},
      {"/healthz", "/healthz?x", ""},
      {"/readyz", "/readyz", ""},
      {"/readyz", "/readyz?x", ""},
      {"/metrics", "/metrics", ""},
      {"/metrics", "/metrics?x", ""},
  });
  for (const auto& path : assets) {
    run({{path, path, ""}, {path, path, "If-None-Match: *\r\n"}, {path, path + "?x", ""}});
  }
  for (const auto& path : asset_paths(world.get("/").body)) {
    run({{kAsset, path, ""}, {kAsset, path, "If-None-Match: *\r\n"}, {kAsset, path + "?x", ""}});
    run({{kAsset, path + "x", ""}});
  }
  run_refused_changes();
  run_alerts();
  run_prometheus();
  const auto page = world.get("/api/v1/leaderboard?limit=1").body;
  const auto link = page.find("/api/v1/leaderboard?limit=1&cursor=");
  ASSERT_NE(link, std::string::npos);
  const auto next = page.substr(link, page.find('"', link) - link);
  run({{"/api/v1/leaderboard", next, ""}});
  world.clock.advance(minutes{6});
  run({{"/api/v1/leaderboard", next, ""}});
  world.set_reasons({"tired"});
  run({{"/readyz", "/readyz", ""}});

  TestWorld down;  // knows nothing yet, and its store does not answer
  down.serve();
  down.store.set_down(true);
  for (const auto& [path, target] :
       std::map<std::string, std::string>{{kAnalytics, "/influencer_analytics/1"},
                                          {kOne, "/api/v1/influencers/1"},
                                          {kSeries, "/api/v1/influencers/1/series"},
                                          {kBadge, "/api/v1/influencers/1/badge.svg"},
                                          {kGaps, "/api/v1/influencers/1/gaps"},
                                          {kSignals, "/api/v1/influencers/1/signals"},
                                          {kCompare, "/api/v1/compare?influencers=1,2"},
                                          {kSearch, "/api/v1/influencers?prefix=a"},
                                          {kGrowth, "/api/v1/influencers/1/growth"},
                                          {kRanks, "/api/v1/influencers/1/ranks"},
                                          {"/api/v1/leaderboard", "/api/v1/leaderboard?at=1"},
                                          {"/api/v1/summary", "/api/v1/summary"},
                                          {"/api/v1/minutes", "/api/v1/minutes"},
                                          {"/api/v1/stream", "/api/v1/stream"}}) {
    check({path, target, ""}, down.get(target));
  }
  std::vector<std::string> differs;
  std::ranges::set_symmetric_difference(happened, promised(), std::back_inserter(differs));
  EXPECT_THAT(differs, IsEmpty());
}

}  // namespace
}  // namespace ia
