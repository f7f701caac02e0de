#include "simulator/mockstagram_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "simulator/test_client.h"

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

const std::string kOne = "/api/v1/influencers/1000001";
const std::string kCheck = "/api/v1/influencers/is_suspicious";
const std::string kUnknownError = R"({"error":{"name":"InfluencerNotFoundError"}})";

SimulatorOptions quick_options() {
  return {.listen = "127.0.0.1:0",
          .influencers = InfluencerSet::parse("1000000-1000009").value(),
          .verdict_mean = 0ms,
          .verdict_deviation = 0ms};
}

class MockstagramServerTest : public ::testing::Test {
 protected:
  void start(SimulatorOptions options = quick_options()) {
    auto started = MockstagramServer::start(std::move(options), clock_, log_);
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server_ = std::move(*started);
  }
  void start(const Faults& faults) {
    auto options = quick_options();
    options.faults = faults;
    start(std::move(options));
  }

  TestClient client() { return TestClient(server_->port()); }
  std::string get(const std::string& target) { return client().get(target); }
  std::string ask(const std::string& method, const std::string& target,
                  const std::string& headers = "") {
    auto asking = client();
    asking.send(TestClient::request(method, target, headers + "Connection: close\r\n"));
    return asking.read_to_end();
  }
  std::string post(const std::string& body, const std::string& type = "application/json") {
    auto asking = client();
    asking.send(TestClient::request(
        "POST", kCheck,
        "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n",
        body));
    return asking.read_answer();
  }

  SystemClock clock_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  std::unique_ptr<MockstagramServer> server_;
};

std::string body_of(const std::string& answer) {
  const auto head = answer.find("\r\n\r\n");
  return head == answer.npos ? "" : answer.substr(head + 4);
}

std::int64_t followers_in(const std::string& answer) {
  const auto at = answer.find("\"followerCount\":");
  return at == answer.npos ? -1 : std::strtoll(answer.c_str() + at + 16, nullptr, 10);
}

// Byte for byte what the real server sends, but for the numbers, the ETag's letters and the date.
TEST_F(MockstagramServerTest, AnswersAnInfluencerAsTheRealOneDoes) {
  start();
  EXPECT_THAT(get(kOne), MatchesRegex("HTTP/1.1 200 OK\r\n"
                                      "X-Powered-By: Express\r\n"
                                      "Content-Type: application/json; charset=utf-8\r\n"
                                      "Content-Length: [0-9][0-9]\r\n"
                                      "ETag: W/\"[0-9a-f][0-9a-f]-[A-Za-z0-9+/]*\"\r\n"
                                      "Date: [A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] "
                                      "20[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] GMT\r\n"
                                      "Connection: keep-alive\r\n"
                                      "Keep-Alive: timeout=5\r\n"
                                      "\r\n"
                                      "\\{\"pk\":1000001,\"username\":\"influencer-1000001\","
                                      "\"followerCount\":[0-9]+,\"followingCount\":[0-9]+\\}"));
}

// The first answer of a connection goes through the parser, the later ones past it.
TEST_F(MockstagramServerTest, KeepsTheShapeOfAnswersOnAKeptConnection) {
  start();
  auto asking = client();
  const auto shape = [](const std::string& answer) {
    std::string letters;
    for (const char c : answer.substr(0, answer.find("ETag"))) {
      if (c < '0' || c > '9') letters += c;
    }
    return letters;
  };
  const auto first = asking.get(kOne);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(shape(asking.get(kOne)), shape(first));
  EXPECT_EQ(server_->counters().connections_opened, 1);
}

TEST_F(MockstagramServerTest, MovesTheCountsWithEveryGetAndHead) {
  start();
  SimulatorOptions same = quick_options();
  auto twin = MockstagramServer::start(same, clock_, log_).value();
  TestClient other(twin->port());

  const auto first = followers_in(get(kOne));
  ask("HEAD", kOne);
  const auto third = followers_in(get(kOne));
  EXPECT_EQ(followers_in(other.get(kOne)), first);
  const auto second = followers_in(other.get(kOne));
  EXPECT_EQ(followers_in(other.get(kOne)), third);
  EXPECT_NE(first, second);
  EXPECT_NE(second, third);
}

TEST_F(MockstagramServerTest, AnswersHeadWithoutABody) {
  start();
  EXPECT_THAT(ask("HEAD", kOne), AllOf(HasSubstr("\r\nContent-Length: "), EndsWith("\r\n\r\n")));
}

