#include "app/commands/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <utility>

#include "app/service/metrics_server.h"
#include "base/stage_thread.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

using ::testing::HasSubstr;

using Reasons = std::vector<std::string>;

// A stage's server, of which a test sets the trouble before it asks.
struct Stage {
  Stage() {
    auto started = start_metrics_server(
        {"127.0.0.1", 0},
        {.trouble = [this] { return trouble; }, .not_ready_reasons = [this] { return reasons; }},
        metrics, log, clock);
    if (started) server = std::move(*started);
  }
  Result<std::string> ask(const std::string& path) const {
    return ask_health("http://" + server->address() + path);
  }

  std::string trouble;
  Reasons reasons;
  ManualClock clock;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  std::unique_ptr<HttpServer> server;
};

TEST(Health, IsGoodWhileAStageAnswersItsPort) {
  const Stage stage;
  EXPECT_THAT(stage.ask("/healthz").value_or("failed"), HasSubstr("answers 200"));
  EXPECT_TRUE(stage.ask("/healthz?x=1").has_value());
  EXPECT_TRUE(stage.ask("/metrics").has_value());
}

TEST(Health, SaysWhatIsWrongWithAStage) {
  Stage stage;
  stage.trouble = "The sink has been in one step for 300 s.";
  const auto said = stage.ask("/healthz");
  ASSERT_FALSE(said.has_value());
  EXPECT_THAT(said.error().message, HasSubstr("answers 503: The sink has been in one step"));
  EXPECT_TRUE(stage.ask("/metrics").has_value()) << "they are wanted most then";
}

// What it depends on is away: a new process would do no better, so it is healthy.
TEST(Health, AStageThatIsNotReadyNamesEachReasonAndIsHealthy) {
  Stage stage;
  EXPECT_TRUE(stage.ask("/readyz").has_value());
  stage.reasons = {"the store takes no batches", "the time is in doubt"};
  EXPECT_THAT(stage.ask("/readyz").error().message,
              HasSubstr("answers 503: the store takes no batches\nthe time is in doubt"));
  EXPECT_TRUE(stage.ask("/healthz").has_value());
}

TEST(Health, IsBadWhereAnotherPathOrNothingAnswers) {
  Stage stage;
  EXPECT_THAT(stage.ask("/other").error().message, HasSubstr("answers 404"));
  const auto url = "http://" + stage.server->address() + "/healthz";
  stage.server->stop();
  EXPECT_THAT(ask_health(url).error().message, HasSubstr(url + " does not answer: "));
}

TEST(Health, NamesThePortThatAStageCannotHave) {
  const Stage stage;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  const auto second = start_metrics_server(
      {"127.0.0.1", stage.server->port()},
      {.trouble = [] { return std::string(); }, .not_ready_reasons = [] { return Reasons(); }},
      metrics, log, stage.clock);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().message, HasSubstr("--metrics-listen 127.0.0.1:"));
}

TEST(StageThread, NamesAStepThatTakesTooLong) {
  using std::chrono::milliseconds;
  std::promise<void> began;
  std::promise<void> may_end;
  StageThread thread("sink", [&, is_first = true]() mutable {
    if (std::exchange(is_first, false)) {
      began.set_value();
      may_end.get_future().wait();
    }
    return milliseconds{600'000};
  });
  began.get_future().wait();
  EXPECT_EQ(thread.standstill(milliseconds{600'000}), "");
  while (thread.standstill(milliseconds{0}).empty()) std::this_thread::yield();
  EXPECT_THAT(thread.standstill(milliseconds{0}), HasSubstr("The sink has been in one step for"));
  may_end.set_value();
  while (!thread.standstill(milliseconds{0}).empty()) std::this_thread::yield();
}

}  // namespace
}  // namespace ia
