#include "adapters/sqs/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqs/test_server.h"
#include "sqs_harness.h"

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

class SqsAdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = Fauxqs::why_not()) GTEST_SKIP() << "SKIPPED: " << *reason;
    server_ = std::make_unique<Fauxqs>();
    clock_ = std::make_unique<ManualClock>(server_->started_at());
    parts_ = std::make_unique<SqsParts>(server_->url(), *clock_);
    admin_ = std::make_unique<SqsAdmin>(*parts_->client, SqsParts::kPrefix);
  }
  // A queue whose dead letters are those bodies.
  std::unique_ptr<SqsQueue> queue_with_dead(const std::vector<std::string>& bodies) {
    parts_->create({.name = "q"});
    auto queue = parts_->open("q", 0);
    for (const auto& body : bodies) send_all(*queue, {message(body)});
    while (true) {
      const auto deliveries = receive_now(*queue, 100, seconds{30});
      if (deliveries.empty()) return queue;
      for (const auto& delivery : deliveries) {
        EXPECT_TRUE(queue->bury(delivery.receipt, {delivery.body, "why"}));
      }
    }
  }

  std::unique_ptr<Fauxqs> server_;
  std::unique_ptr<ManualClock> clock_;
  std::unique_ptr<SqsParts> parts_;
  std::unique_ptr<SqsAdmin> admin_;
};

TEST_F(SqsAdminTest, CreatesAQueueWithItsDeadLetters) {
  const auto pair = admin_
                        ->create({.name = "influencer_data_points",
                                  .receives_max = 5,
                                  .visibility = seconds{60},
                                  .retention = days{7}})
                        .value();
  EXPECT_EQ(pair.queue.name, "test-influencer_data_points");
  EXPECT_TRUE(pair.queue.exists);
  EXPECT_EQ(pair.queue.receives_max, 5);
  EXPECT_EQ(pair.queue.visibility, seconds{60});
  EXPECT_EQ(pair.queue.retention, days{7});
  EXPECT_THAT(pair.queue.arn, HasSubstr(":test-influencer_data_points"));
  EXPECT_EQ(pair.dead_letters.name, "test-influencer_data_points-dlq");
  EXPECT_TRUE(pair.dead_letters.exists);
  EXPECT_EQ(pair.dead_letters.retention, days{14});
  EXPECT_EQ(pair.dead_letters.receives_max, 0);
}

TEST_F(SqsAdminTest, MayBeRepeatedAndSetsWhatDiffers) {
  ASSERT_TRUE(admin_->create({.name = "q", .receives_max = 3}));
  send_all(*parts_->open("q", 3), {message("kept")});
  ASSERT_TRUE(admin_->create({.name = "q", .receives_max = 3}));
  EXPECT_EQ(admin_->create({.name = "q", .receives_max = 7})->queue.receives_max, 7);
  const auto pair = admin_->create({.name = "q", .retention = days{2}}).value();
  EXPECT_EQ(pair.queue.receives_max, 0) << "the id queue must have none";
  EXPECT_EQ(pair.queue.retention, days{2});
  EXPECT_EQ(pair.queue.visible, 1);
  EXPECT_TRUE(parts_->open("q", 0));
}