TEST_F(MockstagramServerTest, AnswersUnknownAndNonNumericPksWith500) {
  start();
  for (const auto* pk : {"1", "999999", "1000010", "abc", "-1", "1000001x", "is_suspicious",
                         "99999999999999999999999", "Infinity", "1000001.5", "1_000"}) {
    const auto answer = get(std::string("/api/v1/influencers/") + pk);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error\r\n")) << pk;
    EXPECT_EQ(body_of(answer), kUnknownError) << pk;
  }
}

TEST_F(MockstagramServerTest, ReadsPksAndPathsAsExpressDoes) {
  start();
  for (const auto* target : {"/api/v1/influencers/1000001/", "/API/v1/Influencers/1000001",
                             "/api/v1/influencers/1000001?x=1", "/api/v1/influencers/0xF4241",
                             "/api/v1/influencers/%201000001", "/api/v1/influencers/+1000001",
                             "/api/v1/influencers/1000001.0", "/api/v1/influencers/1000.001e3",
                             "http://a/api/v1/influencers/1000001"}) {
    EXPECT_THAT(body_of(get(target)), StartsWith("{\"pk\":1000001,")) << target;
  }
  EXPECT_EQ(body_of(get("/api/v1/influencers/%zz")),
            R"({"error":{"statusCode":400,"status":400}})");
}

