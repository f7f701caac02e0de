#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <stdexcept>
#include <thread>

#include "http/test_client.h"
#include "http/test_gunzip.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Says the target; "/big" says 4 MB, "/throw" throws.
void echo(const HttpRequest& request, HttpResponse& response) {
  if (request.target == "/throw") throw std::runtime_error("out of luck");
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  if (request.target.starts_with("/tagged")) response.etag = "\"tag\"";
  response.body = request.target == "/big"           ? std::string(4'000'000, 'b')
                  : request.target == "/tagged-long" ? std::string(2'000, 'l')
                                                     : "target " + std::string(request.target);
}

struct Served {
  explicit Served(HttpServerOptions options = {}, HttpHandler handler = echo) {
    options.port = 0;
    auto started = HttpServer::start(std::move(options), std::move(handler), metrics, log, clock);
    if (started) server = std::move(*started);
  }
  TestClient connect() { return TestClient(server->port()); }

  ManualClock clock;
  Metrics metrics;
  int lines() const { return lines_; }
  std::atomic<int> lines_ = 0;
  Log log{LogLevel::kWarning, LogFormat::kText, [this](std::string_view) { ++lines_; }};
  std::unique_ptr<HttpServer> server;
};

TEST(HttpServer, AnswersManyRequestsOnOneConnection) {
  Served served;
  auto client = served.connect();
  for (int i = 0; i < 3'000; ++i) {
    const auto target = "/" + std::to_string(i);
    ASSERT_EQ(client.get(target).body, "target " + target);
  }
}

TEST(HttpServer, SendsTheHeadersThatEveryAnswerHas) {
  Served served;
  for (const auto* target : {"/x", "/throw"}) {
    const auto reply = served.connect().get(target);
    EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply.header("referrer-policy"), "no-referrer");
    EXPECT_THAT(reply.header("content-security-policy"), StartsWith("default-src 'none'"));
    EXPECT_NE(reply.header("cache-control"), "");
    EXPECT_EQ(reply.header("date"), "Thu, 01 Jan 2026 00:00:00 GMT");
    EXPECT_EQ(reply.header("server"), "");
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  Served served;
  auto client = served.connect();
  std::string burst;
  for (int i = 0; i < 500; ++i) {
    burst += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  burst +=
      "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\nGET /last HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_TRUE(client.send(burst));
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.read().body, "target /" + std::to_string(i));
  EXPECT_EQ(client.read().body.size(), 4'000'000U);
  EXPECT_EQ(client.read().body, "target /last");
}

TEST(HttpServer, AnswersARequestThatComesByteByByte) {
  Served served;
  auto client = served.connect();
  for (const char c : std::string_view("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
    ASSERT_TRUE(client.send({&c, 1}));
  }
  EXPECT_EQ(client.read().body, "target /slow");
}

TEST(HttpServer, AnswersHeadWithoutTheBody) {
  Served served;
  auto client = served.connect();
  const auto head = client.get("/x", "", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "9");
  EXPECT_EQ(client.get("/y").body, "target /y");  // nothing was left over
}

TEST(HttpServer, CompressesLongBodiesForThoseWhoAsk) {
  Served served;
  const auto reply = served.connect().get("/tagged-long", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(reply.header("content-encoding"), "gzip");
  EXPECT_EQ(reply.header("vary"), "Accept-Encoding");
  EXPECT_EQ(reply.header("etag"), "\"tag-gzip\"");
  EXPECT_EQ(gunzip(reply.body), std::string(2'000, 'l'));
  EXPECT_EQ(served.connect().get("/tagged-long").header("content-encoding"), "");
  EXPECT_EQ(served.connect().get("/short", "Accept-Encoding: gzip\r\n").header("content-encoding"),
            "");
}

TEST(HttpServer, SaysNotModifiedToThoseWhoHaveIt) {
  Served served;
  auto client = served.connect();
  const auto reply = client.get("/tagged", "If-None-Match: \"tag\"\r\n");
  EXPECT_EQ(reply.status, 304);
  EXPECT_EQ(reply.header("etag"), "\"tag\"");
  EXPECT_EQ(reply.headers.count("content-length"), 0U);
  EXPECT_EQ(client.get("/tagged", "If-None-Match: \"other\"\r\n").status, 200);
  EXPECT_EQ(client.get("/tagged", "If-None-Match: \"tag-gzip\"\r\n").header("etag"),
            "\"tag-gzip\"");
}

TEST(HttpServer, SurvivesAHandlerThatThrows) {
  Served served;
  auto client = served.connect();
  const auto reply = client.get("/throw");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.header("content-type"), "application/problem+json");
  EXPECT_THAT(reply.body, Not(HasSubstr("luck")));
  EXPECT_EQ(client.get("/x").status, 200);
}

TEST(HttpServer, RefusesWhatIsTooLargeOrMalformedAndCloses) {
  const std::vector<std::pair<std::string, int>> cases = {
      {"GET /" + std::string(3'000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(17'000, 'x') + "\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n" +
           std::string(70'000, 'x'),
       413},
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
  };
  for (const auto& [bytes, status] : cases) {
    Served served;
    auto client = served.connect();
    client.send(bytes);
    const auto reply = client.read();
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.header("content-type"), "application/problem+json");
    EXPECT_EQ(reply.header("connection"), "close");
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(HttpServer, RefusesABodyOnGetAndGoesOn) {
  Served served;
  auto client = served.connect();
  client.send("GET /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(client.read().status, 400);
  EXPECT_EQ(client.get("/y").body, "target /y");
}

TEST(HttpServer, ClosesWhenTheClientWantsIt) {
  Served served;
  auto client = served.connect();
  EXPECT_EQ(client.get("/x", "Connection: close\r\n").header("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, KeepsHttp10OpenOnlyWhenAsked) {
  Served served;
  auto client = served.connect();
  client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.read().header("connection"), "keep-alive");
  client.send("GET /b HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.read().body, "target /b");
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, EndsAConnectionAfterItsLastRequest) {
  Served served({.requests_per_connection = 2});
  auto client = served.connect();
  EXPECT_EQ(client.get("/1").header("connection"), "");
  EXPECT_EQ(client.get("/2").header("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

HttpServerOptions hasty() {
  return {.header_timeout = milliseconds{80},
          .request_timeout = milliseconds{160},
          .idle_timeout = milliseconds{300},
          .write_timeout = milliseconds{100}};
}

TEST(HttpServer, CutsOffAHeaderThatDrips) {
  Served served(hasty());
  auto client = served.connect();
  client.send("GET / HTTP/1.1\r\n");
  std::jthread drip([&client](const std::stop_token& stopped) {
    while (!stopped.stop_requested() && client.send("X: y\r\n")) {
      std::this_thread::sleep_for(milliseconds{10});
    }
  });
  const auto reply = client.read();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.header("connection"), "close");
  drip.request_stop();
}

TEST(HttpServer, CutsOffABodyThatDoesNotCome) {
  Served served(hasty());
  auto client = served.connect();
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.read().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, ClosesIdleConnectionsWithoutAWord) {
  Served served(hasty());
  auto silent = served.connect();
  EXPECT_TRUE(silent.is_closed());
  auto used = served.connect();
  EXPECT_EQ(used.get("/x").status, 200);
  EXPECT_TRUE(used.is_closed());
}

TEST(HttpServer, DropsClientsThatDoNotRead) {
  Served served(hasty());
  TestClient client(served.server->port(), false, 4'096);
  for (int i = 0; i < 4; ++i) client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto dropped =
      served.metrics.counter("ia_http_dropped_total", "", {{"reason", "slow_reader"}});
  for (int i = 0; i < 1'000 && dropped.value() == 0; ++i) {
    std::this_thread::sleep_for(milliseconds{10});
  }
  EXPECT_EQ(dropped.value(), 1U);
  EXPECT_LT(client.drain(), 16'000'000U);
}

// A hundred clients that drip must not keep an honest one waiting.
TEST(HttpServer, ServesOthersWhileClientsDrip) {
  Served served;
  std::vector<std::unique_ptr<TestClient>> drippers;
  for (int i = 0; i < 100; ++i) {
    drippers.push_back(std::make_unique<TestClient>(served.server->port()));
    drippers.back()->send("GET / HTTP/1.1\r\nX: ");
  }
  auto client = served.connect();
  for (int i = 0; i < 100; ++i) {
    for (auto& dripper : drippers) dripper->send("y");
    ASSERT_EQ(client.get("/x").status, 200);
  }
}

TEST(HttpServer, ClosesTheIdlestConnectionForANewOneWhenItIsFull) {
  Served served({.connections_max = 2});
  auto first = served.connect();
  auto second = served.connect();
  EXPECT_EQ(first.get("/x").status, 200);
  EXPECT_EQ(second.get("/x").status, 200);
  auto third = served.connect();
  EXPECT_EQ(third.get("/x").status, 200);
  EXPECT_TRUE(first.is_closed());
  EXPECT_EQ(second.get("/x").status, 200);
  EXPECT_EQ(served.metrics.counter("ia_http_dropped_total", "", {{"reason", "crowded"}}).value(),
            1U);
}

TEST(HttpServer, LetsOthersInWhenAClientLeft) {
  Served served({.connections_max = 1});
  EXPECT_EQ(served.connect().get("/x", "Connection: close\r\n").status, 200);
  int status = 503;
  for (int i = 0; i < 500 && status == 503; ++i) status = served.connect().get("/x").status;
  EXPECT_EQ(status, 200);
}

// Takes all file descriptors but one, and gives them back at the end.
class ScarceFiles {
 public:
  ScarceFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit scarce{std::min<rlim_t>(before_.rlim_cur, 512), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &scarce);
    for (int file = dup(0); file >= 0; file = dup(0)) taken_.push_back(file);
    close(taken_.back());
    taken_.pop_back();
  }
  ~ScarceFiles() {
    for (const int file : taken_) close(file);
    setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

// The last one goes to the client, so the server has none to accept it with.
TEST(HttpServer, WaitsWhenThereAreNoFileDescriptorsAndGoesOn) {
  Served served;
  auto first = served.connect();
  EXPECT_EQ(first.get("/x", "Connection: close\r\n").status, 200);
  EXPECT_TRUE(first.is_closed());
  auto scarce = std::make_unique<ScarceFiles>();
  auto client = served.connect();
  EXPECT_TRUE(client.is_connected());
  for (int i = 0; i < 1'000 && served.lines() == 0; ++i) {
    std::this_thread::sleep_for(milliseconds{5});
  }
  EXPECT_EQ(served.lines(), 1);
  scarce.reset();
  EXPECT_EQ(client.get("/x").status, 200);
}

TEST(HttpServer, LimitsTheRateOfAnAddress) {
  Served served({.rate_limit = 3});
  auto client = served.connect();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(client.get("/x").status, 200);
  const auto reply = client.get("/x");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.header("retry-after"), "1");
  served.clock.advance(milliseconds{334});
  EXPECT_EQ(client.get("/x").status, 200);
}

TEST(HttpServer, CountsRequestsByRouteAndCode) {
  Served served({.routes = {"none", "known"}}, [](const HttpRequest&, HttpResponse& response) {
    response.route = 1;
    response.status = 404;
  });
  auto client = served.connect();
  client.get("/x");
  client.get("/y");
  client.send("nonsense\r\n\r\n");
  client.read();
  const auto text = served.metrics.text();
  EXPECT_THAT(text, HasSubstr(R"(ia_http_requests_total{code="404",route="known"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(ia_http_requests_total{code="400",route="none"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(ia_http_request_seconds_count{route="known"} 2)"));
}

TEST(HttpServer, ListensOnIpv6) {
  Served served({.host = "::1"});
  ASSERT_NE(served.server, nullptr);
  EXPECT_EQ(served.server->address(), "[::1]:" + std::to_string(served.server->port()));
  EXPECT_EQ(TestClient(served.server->port(), true).get("/x").status, 200);
}

TEST(HttpServer, SaysWhyItCannotListen) {
  Served served;
  const auto message_of = [&served](const std::string& host, std::uint16_t port) {
    const auto second = HttpServer::start({.host = host, .port = port}, echo, served.metrics,
                                          served.log, served.clock);
    return second ? "" : second.error().message;
  };
  EXPECT_THAT(message_of("127.0.0.1", served.server->port()),
              HasSubstr("another program listens on 127.0.0.1:" +
                        std::to_string(served.server->port()) + "; choose another with --listen"));
  EXPECT_THAT(message_of("localhost", 0), HasSubstr("not an IP address"));
  EXPECT_THAT(message_of("192.0.2.1", 0), HasSubstr("no network interface"));
}

TEST(HttpServer, FinishesRequestsWhenItStops) {
  std::atomic<bool> is_in_handler = false;
  std::atomic<bool> may_answer = false;
  Served served({}, [&](const HttpRequest&, HttpResponse& response) {
    is_in_handler = true;
    is_in_handler.notify_all();
    may_answer.wait(false);
    response.body = "done";
  });
  auto client = served.connect();
  auto idle = served.connect();
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  is_in_handler.wait(false);
  std::jthread stopper([&served] { served.server->stop(); });
  may_answer = true;
  may_answer.notify_all();
  EXPECT_EQ(client.read().body, "done");
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(idle.is_closed());
  stopper.join();
  EXPECT_FALSE(TestClient(served.server->port()).is_connected());
}

TEST(HttpServer, StopsInTimeWhenAClientHoldsARequestBack) {
  Served served({.stop_timeout = milliseconds{50}});
  auto client = served.connect();
  EXPECT_EQ(client.get("/x").status, 200);
  client.send("GET / HTTP/1.1\r\n");
  served.server->stop();
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, ServesManyClientsOnSeveralThreads) {
  Served served({.threads = 3});
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 8; ++c) {
      clients.emplace_back([&, c] {
        for (int round = 0; round < 5; ++round) {
          auto client = served.connect();
          for (int i = 0; i < 40; ++i) {
            const auto target = "/" + std::to_string(c) + "/" + std::to_string(i);
            wrong += client.get(target, "Accept-Encoding: gzip\r\n").body != "target " + target;
          }
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ia
