// Late answers and streams, through the server.
#include "http/late_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "http/server.h"
#include "http/test_client.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::HasSubstr;

LateAnswer::Bytes bytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

HttpResponse with_body(std::string body) {
  HttpResponse response;
  response.content_type = content_type::kJson;
  response.body = std::move(body);
  return response;
}

HttpResponse stream_head(std::string body = "") {
  auto response = with_body(std::move(body));
  response.content_type = content_type::kEvents;
  response.is_stream = true;
  return response;
}

template <class Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 2'000 && !condition(); ++i) {
    std::this_thread::sleep_for(milliseconds{5});
  }
  return static_cast<bool>(condition());
}

// Answers "/late..." when the test says so, "/stream..." with a stream, all else with the target.
class LateAnswers : public ::testing::Test {
 protected:
  void serve(HttpServerOptions options = {}) {
    options.port = 0;
    options.routes = {"none", "known"};
    auto started = HttpServer::start(
        std::move(options), [this](const HttpRequest& q, HttpResponse& r) { handle(q, r); },
        metrics, log, clock);
    ASSERT_TRUE(started.has_value());
    server = std::move(*started);
  }

  void handle(const HttpRequest& request, HttpResponse& response) {
    response.route = 1;
    const bool is_stream = request.target.starts_with("/stream");
    if (!is_stream && !request.target.starts_with("/late")) {
      response.body = "target " + std::string(request.target);
      return;
    }
    auto late = std::make_shared<LateAnswer>();
    if (is_stream) late->answer(stream_head("hello\n"));
    response.late = late;
    const std::scoped_lock lock(mutex);
    asked.push_back(std::move(late));
  }

  // The n-th late answer that was asked for, or a dead one after 10 s.
  std::shared_ptr<LateAnswer> late(std::size_t n) {
    const auto found = [&] {
      const std::scoped_lock lock(mutex);
      return asked.size() > n ? asked[n] : nullptr;
    };
    return comes_true(found) ? found() : std::make_shared<LateAnswer>();
  }

  TestClient connect() { return TestClient(server->port()); }
  std::uint64_t dropped(const char* reason) {
    return metrics.counter("ia_http_dropped_total", "", {{"reason", reason}}).value();
  }
  double streams() { return metrics.gauge("ia_http_streams", "").value(); }

  ManualClock clock;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  std::mutex mutex;
  std::vector<std::shared_ptr<LateAnswer>> asked;
  std::unique_ptr<HttpServer> server;
};

const std::string kAsk = " HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(LateAnswers, ComeFromAnotherThread) {
  serve();
  auto client = connect();
  client.send("GET /late" + kAsk);
  std::jthread([&] { late(0)->answer(with_body("at last")); }).join();
  const auto reply = client.read();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.body, "at last");
  EXPECT_EQ(client.get("/next").body, "target /next");
  EXPECT_THAT(metrics.text(), HasSubstr(R"(ia_http_requests_total{code="200",route="known"} 2)"));
}

TEST_F(LateAnswers, KeepTheOrderOfPipelinedRequests) {
  serve();
  auto client = connect();
  client.send("GET /a" + kAsk + "GET /late/1" + kAsk + "GET /b" + kAsk + "GET /late/2" + kAsk +
              "GET /c" + kAsk);
  EXPECT_EQ(client.read().body, "target /a");  // what is there goes at once
  late(0)->answer(with_body("first"));
  EXPECT_EQ(client.read().body, "first");
  EXPECT_EQ(client.read().body, "target /b");
  late(1)->answer(with_body("second"));
  EXPECT_EQ(client.read().body, "second");
  EXPECT_EQ(client.read().body, "target /c");
}

TEST_F(LateAnswers, DoNotHoldOtherConnectionsUp) {
  serve();
  auto waiting = connect();
  waiting.send("GET /late" + kAsk);
  const auto held = late(0);
  auto other = connect();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(other.get("/x").body, "target /x");
  held->answer(with_body("done"));
  EXPECT_EQ(waiting.read().body, "done");
}

