// That no client gets in the way of others: who is answered in which order, who has to go, and the
// priority of the threads.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "base/ip_address.h"
#include "http/late_answer.h"
#include "http/server.h"
#include "http/test_client.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

const std::string kAsk = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr const char* kGreedy = "127.0.0.2";

template <class Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 2'000 && !condition(); ++i) {
    std::this_thread::sleep_for(milliseconds{5});
  }
  return static_cast<bool>(condition());
}

// Answers with the target and remembers the order; "/hold" holds the thread until release().
class Fairness : public ::testing::Test {
 protected:
  ~Fairness() override { release(); }

  void serve(HttpServerOptions options = {}) {
    options.port = 0;
    options.turns_time = std::chrono::microseconds{0};
    auto started = HttpServer::start(
        std::move(options), [this](const HttpRequest& q, HttpResponse& r) { handle(q, r); },
        metrics, log, clock);
    ASSERT_TRUE(started.has_value());
    server = std::move(*started);
  }

  void handle(const HttpRequest& request, HttpResponse& response) {
    {
      const std::scoped_lock lock(mutex);
      order.emplace_back(request.target);
    }
    if (request.target == "/hold") {
      is_held = true;
      hold.get_future().wait();
    } else if (request.target == "/late") {
      response.late = std::make_shared<LateAnswer>();
      const std::scoped_lock lock(mutex);
      lates.push_back(response.late);
    }
    response.content_type = content_type::kJson;
    response.body = request.target == "/big" ? std::string(16'000'000, 'b') : "done";
  }

  void release() {
    if (!std::exchange(is_released, true)) hold.set_value();
  }
  std::ptrdiff_t place_of(std::string_view target) {
    const std::scoped_lock lock(mutex);
    return std::ranges::find(order, target) - order.begin();
  }
  TestClient connect(const char* from = "127.0.0.1") {
    return TestClient(server->port(), false, 0, from);
  }
  std::vector<std::unique_ptr<TestClient>> connect_many(std::size_t count, const char* from) {
    std::vector<std::unique_ptr<TestClient>> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(std::make_unique<TestClient>(server->port(), false, 0, from));
    }
    return all;
  }

  ManualClock clock;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  std::mutex mutex;
  std::vector<std::string> order;
  std::vector<std::shared_ptr<LateAnswer>> lates;
  std::promise<void> hold;
  std::atomic<bool> is_held = false;
  bool is_released = false;
  std::unique_ptr<HttpServer> server;
};

TEST_F(Fairness, LetsOthersGoBetweenPipelinedRequests) {
  serve();
  auto greedy = connect(kGreedy);
  auto other = connect();
  std::string burst = "GET /hold" + kAsk;
  for (int i = 0; i < 59; ++i) burst += "GET /greedy" + kAsk;
  greedy.send(burst);
  ASSERT_TRUE(comes_true([this] { return is_held.load(); }));
  other.send("GET /other" + kAsk);
  release();
  EXPECT_EQ(other.read().body, "done");
  EXPECT_LE(place_of("/other"), 5);
  for (int i = 0; i < 60; ++i) ASSERT_EQ(greedy.read().body, "done");
}

TEST_F(Fairness, GivesAClientOneTurnHoweverManyConnectionsItHas) {
  serve();
  auto many = connect_many(60, kGreedy);
  auto other = connect();
  auto holder = connect("127.0.0.3");
  holder.send("GET /hold" + kAsk);
  ASSERT_TRUE(comes_true([this] { return is_held.load(); }));
  for (const auto& one : many) one->send("GET /greedy" + kAsk);
  other.send("GET /other" + kAsk);
  release();
  EXPECT_EQ(other.read().body, "done");
  EXPECT_LE(place_of("/other"), 5);
  for (const auto& one : many) ASSERT_EQ(one->read().body, "done");
}

TEST_F(Fairness, ClosesIdleConnectionsOfAClientBeforeOthersHaveToWait) {
  serve({.connections_max = 40});
  auto other = connect();
  EXPECT_EQ(other.get("/x").status, 200);
  auto greedy = connect_many(120, kGreedy);
  EXPECT_EQ(greedy.back()->get("/x").status, 200) << "its newest connection is served";
  EXPECT_TRUE(greedy.front()->is_closed());
  EXPECT_EQ(other.get("/x").status, 200) << "another's idle connection stays";
  for (int i = 0; i < 8; ++i) EXPECT_EQ(connect().get("/x").status, 200);
}

TEST_F(Fairness, TurnsAwayWhereNoConnectionIsIdle) {
  serve({.connections_max = 2});
  auto waiting = connect_many(2, kGreedy);
  for (const auto& one : waiting) one->send("GET /late" + kAsk);
  ASSERT_TRUE(comes_true([this] {
    const std::scoped_lock lock(mutex);
    return lates.size() == 2;
  }));
  auto third = connect();
  const auto reply = third.get("/x");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("retry-after"), "1");
  EXPECT_TRUE(third.is_closed());
}

TEST_F(Fairness, RefusesAClientThatDoesNotReadItsAnswers) {
  serve({.unsent_bytes_of_client = 1'000'000});
  TestClient lazy(server->port(), false, 4'096, kGreedy);
  lazy.send("GET /big" + kAsk);
  int status = 0;
  EXPECT_TRUE(comes_true([&] { return (status = connect(kGreedy).get("/x").status) == 429; }))
      << status;
  EXPECT_EQ(connect().get("/x").status, 200);
  EXPECT_EQ(lazy.read().body.size(), 16'000'000U);
  EXPECT_TRUE(comes_true([&] { return connect(kGreedy).get("/x").status == 200; }));
}

// The nice value of the process's thread of that name.
int nice_of(const std::string& name) {
  int nice = -100;
  auto* tasks = ::opendir("/proc/self/task");
  while (const auto* task = ::readdir(tasks)) {
    std::ifstream file(std::string("/proc/self/task/") + task->d_name + "/stat");
    std::string stat((std::istreambuf_iterator<char>(file)), {});
    if (stat.find("(" + name + ")") == std::string::npos) continue;
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string field;
    for (int i = 0; i < 17; ++i) fields >> field;
    nice = std::stoi(field);
  }
  ::closedir(tasks);
  return nice;
}

TEST_F(Fairness, ThreadsOfTheServerComeAfterThoseThatFetch) {
  serve();
  EXPECT_EQ(connect().get("/x").status, 200);
  const int own = getpriority(PRIO_PROCESS, 0);
  EXPECT_EQ(nice_of("api"), std::min(own + HttpServer::kThreadNice, 19));
}

}  // namespace
}  // namespace ia
