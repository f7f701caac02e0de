#include "adapters/sqs/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "adapters/sqs/test_server.h"
#include "adapters/sqs/test_signature.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

constexpr auto kThrottled = R"({"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow"})";

// Gives its replies one after the other, then the last one for ever.
class Script {
 public:
  explicit Script(std::deque<TestReply> replies) : replies_(std::move(replies)) {}
  TestServer::Handler handler() {
    return [this](const TestRequest& request) {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(request);
      auto reply = replies_.front();
      if (replies_.size() > 1) replies_.pop_front();
      return reply;
    };
  }
  std::vector<TestRequest> requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  std::mutex mutex_;
  std::deque<TestReply> replies_;
  std::vector<TestRequest> requests_;
};

class SqsClientTest : public ::testing::Test {
 protected:
  void script(std::deque<TestReply> replies) {
    script_ = std::make_unique<Script>(std::move(replies));
    server_ = std::make_unique<TestServer>(script_->handler());
    options_.endpoint = server_->url();
  }
  SqsReply call(SqsRequest request = {.action = SqsAction::kGetQueueUrl, .body = "{}"}) {
    if (!client_) client_ = SqsClient::make(options_, credentials_, clock_, metrics_).value();
    return client_->call(request);
  }

  ManualClock clock_;
  Metrics metrics_;
  FixedSqsCredentials credentials_{{"AKIDEXAMPLE", "secret", "token", std::nullopt}};
  std::vector<milliseconds> slept_;
  SqsClientOptions options_{.region = "eu-west-1",
                            .request_timeout = milliseconds{2'000},
                            .retry = {.sleep = [this](milliseconds time) {
                              slept_.push_back(time);
                              clock_.advance(time);
                            }}};
  std::unique_ptr<Script> script_;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<SqsClient> client_;
};

TEST_F(SqsClientTest, SpeaksSignedJsonToTheRoot) {
  script({{.body = R"({"QueueUrl":"http://elsewhere/1/q"})"}});
  EXPECT_EQ(call({.action = SqsAction::kGetQueueUrl, .body = R"({"QueueName":"q"})"}).value(),
            R"({"QueueUrl":"http://elsewhere/1/q"})");

  const auto request = script_->requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/");
  EXPECT_EQ(request.header("X-Amz-Target"), "AmazonSQS.GetQueueUrl");
  EXPECT_EQ(request.header("Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(request.header("X-Amz-Security-Token"), "token");
  EXPECT_EQ(request.body, R"({"QueueName":"q"})");
  EXPECT_THAT(signature_defect(request, "AKIDEXAMPLE", {"secret", "eu-west-1", "sqs"}), IsEmpty());
}

TEST_F(SqsClientTest, TriesAgainWhateverMayPass) {
  script({{.status = 503, .body = "busy"},
          {.fate = TestReply::Fate::kDropped},
          {.body = "{\"half\":1}", .fate = TestReply::Fate::kCut},
          {.body = "{}"}});
  EXPECT_EQ(call().value(), "{}");
  EXPECT_THAT(script_->requests(), SizeIs(4));
  // libcurl repeats at once what a kept connection swallowed.
  EXPECT_THAT(slept_, SizeIs(AllOf(Ge(2u), Le(3u))));
  EXPECT_THAT(slept_, Each(Le(milliseconds{200})));
}

TEST_F(SqsClientTest, GivesUpWithTheLastCause) {
  script({{.status = 500, .body = R"({"__type":"InternalError","message":"oops"})"}});
  const auto reply = call();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().error.code, Errc::kUnavailable);
  EXPECT_THAT(reply.error().error.message,
              AllOf(HasSubstr("GetQueueUrl"), HasSubstr("500"), HasSubstr("oops")));
  EXPECT_THAT(script_->requests(), SizeIs(4));
}

TEST_F(SqsClientTest, SlowsDownMoreWhenThrottled) {
  options_.retry.attempts_max = 20;
  options_.retry.time_max = std::chrono::hours{1};
  options_.retry.seed = 1;
  script({{.status = 400, .body = kThrottled}});
  const auto reply = call();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().error.code, Errc::kOverloaded);
  ASSERT_THAT(slept_, SizeIs(19));
  EXPECT_THAT(slept_, Each(Le(milliseconds{5'000})));
  EXPECT_GT(*std::ranges::max_element(slept_), milliseconds{1'000});
}

TEST_F(SqsClientTest, BeginsNoAttemptBehindItsTime) {
  options_.retry.attempts_max = 1'000;
  options_.retry.time_max = milliseconds{3'000};
  script({{.status = 400, .body = kThrottled}});
  const auto begin = clock_.mono();
  EXPECT_FALSE(call());
  EXPECT_LE(clock_.mono() - begin, milliseconds{3'000});
}

// An outage must not be answered with a multiple of the load.
TEST_F(SqsClientTest, StopsRetryingWhenNearlyAllFails) {
  script({{.status = 500}});
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(call());
  EXPECT_THAT(script_->requests(), SizeIs(AllOf(Ge(200u), Le(300u))));
}

TEST_F(SqsClientTest, DoesNotRepeatWhatIsWrong) {
  script({{.status = 400,
           .body = R"({"__type":"com.amazonaws.sqs#InvalidAttributeName","message":"no Foo"})"}});
  const auto reply = call();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().error.code, Errc::kInvalid);
  EXPECT_EQ(reply.error().type, "InvalidAttributeName");
  EXPECT_THAT(reply.error().error.message, HasSubstr("no Foo"));
  EXPECT_THAT(script_->requests(), SizeIs(1));
}

TEST_F(SqsClientTest, SaysHowToCreateAQueueThatIsMissing) {
  script({{.status = 400,
           .body = R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue"})"}});
  const auto reply = call();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().error.code, Errc::kNotFound);
  EXPECT_THAT(reply.error().error.message, HasSubstr("queues create"));
}

TEST_F(SqsClientTest, TellsHowFarTheClockIsOff) {
  clock_.step_wall(std::chrono::minutes{20});
  script({{.status = 403,
           .body = R"({"__type":"InvalidSignatureException","message":"Signature expired: ..."})",
           .headers = {{"Date", "Thu, 01 Jan 2026 00:00:00 GMT"}}}});
  const auto reply = call();
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().error.message, HasSubstr("clock is 1200 s ahead"));
}

// In AWS's words a late signature "does not match"; the secret is right all the same.
TEST_F(SqsClientTest, BlamesTheClockAloneForALateSignature) {
  clock_.step_wall(std::chrono::minutes{20});
  script({{.status = 403,
           .body = R"({"__type":"SignatureDoesNotMatch","message":"Signature not yet current: )"
                   R"(20260101T002000Z is still later than 20260101T000500Z"})",
           .headers = {{"Date", "Thu, 01 Jan 2026 00:00:00 GMT"}}}});
  const auto message = call().error().error.message;
  EXPECT_THAT(message, HasSubstr("clock is 1200 s ahead"));
  EXPECT_THAT(message, Not(HasSubstr("secret")));
}

TEST_F(SqsClientTest, LooksForOtherCredentialsWhenTheseAreRefused) {
  struct Rotating final : SqsCredentialSource {
    Result<SqsCredentials> get() override {
      return SqsCredentials{"KEY" + std::to_string(number), "secret", "", std::nullopt};
    }
    void forget(const SqsCredentials& refused) override {
      EXPECT_EQ(refused.access_key_id, "KEY1");
      ++number;
    }
    std::string source() override { return "test"; }
    int number = 1;
  } rotating;
  script({{.status = 403, .body = R"({"__type":"ExpiredToken","message":"expired"})"},
          {.body = "{}"}});
  client_ = SqsClient::make(options_, rotating, clock_, metrics_).value();
  EXPECT_TRUE(call());
  EXPECT_THAT(script_->requests().at(1).header("Authorization"), HasSubstr("Credential=KEY2/"));
}

TEST_F(SqsClientTest, NeverPutsSecretsIntoErrors) {
  script({{.status = 403, .body = R"({"__type":"AccessDenied","message":"not you"})"}});
  const auto message = call().error().error.message;
  EXPECT_THAT(message, ::testing::Not(HasSubstr("secret")));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("token")));
}

TEST_F(SqsClientTest, EndsARequestThatIsNeverAnswered) {
  options_.request_timeout = milliseconds{50};
  options_.retry.attempts_max = 1;
  script({{.delay = milliseconds{500}}});
  const auto reply = call();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().error.code, Errc::kUnavailable);
}

TEST_F(SqsClientTest, WaitsLongerForALongPoll) {
  options_.request_timeout = milliseconds{1'000};
  script({{.body = "{}", .delay = milliseconds{1'200}}});
  EXPECT_TRUE(
      call({.action = SqsAction::kReceiveMessage, .body = "{}", .wait = milliseconds{10'000}}));
}

TEST_F(SqsClientTest, MakesManyRequestsSideBySide) {
  std::mutex mutex;
  int now = 0;
  int most = 0;
  TestServer server([&](const TestRequest& request) {
    {
      const std::scoped_lock lock(mutex);
      most = std::max(most, ++now);
    }
    std::this_thread::sleep_for(milliseconds{50});
    const std::scoped_lock lock(mutex);
    --now;
    return TestReply{.body = request.body};
  });
  options_.endpoint = server.url();
  options_.parallel_max = 3;
  const auto client = SqsClient::make(options_, credentials_, clock_, metrics_).value();
  std::vector<SqsRequest> requests;
  for (int i = 0; i < 10; ++i) {
    requests.push_back({.action = SqsAction::kSendMessageBatch, .body = std::to_string(i)});
  }
  const auto replies = client->call_once(requests);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(replies[static_cast<std::size_t>(i)].value(), std::to_string(i));
  }
  EXPECT_GT(most, 1);
  EXPECT_LE(most, 3);
}

TEST_F(SqsClientTest, KeepsItsConnections) {
  script({{.body = "{}"}});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(call());
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(SqsClientTest, RefusesWhatCannotWork) {
  const auto error_of = [&](SqsClientOptions options) {
    return SqsClient::make(options, credentials_, clock_, metrics_).error().message;
  };
  EXPECT_THAT(error_of({.region = ""}), HasSubstr("AWS_REGION"));
  EXPECT_THAT(error_of({.region = "eu west"}), HasSubstr("eu west"));
  EXPECT_THAT(error_of({.endpoint = "http://h/path", .region = "eu-west-1"}), HasSubstr("/path"));
  EXPECT_THAT(error_of({.endpoint = "ftp://h", .region = "eu-west-1"}), HasSubstr("ftp"));
}

TEST_F(SqsClientTest, KnowsAwsOwnEndpoints) {
  options_.endpoint = "";
  EXPECT_EQ(SqsClient::make(options_, credentials_, clock_, metrics_).value()->endpoint(),
            "https://sqs.eu-west-1.amazonaws.com");
  options_.region = "cn-north-1";
  EXPECT_EQ(SqsClient::make(options_, credentials_, clock_, metrics_).value()->endpoint(),
            "https://sqs.cn-north-1.amazonaws.com.cn");
}

}  // namespace
}  // namespace ia
