// How often a sink asks SQS while it refuses, in each of the ways in which it can.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "adapters/sqs/queue.h"
#include "adapters/sqs/test_server.h"
#include "pipeline/sink.h"
#include "testing/manual_clock.h"
#include "testing/memory_store.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

TestReply found(const TestRequest& request) {
  const bool asks_url = request.header("X-Amz-Target") == "AmazonSQS.GetQueueUrl";
  return {.body = asks_url ? R"({"QueueUrl":"http://h/1/q"})" : "{}"};
}

// Requests within the first minute, each of a round's retries included.
int requests_per_minute(const TestReply& reply) {
  std::atomic<bool> is_out = false;
  std::atomic<int> requests = 0;
  TestServer server([&](const TestRequest& request) {
    if (!is_out) return found(request);
    ++requests;
    return reply;
  });
  ManualClock clock;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  FixedSqsCredentials credentials{{"AKIDEXAMPLE", "secret", "", std::nullopt}};
  const SqsRetryOptions retry{.sleep = [&clock](milliseconds time) { clock.advance(time); },
                              .seed = 1};
  auto client = SqsClient::make({.endpoint = server.url(), .region = "eu-west-1", .retry = retry},
                                credentials, clock, metrics)
                    .value();
  auto queue = SqsQueue::open({.name = "q"}, *client, clock, log).value();
  MemoryStore store;
  Sink sink({}, *queue, store, clock, metrics, log);
  is_out = true;
  for (const auto end = clock.mono() + minutes{1}; clock.mono() < end;) {
    (void)sink.step(milliseconds{0});
    clock.advance(std::max(sink.rest(), milliseconds{1}));
  }
  return requests;
}

TEST(SqsOutage, ASinkAsksAFewTimesPerMinuteWhateverTheAnswer) {
  const auto error = [](int status, const std::string& type) {
    return TestReply{.status = status, .body = R"({"__type":")" + type + R"(","message":"m"})"};
  };
  EXPECT_LE(requests_per_minute(error(400, "com.amazonaws.sqs#QueueDoesNotExist")), 15);
  EXPECT_LE(requests_per_minute(error(403, "AccessDeniedException")), 15);
  EXPECT_LE(requests_per_minute(error(403, "ExpiredToken")), 60);
  EXPECT_LE(requests_per_minute(error(400, "RequestThrottled")), 60);
  EXPECT_LE(requests_per_minute({.status = 503}), 60);
  EXPECT_LE(requests_per_minute({.body = "<html>"}), 15);
  EXPECT_LE(requests_per_minute({.fate = TestReply::Fate::kDropped}), 60);
}

}  // namespace
}  // namespace ia