TEST_F(MockstagramServerTest, AnswersOtherPathsWith404AsHtml) {
  start();
  const auto answer = get("/<x>&\"'?q=<");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 Not Found\r\nX-Powered-By: Express\r\n"
                                 "X-Content-Type-Options: nosniff\r\n"
                                 "Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_EQ(body_of(answer), "Cannot GET /&lt;x&gt;&amp;&quot;&#39;?q=&lt;\n");
  EXPECT_THAT(get("/api/v1/influencers/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get("/api/v1/influencers/1000001/x"), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(body_of(ask("PUT", kOne)), "Cannot PUT /api/v1/influencers/1000001\n");
  EXPECT_EQ(body_of(ask("POST", kOne)), "Cannot POST /api/v1/influencers/1000001\n");
}

TEST_F(MockstagramServerTest, AnswersOptionsAndAnyEtag) {
  start();
  EXPECT_THAT(ask("OPTIONS", kOne), AllOf(HasSubstr("Allow: GET,HEAD\r\n"), EndsWith("GET,HEAD")));
  EXPECT_THAT(ask("OPTIONS", kCheck), EndsWith("\r\n\r\nGET,HEAD,POST"));
  EXPECT_THAT(ask("GET", kOne, "If-None-Match: *\r\n"),
              AllOf(StartsWith("HTTP/1.1 304 Not Modified\r\n"), Not(HasSubstr("Content-Length")),
                    EndsWith("\r\n\r\n")));
}

TEST_F(MockstagramServerTest, JudgesThePostedNumbersAlone) {
  start();
  const auto judged = [this](const std::string& body) { return body_of(post(body)); };
  EXPECT_EQ(judged(R"({"pk":7,"username":"u","followerCount":564,"followingCount":100})"),
            R"({"pk":7,"suspicious":true})");
  EXPECT_EQ(judged(R"({"pk":7,"followerCount":565,"followingCount":100})"),
            R"({"pk":7,"suspicious":false})");
  EXPECT_EQ(judged(R"({"pk":"é","followerCount":"5","followingCount":null})"),
            R"({"pk":"é","suspicious":false})");
  EXPECT_EQ(judged(R"({"followerCount":0,"followingCount":0})"), R"({"suspicious":false})");
  EXPECT_EQ(judged("[1,2]"), R"({"suspicious":false})");
  EXPECT_EQ(judged(""), R"({"suspicious":false})");
  EXPECT_EQ(body_of(post(R"({"pk":1,"followerCount":5,"followingCount":1})", "text/plain")),
            R"({"suspicious":false})");
  EXPECT_EQ(
      body_of(post("pk=12&followerCount=5&followingCount=1", "application/x-www-form-urlencoded")),
      R"({"pk":"12","suspicious":true})");
  EXPECT_EQ(body_of(ask("POST", kCheck)), R"({"suspicious":false})");
}

TEST_F(MockstagramServerTest, AnswersBodiesThatAreNotJsonWith500) {
  start();
  EXPECT_THAT(post("{bad"), StartsWith("HTTP/1.1 500"));
  EXPECT_EQ(body_of(post("{\"a\n")),
            R"({"error":{"body":"{\"a\n","status":400,"statusCode":400}})");
  EXPECT_EQ(body_of(post("3")), R"({"error":{"body":"3","status":400,"statusCode":400}})");
  EXPECT_EQ(body_of(post("{}", "application/json; charset=latin1")),
            R"({"error":{"charset":"latin1"}})");
  EXPECT_THAT(body_of(post("{\"a\":\"" + std::string(110'000, 'x') + "\"}")),
              HasSubstr("\"length\":110008,\"limit\":102400,"));
}

// N(0.3 s, 0) is not faster than 0.3 s; nothing behind it comes earlier.
TEST_F(MockstagramServerTest, TakesItsTimeForAVerdictAndHoldsUpWhatIsPipelinedBehindIt) {
  auto options = quick_options();
  options.verdict_mean = 300ms;
  start(options);
  auto asking = client();
  const auto begun = std::chrono::steady_clock::now();
  asking.send(TestClient::request("POST", kCheck) + TestClient::request("GET", kOne));
  EXPECT_EQ(body_of(asking.read_answer()), R"({"suspicious":false})");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 300ms);
  EXPECT_THAT(body_of(asking.read_answer()), StartsWith("{\"pk\":1000001,"));
}

TEST_F(MockstagramServerTest, TakesLongerForAVerdictWhenToldTo) {
  auto options = quick_options();
  options.faults.check_latency = Latency::parse("fixed:200ms").value();
  start(options);
  auto asking = client();
  const auto begun = std::chrono::steady_clock::now();
  asking.send(TestClient::request("POST", kCheck));
  EXPECT_EQ(body_of(asking.read_answer()), R"({"suspicious":false})");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms);
}

TEST_F(MockstagramServerTest, AnswersManyPipelinedRequestsInOrder) {
  start();
  auto asking = client();
  std::string requests;
  for (int i = 0; i < 2'000; ++i) {
    requests +=
        TestClient::request("GET", "/api/v1/influencers/" + std::to_string(1000000 + i % 10));
  }
  std::thread sending([&] { asking.send(requests); });
  for (int i = 0; i < 2'000; ++i) {
    const auto start = "{\"pk\":" + std::to_string(1000000 + i % 10) + ",";
    ASSERT_THAT(body_of(asking.read_answer()), StartsWith(start)) << i;
  }
  sending.join();
}

TEST_F(MockstagramServerTest, AnswersAllThatWasAskedBeforeTheClientEnds) {
  auto options = quick_options();
  options.verdict_mean = 50ms;
  start(options);
  auto asking = client();
  asking.send(TestClient::request("POST", kCheck) + TestClient::request("GET", kOne));
  asking.end();
  EXPECT_THAT(asking.read_to_end(), AllOf(HasSubstr("suspicious"), HasSubstr("\"pk\":1000001")));
  EXPECT_TRUE(asking.closed());
}

TEST_F(MockstagramServerTest, ClosesAnIdleConnectionAfterItsKeepAlive) {
  auto options = quick_options();
  options.keep_alive = 100ms;
  start(options);
  auto asking = client();
  asking.get(kOne);
  const auto idle_since = std::chrono::steady_clock::now();
  EXPECT_TRUE(asking.closed());
  EXPECT_GE(std::chrono::steady_clock::now() - idle_since, 90ms);
  EXPECT_EQ(server_->counters().connections_open, 0);
}

TEST_F(MockstagramServerTest, Answers408ToARequestThatDoesNotEnd) {
  auto options = quick_options();
  options.keep_alive = 50ms;
  options.request_timeout = 100ms;
  start(options);
  auto asking = client();
  asking.send("GET /api");
  EXPECT_THAT(asking.read_to_end(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(asking.closed());
}

TEST_F(MockstagramServerTest, Answers400ToWhatIsNotHttpAndCloses) {
  start();
  auto asking = client();
  asking.send("rubbish\r\n\r\n");
  EXPECT_EQ(asking.read_to_end(), "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}

TEST_F(MockstagramServerTest, FaultyErrorsArePlain500s) {
  start(Faults{.error_rate = 1});
  EXPECT_THAT(get(kOne), AllOf(StartsWith("HTTP/1.1 500"), EndsWith("Internal Server Error")));
  EXPECT_THAT(post("{}"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(server_->counters().by_fault, ElementsAre(Pair("error", 2)));
}

TEST_F(MockstagramServerTest, LimitedRequestsGet429WithRetryAfter) {
  start(Faults{.limited_rate = 1, .retry_after = 7s});
  EXPECT_THAT(get(kOne), AllOf(StartsWith("HTTP/1.1 429 Too Many Requests\r\n"),
                               HasSubstr("\r\nRetry-After: 7\r\n")));
}

TEST_F(MockstagramServerTest, ARateLimitTurnsAwayWhatComesFaster) {
  // The next turn comes after 1,000 s.
  start(Faults{.rate_limit = 0.001});
  auto asking = client();
  int served = 0;
  for (int i = 0; i < 20; ++i) served += asking.get(kOne).starts_with("HTTP/1.1 200") ? 1 : 0;
  EXPECT_EQ(served, 1);
  EXPECT_EQ(server_->counters().by_fault["limited"], 19);
}

TEST_F(MockstagramServerTest, HangingRequestsGetNothingAndTheConnectionStays) {
  start(Faults{.hang_rate = 1});
  auto hanging = client();
  hanging.send(TestClient::request("GET", kOne));
  // The simulator's own paths are served by the same thread, after the request before.
  EXPECT_THAT(get("/simulator/stats"), HasSubstr("\"hang\":1"));
  EXPECT_TRUE(hanging.silent());
  hanging.end();
  EXPECT_TRUE(hanging.closed());
}

TEST_F(MockstagramServerTest, TruncatedAnswersStopInTheBodyAndClose) {
  start(Faults{.truncate_rate = 1});
  auto asking = client();
  asking.send(TestClient::request("GET", kOne));
  const auto answer = asking.read_to_end();
  EXPECT_THAT(body_of(answer), AllOf(StartsWith("{\"pk\":1000001,"), Not(EndsWith("}"))));
  EXPECT_TRUE(asking.closed());
}

TEST_F(MockstagramServerTest, WrongIdsAreAnotherInfluencers) {
  start(Faults{.wrong_id_rate = 1});
  EXPECT_THAT(body_of(get(kOne)), StartsWith(R"({"pk":1000002,"username":"influencer-1000002",)"));
  EXPECT_THAT(body_of(post(R"({"pk":7})")), StartsWith(R"({"pk":8,)"));
}

TEST_F(MockstagramServerTest, ClosedRequestsGetNothing) {
  start(Faults{.close_rate = 1});
  auto asking = client();
  asking.send(TestClient::request("GET", kOne));
  EXPECT_EQ(asking.read_to_end(), "");
  EXPECT_TRUE(asking.closed());
}

TEST_F(MockstagramServerTest, MalformedBodiesAreWrongInTheChosenWay) {
  start();
  const auto malformed = [this](Malformation kind) {
    EXPECT_TRUE(server_->set_faults({.malformed_rate = 1, .malformations = {kind}}));
    const auto answer = get(kOne);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    return body_of(answer);
  };
  EXPECT_THAT(malformed(Malformation::kNotJson), StartsWith("<html>"));
  EXPECT_THAT(malformed(Malformation::kCut), AllOf(StartsWith("{\"pk\""), Not(EndsWith("}"))));
  EXPECT_EQ(malformed(Malformation::kEmpty), "");
  EXPECT_THAT(malformed(Malformation::kNegative), HasSubstr("\"followerCount\":-5,"));
  EXPECT_THAT(malformed(Malformation::kFractional), HasSubstr("\"followerCount\":1234.5,"));
  EXPECT_THAT(malformed(Malformation::kNull), HasSubstr("\"followerCount\":null,"));
  EXPECT_THAT(malformed(Malformation::kHuge), HasSubstr(":99999999999999999999999,"));
  EXPECT_THAT(malformed(Malformation::kText), MatchesRegex(".*\"followerCount\":\"[0-9]+\",.*"));
  EXPECT_THAT(
      malformed(Malformation::kMissing),
      MatchesRegex(R"(\{"pk":1000001,"username":"influencer-1000001","followingCount".*\})"));
  EXPECT_THAT(malformed(Malformation::kArray), AllOf(StartsWith("[{"), EndsWith("}]")));
  EXPECT_THAT(malformed(Malformation::kOversized).size(), testing::Gt(64 * 1024));
}

TEST_F(MockstagramServerTest, MalformedVerdictsStayAnswersToTheSamePk) {
  start(Faults{.malformed_rate = 1, .malformations = {Malformation::kMissing}});
  EXPECT_EQ(body_of(post(R"({"pk":7})")), R"({"pk":7})");
  EXPECT_EQ(body_of(post("{}")), "{}");
}

TEST_F(MockstagramServerTest, DrippingAnswersComeWholeInTheEnd) {
  start(Faults{.drip_rate = 1, .drip_interval = 1ms});
  EXPECT_THAT(body_of(get(kOne)), AllOf(StartsWith("{\"pk\":1000001,"), EndsWith("}")));
}

TEST_F(MockstagramServerTest, ExtraBytesFollowAWholeAnswer) {
  start(Faults{.extra_bytes_rate = 1});
  for (int i = 0; i < 10; ++i) {
    auto asking = client();
    EXPECT_THAT(body_of(asking.get(kOne)), AllOf(StartsWith("{\"pk\":1000001,"), EndsWith("}")));
    EXPECT_TRUE(asking.reads(10));
  }
}

TEST_F(MockstagramServerTest, RedirectsLeadElsewhere) {
  start(Faults{.redirect_rate = 1});
  EXPECT_THAT(get(kOne),
              AllOf(StartsWith("HTTP/1.1 302 Found\r\n"), HasSubstr("Location: /elsewhere\r\n")));
}

TEST_F(MockstagramServerTest, VanishedInfluencersAreUnknown) {
  start(Faults{.vanished = InfluencerSet::parse("1000001").value()});
  EXPECT_EQ(body_of(get(kOne)), kUnknownError);
  EXPECT_THAT(get("/api/v1/influencers/1000002"), StartsWith("HTTP/1.1 200"));
}

TEST_F(MockstagramServerTest, LatencyDelaysEveryAnswer) {
  start(Faults{.latency = Latency::parse("50ms").value()});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THAT(get(kOne), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/api/v1/influencers/5"), StartsWith("HTTP/1.1 500"));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 100ms);
}

TEST_F(MockstagramServerTest, OutagesOfErrorsAnswer500) {
  start(Faults{.outages = {{0ms, 1h, Outage::Kind::kError}}});
  EXPECT_THAT(get(kOne), StartsWith("HTTP/1.1 500"));
  ASSERT_TRUE(server_->set_faults({}));
  EXPECT_THAT(get(kOne), StartsWith("HTTP/1.1 200"));
}

TEST_F(MockstagramServerTest, OutagesRefuseConnectionsAndEndOnTheSamePort) {
  start();
  auto before = client();
  before.get(kOne);
  ASSERT_TRUE(server_->set_faults({.outages = {{0ms, 1h, Outage::Kind::kRefuse}}}));
  EXPECT_TRUE(before.closed());
  EXPECT_FALSE(client().connected());
  ASSERT_TRUE(server_->set_faults({}));
  EXPECT_THAT(get(kOne), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("outage begins"), HasSubstr("outage ends")));
}

TEST_F(MockstagramServerTest, OutagesBeginAndEndByThemselves) {
  start(Faults{.outages = {{0ms, 100ms, Outage::Kind::kRefuse}}});
  EXPECT_FALSE(client().connected());
  const auto patience = std::chrono::steady_clock::now() + 10s;
  while (!client().connected() && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_THAT(get(kOne), StartsWith("HTTP/1.1 200"));
}

TEST_F(MockstagramServerTest, FaultsHitTheSameRequestsWheneverTheSeedIsTheSame) {
  const Faults half{.error_rate = 0.5};
  const auto outcome = [&] {
    start(half);
    std::string statuses;
    for (int i = 0; i < 40; ++i) statuses += get(kOne).substr(9, 1);
    return statuses;
  };
  const auto first = outcome();
  EXPECT_THAT(first, AllOf(HasSubstr("2"), HasSubstr("5")));
  EXPECT_EQ(outcome(), first);
}

TEST_F(MockstagramServerTest, RefusesFaultsThatCannotBe) {
  start();
  const auto set = server_->set_faults({.error_rate = 0.7, .hang_rate = 0.7});
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().code, Errc::kInvalid);
}

TEST_F(MockstagramServerTest, CountsWhatItDoes) {
  start();
  auto asking = client();
  asking.get(kOne);
  asking.get(kOne);
  asking.get("/api/v1/influencers/5");
  asking.get("/nowhere");
  EXPECT_EQ(body_of(asking.get("/simulator/stats")),
            R"({"requests":4,"by_status":{"200":2,"404":1,"500":1},"by_fault":{},)"
            R"("connections_opened":1,"connections_open":1})");
  EXPECT_EQ(server_->counters().requests, 4);
}

TEST_F(MockstagramServerTest, RemembersWhatItAnswered) {
  auto options = quick_options();
  options.answers_kept = 3;
  start(options);
  auto asking = client();
  std::vector<std::int64_t> seen;
  for (int i = 0; i < 5; ++i) seen.push_back(followers_in(asking.get(kOne)));
  asking.send(TestClient::request("HEAD", kOne));
  asking.read_answer(false);

  std::vector<std::int64_t> kept;
  for (const auto& answer : server_->answers().of(InfluencerId{1'000'001})) {
    kept.push_back(answer.counts.followers);
    EXPECT_LE(answer.at, clock_.wall());
  }
  EXPECT_THAT(kept, ElementsAre(seen[2], seen[3], seen[4]));
  EXPECT_THAT(body_of(asking.get("/simulator/answers?pk=1000001")),
              AllOf(StartsWith(R"({"dropped":2,"answers":[[)"),
                    HasSubstr("," + std::to_string(seen[4]) + ",")));
}

// Nothing that spoils a value may count as an answer of it.
TEST_F(MockstagramServerTest, RemembersNoSpoiledAnswers) {
  auto options = quick_options();
  options.answers_kept = 10;
  start(options);
  for (const auto& faults :
       {Faults{.error_rate = 1}, Faults{.truncate_rate = 1}, Faults{.wrong_id_rate = 1},
        Faults{.close_rate = 1}, Faults{.malformed_rate = 1}, Faults{.redirect_rate = 1}}) {
    ASSERT_TRUE(server_->set_faults(faults));
    ask("GET", kOne);
  }
  EXPECT_THAT(server_->answers().all(), IsEmpty());
}

TEST_F(MockstagramServerTest, StopsWithConnectionsOpenAndFreesItsPort) {
  start();
  const auto port = server_->port();
  auto asking = client();
  asking.get(kOne);
  server_->stop();
  server_->stop();
  EXPECT_TRUE(asking.closed());
  EXPECT_FALSE(server_->set_faults({}).has_value());

  auto options = quick_options();
  options.listen = "127.0.0.1:" + std::to_string(port);
  EXPECT_TRUE(MockstagramServer::start(options, clock_, log_).has_value());
}

TEST_F(MockstagramServerTest, NamesAnAddressThatCanBeAsked) {
  auto options = quick_options();
  options.listen = "0.0.0.0:0";
  start(options);
  EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(server_->port()));
  EXPECT_THAT(get(kOne), StartsWith("HTTP/1.1 200"));
}

TEST_F(MockstagramServerTest, SaysWhatIsWrongWithItsOptions) {
  start();
  const auto error = [this](auto change) {
    auto options = quick_options();
    change(options);
    const auto started = MockstagramServer::start(options, clock_, log_);
    return started ? std::string() : started.error().message;
  };
  EXPECT_THAT(error([](auto& o) { o.listen = "here"; }), HasSubstr("'here' is not a place"));
  EXPECT_THAT(error([](auto& o) { o.listen = "127.0.0.1:70000"; }), HasSubstr("is not a place"));
  EXPECT_THAT(error([](auto& o) { o.influencers = {}; }), HasSubstr("no influencers"));
  EXPECT_THAT(error([](auto& o) {
                o.influencers = InfluencerSet({{InfluencerId{0}, InfluencerId{kInfluencerIdMax}}});
              }),
              HasSubstr("too many to simulate"));
  EXPECT_THAT(error([](auto& o) { o.faults.error_rate = 2; }), HasSubstr("at most 1"));
  EXPECT_THAT(error([this](auto& o) { o.listen = "127.0.0.1:" + std::to_string(server_->port()); }),
              HasSubstr("listen on another one"));
}

}  // namespace
}  // namespace ia