TEST_F(LateAnswers, AreCompressedAndKnownByTheirETagLikeOthers) {
  serve();
  auto client = connect();
  client.send("GET /late HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
  late(0)->answer(with_body(std::string(5'000, 'x')));
  EXPECT_EQ(client.read().header("content-encoding"), "gzip");
  client.send("GET /late HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"tag\"\r\n\r\n");
  auto tagged = with_body("known");
  tagged.etag = "\"tag\"";
  late(1)->answer(std::move(tagged));
  EXPECT_EQ(client.read().status, 304);
  client.send("HEAD /late" + kAsk);
  late(2)->answer(with_body("12345"));
  EXPECT_EQ(client.read(false).header("content-length"), "5");
  EXPECT_EQ(client.get("/x").body, "target /x");
}

TEST_F(LateAnswers, AreNotWantedWhenTheClientHasLeft) {
  serve();
  std::optional<TestClient> client(server->port());
  client->send("GET /late" + kAsk + "GET /behind" + kAsk);
  const auto held = late(0);
  EXPECT_TRUE(held->is_wanted());
  client.reset();
  EXPECT_TRUE(comes_true([&] { return !held->is_wanted(); }));
  held->answer(with_body("to nobody"));
  EXPECT_EQ(connect().get("/x").status, 200);
}

TEST_F(LateAnswers, AreGivenUpAfterTheirTime) {
  serve({.answer_timeout = milliseconds{40}});
  auto client = connect();
  client.send("GET /late" + kAsk);
  const auto reply = client.read();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("content-type"), "application/problem+json");
  EXPECT_NE(reply.header("retry-after"), "");
  EXPECT_FALSE(late(0)->is_wanted());
  EXPECT_EQ(dropped("slow_answer"), 1U);
  EXPECT_EQ(client.get("/x").body, "target /x");
  EXPECT_THAT(metrics.text(), HasSubstr(R"(ia_http_requests_total{code="503",route="known"} 1)"));
}

TEST_F(LateAnswers, AreWaitedForWhenTheServerStops) {
  serve();
  auto client = connect();
  client.send("GET /late" + kAsk);
  const auto held = late(0);
  std::jthread stopper([this] { server->stop(); });
  while (connect().is_connected()) std::this_thread::yield();
  held->answer(with_body("done"));
  EXPECT_EQ(client.read().body, "done");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(LateAnswers, DoNotKeepTheServerFromStopping) {
  serve({.stop_timeout = milliseconds{50}});
  auto client = connect();
  client.send("GET /late" + kAsk);
  const auto held = late(0);
  server->stop();
  EXPECT_TRUE(client.is_closed());
  EXPECT_FALSE(held->is_wanted());
  server.reset();
  held->answer(with_body("to nobody"));
}

TEST_F(LateAnswers, MayComeFromManyThreadsToManyClients) {
  serve({.threads = 2});
  std::atomic<int> wrong = 0;
  std::jthread maker([this](const std::stop_token& stopped) {
    for (std::size_t n = 0; n < 400 && !stopped.stop_requested(); ++n) {
      late(n)->answer(with_body("late"));
    }
  });
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 4; ++c) {
      clients.emplace_back([&] {
        auto client = connect();
        for (int i = 0; i < 100; ++i) {
          wrong += client.get("/late").body != "late";
          wrong += client.get("/x").body != "target /x";
        }
      });
    }
  }
  maker.request_stop();
  EXPECT_EQ(wrong, 0);
}

TEST_F(LateAnswers, MayBeStreams) {
  serve();
  auto client = connect();
  client.send("GET /a" + kAsk +
              "GET /stream HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(client.read().body, "target /a");
  const auto head = client.read();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
  EXPECT_EQ(head.headers.count("content-length"), 0U);
  EXPECT_EQ(head.headers.count("content-encoding"), 0U);
  EXPECT_EQ(head.header("connection"), "close");
  EXPECT_EQ(client.read_bytes(6), "hello\n");
  EXPECT_EQ(streams(), 1);
  EXPECT_TRUE(late(0)->write(bytes("one ")));
  EXPECT_TRUE(late(0)->write(bytes("two ")));
  EXPECT_EQ(client.read_bytes(8), "one two ");
  late(0)->write(bytes("three"));
  late(0)->end();
  EXPECT_FALSE(late(0)->write(bytes("four")));
  EXPECT_EQ(client.read_bytes(5), "three");
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(comes_true([this] { return streams() == 0; }));
}

TEST_F(LateAnswers, MayBecomeStreamsLater) {
  serve();
  auto client = connect();
  client.send("GET /late" + kAsk);
  const auto held = late(0);
  held->write(bytes("more "));
  held->answer(stream_head("first "));
  held->write(bytes("again"));
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read_bytes(16), "first more again");
}

TEST_F(LateAnswers, OfAStreamEndWhenTheClientLeaves) {
  serve();
  std::optional<TestClient> client(server->port());
  client->send("GET /stream" + kAsk);
  EXPECT_EQ(client->read().status, 200);
  client.reset();
  EXPECT_TRUE(comes_true([this] { return !late(0)->is_wanted(); }));
  EXPECT_TRUE(comes_true([this] { return streams() == 0; }));
}

TEST_F(LateAnswers, OfAStreamOutliveTheIdleTimeout) {
  serve({.idle_timeout = milliseconds{20}});
  auto client = connect();
  client.send("GET /stream" + kAsk);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(connect().is_closed());  // an idle one of the same age and its time have gone
  EXPECT_TRUE(late(0)->write(bytes("still here")));
  EXPECT_EQ(client.read_bytes(16), "hello\nstill here");
}

TEST_F(LateAnswers, HaveOnlyAHeadForHead) {
  serve();
  auto client = connect();
  const auto head = client.get("/stream", "", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
  EXPECT_FALSE(late(0)->is_wanted());
  EXPECT_EQ(client.get("/x").body, "target /x");
}

TEST_F(LateAnswers, DropAClientForWhomTooMuchWaits) {
  serve({.write_timeout = milliseconds{500}});
  TestClient client(server->port(), false, 4'096);
  client.send("GET /stream" + kAsk);
  const auto stream = late(0);
  const auto piece = bytes(std::string(10'000, 'x'));
  std::size_t written = 0;
  while (stream->write(piece)) {
    written += piece->size();
    ASSERT_LT(written, 50'000'000U);
    std::this_thread::sleep_for(std::chrono::microseconds{100});
  }
  EXPECT_TRUE(comes_true([this] { return streams() == 0; }));
  EXPECT_EQ(dropped("slow_reader"), 1U);
  EXPECT_LE(client.drain(), written);
}

TEST_F(LateAnswers, DropAClientThatReadsNothingForTheWriteTimeout) {
  serve({.write_timeout = milliseconds{60}});
  TestClient client(server->port(), false, 4'096);
  client.send("GET /stream" + kAsk);
  const auto stream = late(0);
  // More than the kernel takes, less than may wait and be on its way.
  std::string much(LateAnswer::kWaitingBytesMax - 10'000, 'x');
  EXPECT_TRUE(stream->write(bytes(much)));
  EXPECT_TRUE(comes_true([&] {
    stream->write(bytes("more"));
    return !stream->is_wanted();
  }));
  EXPECT_EQ(dropped("slow_reader"), 1U);
}

TEST_F(LateAnswers, LimitTheNumberOfStreamsApartFromConnections) {
  serve({.connections_max = 1, .streams_max = 2});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<TestClient>(server->port()));
    clients.back()->send("GET /stream" + kAsk);
    EXPECT_EQ(clients.back()->read().status, 200);
  }
  auto third = connect();
  const auto reply = third.get("/stream");
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(reply.header("retry-after"), "");
  EXPECT_FALSE(late(2)->is_wanted());
  EXPECT_EQ(third.get("/x").status, 200);
  clients.clear();
  EXPECT_TRUE(comes_true([this] { return streams() == 0; }));
  EXPECT_EQ(third.get("/stream").status, 200);
}

TEST_F(LateAnswers, OfStreamsEndAtOnceWhenTheServerStops) {
  serve({.stop_timeout = std::chrono::hours{1}});
  auto client = connect();
  client.send("GET /stream" + kAsk);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read_bytes(6), "hello\n");
  server->stop();
  EXPECT_TRUE(client.is_closed());
  EXPECT_FALSE(late(0)->is_wanted());
}

TEST_F(LateAnswers, ShareTheirBytesBetweenManyStreams) {
  serve({.threads = 2});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<TestClient>(server->port()));
    clients.back()->send("GET /stream" + kAsk);
  }
  (void)late(199);
  std::string all = "hello\n";
  for (int round = 0; round < 20; ++round) {
    const auto piece = bytes("round " + std::to_string(round) + "\n");
    for (const auto& stream : asked) EXPECT_TRUE(stream->write(piece));
    all += *piece;
  }
  std::vector<std::string> received;
  for (const auto& client : clients) {
    EXPECT_EQ(client->read().status, 200);
    received.push_back(client->read_bytes(all.size()));
  }
  EXPECT_THAT(received, Each(all));
}

}  // namespace
}  // namespace ia