TEST_F(SqsAdminTest, RefusesPlansThatSqsDoesNotKnow) {
  const auto refused = [&](const SqsQueuePlan& plan) {
    const auto created = admin_->create(plan);
    return !created && created.error().code == Errc::kInvalid;
  };
  EXPECT_TRUE(refused({.name = "q", .receives_max = 1'001}));
  EXPECT_TRUE(refused({.name = "q", .retention = seconds{59}}));
  EXPECT_TRUE(refused({.name = "q", .retention = days{15}}));
  EXPECT_TRUE(refused({.name = "q", .visibility = seconds{43'201}}));
  EXPECT_FALSE(admin_->show("q")->queue.exists);
}

TEST_F(SqsAdminTest, ShowsWhatIsThere) {
  const auto nothing = admin_->show("q").value();
  EXPECT_FALSE(nothing.queue.exists);
  EXPECT_FALSE(nothing.dead_letters.exists);

  const auto queue = queue_with_dead({"dead"});
  send_all(*queue, {message("a"), message("b"), message("c", seconds{60})});
  ASSERT_THAT(receive_now(*queue, 1, seconds{30}), SizeIs(1));
  const auto pair = admin_->show("q").value();
  EXPECT_EQ(pair.queue.visible, 1);
  EXPECT_EQ(pair.queue.in_flight, 1);
  EXPECT_EQ(pair.queue.delayed, 1);
  EXPECT_EQ(pair.dead_letters.visible, 1);
}

TEST_F(SqsAdminTest, PurgesAllButTheDeadLetters) {
  const auto queue = queue_with_dead({"dead"});
  send_all(*queue, {message("a"), message("b")});
  ASSERT_TRUE(admin_->purge("q"));
  const auto pair = admin_->show("q").value();
  EXPECT_EQ(pair.queue.visible, 0);
  EXPECT_EQ(pair.dead_letters.visible, 1);
}

// This server does not know StartMessageMoveTask.
TEST_F(SqsAdminTest, RemovesAQueueWithItsDeadLetters) {
  ASSERT_TRUE(admin_->create({.name = "q", .receives_max = 3}));
  ASSERT_TRUE(admin_->create({.name = "other"}));
  ASSERT_TRUE(admin_->remove("q"));
  EXPECT_FALSE(admin_->show("q")->queue.exists);
  EXPECT_FALSE(admin_->show("q")->dead_letters.exists);
  EXPECT_TRUE(admin_->show("other")->queue.exists);
  EXPECT_TRUE(admin_->remove("q"));  // is gone already
}

TEST_F(SqsAdminTest, RedrivesByHandWhereTheServerCannot) {
  std::vector<std::string> bodies;
  for (int i = 0; i < 25; ++i) bodies.push_back(std::to_string(i) + std::string("\0\xff", 2));
  const auto queue = queue_with_dead(bodies);
  const auto redriven = admin_->redrive("q").value();
  EXPECT_FALSE(redriven.in_background);
  EXPECT_EQ(redriven.moved, 25);

  std::vector<std::string> back;
  for (const auto& delivery : receive_now(*queue, 100, seconds{30})) back.push_back(delivery.body);
  EXPECT_THAT(back, UnorderedElementsAreArray(bodies));
  EXPECT_EQ(queue->depth()->dead, 0);
  EXPECT_EQ(admin_->redrive("q")->moved, 0);
}

TEST(SqsAdmin, LeavesARedriveToAServerThatCan) {
  std::string asked;
  TestServer server([&](const TestRequest& request) {
    const auto target = request.header("X-Amz-Target");
    const std::string dead = request.body.find("-dlq") == std::string::npos ? "" : "-dlq";
    if (target == "AmazonSQS.GetQueueUrl") {
      return TestReply{.body = R"({"QueueUrl":"http://h/1/q)" + dead + "\"}"};
    }
    if (target == "AmazonSQS.GetQueueAttributes") {
      return TestReply{.body = R"({"Attributes":{"QueueArn":"arn:q)" + dead +
                               R"(","ApproximateNumberOfMessages":"7"}})"};
    }
    asked = target + " " + request.body;
    return TestReply{.body = R"({"TaskHandle":"t"})"};
  });
  const ManualClock clock;
  const SqsParts parts(server.url(), clock);
  const auto redriven = SqsAdmin(*parts.client, "").redrive("q").value();
  EXPECT_TRUE(redriven.in_background);
  EXPECT_EQ(redriven.moved, 7);
  EXPECT_EQ(asked, R"(AmazonSQS.StartMessageMoveTask {"SourceArn":"arn:q-dlq",)"
                   R"("DestinationArn":"arn:q"})");
}

// Each server has its own way of not knowing an action.
TEST(SqsAdmin, MovesDeadLettersByHandWhateverAServerAnswersInstead) {
  for (const int status : {400, 403, 404, 500, 501}) {
    bool is_moved = false;
    TestServer server([&](const TestRequest& request) {
      const auto target = request.header("X-Amz-Target");
      const std::string dead = request.body.find("-dlq") == std::string::npos ? "" : "-dlq";
      if (target == "AmazonSQS.GetQueueUrl") {
        return TestReply{.body = R"({"QueueUrl":"http://h/1/q)" + dead + "\"}"};
      }
      if (target == "AmazonSQS.GetQueueAttributes") {
        return TestReply{.body = R"({"Attributes":{"ApproximateNumberOfMessages":"1"}})"};
      }
      if (target == "AmazonSQS.StartMessageMoveTask") {
        return TestReply{.status = status, .body = "unknown action"};
      }
      if (target == "AmazonSQS.ReceiveMessage") {
        return TestReply{.body = R"({"Messages":[{"Body":"b","ReceiptHandle":"r"}]})"};
      }
      if (target == "AmazonSQS.SendMessageBatch") is_moved = true;
      return TestReply{.body = R"({"Successful":[{"Id":"0"}]})"};
    });
    const ManualClock clock;
    const SqsParts parts(server.url(), clock);
    const auto redriven = SqsAdmin(*parts.client, "").redrive("q");
    ASSERT_TRUE(redriven) << status << redriven.error().message;
    EXPECT_FALSE(redriven->in_background);
    EXPECT_EQ(redriven->moved, 1);
    EXPECT_TRUE(is_moved) << status;
  }
}

TEST_F(SqsAdminTest, CannotPurgeOrRedriveWhatDoesNotExist) {
  for (const auto& error : {admin_->purge("q").error(), admin_->redrive("q").error()}) {
    EXPECT_EQ(error.code, Errc::kNotFound);
    EXPECT_THAT(error.message, AllOf(HasSubstr("test-q"), HasSubstr("queues create")));
  }
}

}  // namespace
}  // namespace ia
