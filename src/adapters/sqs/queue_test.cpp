#include "adapters/sqs/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>
#include <mutex>
#include <numeric>

#include "adapters/sqs/test_server.h"
#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr auto kThrottledEntry =
    R"("SenderFault":false,"Code":"ThrottlingException","Message":"s")";
constexpr auto kBadEntry = R"("SenderFault":true,"Code":"InvalidMessageContents","Message":"char")";

simdjson::dom::element parsed(simdjson::dom::parser& parser, const std::string& json) {
  return parser.parse(json).value();
}

// The texts (or numbers, as text) under `key` of a request's entries.
std::vector<std::string> entries_of(const std::string& body, const char* key) {
  simdjson::dom::parser parser;
  std::vector<std::string> values;
  const simdjson::dom::array entries = parsed(parser, body)["Entries"].get_array().value();
  for (const auto entry : entries) {
    const auto value = entry[key].value();
    values.push_back(value.is_string() ? std::string(value.get_string().value())
                                       : simdjson::to_string(value));
  }
  return values;
}

std::string number_in(const std::string& body, const char* key) {
  simdjson::dom::parser parser;
  return simdjson::to_string(parsed(parser, body)[key].value());
}

// `{"Successful":[...],"Failed":[...]}`: `fate` gives an entry's error members, "" for success, or
// "silent".
template <class Fate>
std::string batch_reply(const std::string& body, Fate fate) {
  std::string good;
  std::string bad;
  for (const auto& id : entries_of(body, "Id")) {
    const std::string error = fate(id);
    if (error == "silent") continue;
    auto& list = error.empty() ? good : bad;
    if (!list.empty()) list += ",";
    list += R"({"Id":")" + id + "\"" + (error.empty() ? "" : "," + error) + "}";
  }
  return R"({"Successful":[)" + good + R"(],"Failed":[)" + bad + "]}";
}

std::string all_good(const std::string& body) {
  return batch_reply(body, [](const std::string&) { return ""; });
}

std::string messages(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) {
    list += (i > 0 ? "," : "") + std::string(R"({"Body":"b","ReceiptHandle":"r)") +
            std::to_string(i) +
            R"(","Attributes":{"SentTimestamp":"1767225600000","ApproximateReceiveCount":"1"}})";
  }
  return R"({"Messages":[)" + list + "]}";
}

// An SQS that does what the test says, by action.
class SqsQueueTest : public ::testing::Test {
 protected:
  using Act = std::function<TestReply(const std::string& body)>;

  SqsQueueTest() {
    on("GetQueueUrl", [](const std::string& body) {
      const auto dead = body.find("-dlq") != std::string::npos;
      return TestReply{.body = dead ? R"({"QueueUrl":"http://nowhere.invalid/1/dead"})"
                                    : R"({"QueueUrl":"http://nowhere.invalid/1/live"})"};
    });
    on("GetQueueAttributes", [](const std::string&) { return TestReply{.body = "{}"}; });
    for (const auto* action :
         {"SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"}) {
      on(action, [](const std::string& body) { return TestReply{.body = all_good(body)}; });
    }
    on("ReceiveMessage", [](const std::string&) { return TestReply{.body = "{}"}; });
    on("PurgeQueue", [](const std::string&) { return TestReply{.body = "{}"}; });
  }

  void on(const std::string& action, Act act) {
    const std::scoped_lock lock(mutex_);
    acts_[action] = std::move(act);
  }
  std::vector<std::string> asked(const std::string& action) {
    const std::scoped_lock lock(mutex_);
    return asked_[action];
  }
  std::vector<std::string> actions() {
    const std::scoped_lock lock(mutex_);
    return actions_;
  }
  Result<std::unique_ptr<SqsQueue>> open(SqsQueueOptions options = {.name = "q"}) {
    client_ = SqsClient::make({.endpoint = server_.url(),
                               .region = "eu-west-1",
                               .retry = {.sleep =
                                             [this](milliseconds time) {
                                               slept_ += time;
                                               clock_.advance(time);
                                             }}},
                              credentials_, clock_, metrics_)
                  .value();
    auto queue = SqsQueue::open(options, *client_, clock_, log_);
    const std::scoped_lock lock(mutex_);
    asked_.clear();
    actions_.clear();
    return queue;
  }
  Queue& queue() {
    if (!queue_) queue_ = open().value();
    return *queue_;
  }
  std::vector<EntryError> send(const std::vector<OutgoingMessage>& messages) {
    return queue().send(messages).value();
  }

  ManualClock clock_;
  Metrics metrics_;
  std::vector<std::string> logged_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { logged_.emplace_back(line); }};
  FixedSqsCredentials credentials_{{"AKIDEXAMPLE", "secret", "", std::nullopt}};
  milliseconds slept_{0};
  std::mutex mutex_;
  std::map<std::string, Act> acts_;
  std::map<std::string, std::vector<std::string>> asked_;
  std::vector<std::string> actions_;
  TestServer server_{[this](const TestRequest& request) {
    const auto action = request.header("X-Amz-Target").substr(10);
    Act act;
    {
      const std::scoped_lock lock(mutex_);
      asked_[action].push_back(request.body);
      actions_.push_back(action);
      act = acts_[action];
    }
    return act(request.body);
  }};
  std::unique_ptr<SqsClient> client_;
  std::unique_ptr<SqsQueue> queue_;
};

TEST_F(SqsQueueTest, SendsTenMessagesARequest) {
  EXPECT_THAT(send(std::vector<OutgoingMessage>(25, {.body = "b"})), IsEmpty());
  std::vector<std::size_t> sizes;
  for (const auto& body : asked("SendMessageBatch")) {
    sizes.push_back(entries_of(body, "Id").size());
    EXPECT_THAT(body, HasSubstr("http://nowhere.invalid/1/live")) << "opaque";
  }
  EXPECT_THAT(sizes, UnorderedElementsAre(10, 10, 5));
}

TEST_F(SqsQueueTest, KeepsTheSumOfABatchUnderItsLimit) {
  EXPECT_THAT(send(std::vector<OutgoingMessage>(9, {.body = std::string(60'000, 'x')})), IsEmpty());
  for (const auto& body : asked("SendMessageBatch")) {
    const auto bodies = entries_of(body, "MessageBody");
    const auto sum =
        std::accumulate(bodies.begin(), bodies.end(), std::size_t{0},
                        [](auto total, const auto& one) { return total + one.size(); });
    EXPECT_LE(sum, 256 * 1024);
  }
  EXPECT_THAT(asked("SendMessageBatch"), SizeIs(3));
}

TEST_F(SqsQueueTest, RefusesABodyThatIsTooLargeAndSendsTheOthers) {
  const auto errors = send({{.body = "a"},
                            {.body = std::string(65'537, 'x')},
                            {.body = "c"},
                            {.body = std::string(50'000, '\0')}});
  ASSERT_THAT(errors, SizeIs(2));
  EXPECT_EQ(errors[0].index, 1);
  EXPECT_EQ(errors[0].error.code, Errc::kInvalid);
  EXPECT_THAT(errors[0].error.message, AllOf(HasSubstr("65537"), HasSubstr("65536")));
  EXPECT_EQ(errors[1].index, 3) << "binary travels as base64";
  EXPECT_THAT(entries_of(asked("SendMessageBatch").at(0), "MessageBody"), ElementsAre("a", "c"));
}

TEST_F(SqsQueueTest, TriesAgainOnlyWhatFailedForAPassingReason) {
  int calls = 0;
  on("SendMessageBatch", [&](const std::string& body) {
    if (++calls > 1) return TestReply{.body = all_good(body)};
    return TestReply{.body = batch_reply(body, [](const std::string& id) {
                       return id == "1" ? kThrottledEntry : id == "2" ? "silent" : "";
                     })};
  });
  EXPECT_THAT(send({{.body = "a"}, {.body = "b"}, {.body = "c"}, {.body = "d"}}), IsEmpty());
  ASSERT_THAT(asked("SendMessageBatch"), SizeIs(2));
  EXPECT_THAT(entries_of(asked("SendMessageBatch")[1], "MessageBody"), ElementsAre("b", "c"));
}

TEST_F(SqsQueueTest, TellsWhichEntryIsWrong) {
  on("SendMessageBatch", [&](const std::string& body) {
    return TestReply{.body = batch_reply(
                         body, [](const std::string& id) { return id == "1" ? kBadEntry : ""; })};
  });
  const auto errors = send({{.body = "a"}, {.body = "b"}});
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].index, 1);
  EXPECT_EQ(errors[0].error.code, Errc::kInvalid);
  EXPECT_THAT(errors[0].error.message, HasSubstr("InvalidMessageContents"));
  EXPECT_THAT(asked("SendMessageBatch"), SizeIs(1));
}

TEST_F(SqsQueueTest, AnOutageIsOneError) {
  on("SendMessageBatch", [](const std::string&) { return TestReply{.status = 503}; });
  const auto sent = queue().send(std::vector<OutgoingMessage>(15, {.body = "b"}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::kUnavailable);
  EXPECT_THAT(asked("SendMessageBatch"), SizeIs(8)) << "two requests, four times";
}

TEST_F(SqsQueueTest, HalfAnOutageIsToldEntryByEntry) {
  on("SendMessageBatch", [](const std::string& body) {
    if (body.find("bad") != std::string::npos) {
      return TestReply{.body = "{\"Successful\":[]}", .fate = TestReply::Fate::kCut};
    }
    return TestReply{.body = all_good(body)};
  });
  std::vector<OutgoingMessage> many(10, {.body = "good"});
  many.push_back({.body = "bad"});
  const auto errors = send(many);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].index, 10);
  EXPECT_EQ(errors[0].error.code, Errc::kUnavailable);
}

TEST_F(SqsQueueTest, SendsOneByOneToAQueueOfSmallerBatches) {
  on("SendMessageBatch", [](const std::string& body) {
    if (entries_of(body, "Id").size() > 1) {
      return TestReply{.status = 400,
                       .body = R"({"__type":"com.amazonaws.sqs#BatchRequestTooLong"})"};
    }
    return TestReply{.body = all_good(body)};
  });
  EXPECT_THAT(send({{.body = "a"}, {.body = "b"}, {.body = "c"}}), IsEmpty());
  EXPECT_THAT(asked("SendMessageBatch"), SizeIs(4));
}

TEST_F(SqsQueueTest, RoundsTimesUpToSecondsWithinTheLimits) {
  EXPECT_THAT(send({{.body = "a", .delay = milliseconds{1}},
                    {.body = "b", .delay = minutes{20}},
                    {.body = "c", .delay = milliseconds{-5}},
                    {.body = "d"}}),
              IsEmpty());
  EXPECT_THAT(entries_of(asked("SendMessageBatch").at(0), "DelaySeconds"),
              ElementsAre("1", "900", "0", "0"));

  const std::vector<VisibilityChange> changes = {{"r", milliseconds{1'500}}, {"s", minutes{1'440}}};
  EXPECT_THAT(queue().change_visibility(changes).value(), IsEmpty());
  EXPECT_THAT(entries_of(asked("ChangeMessageVisibilityBatch").at(0), "VisibilityTimeout"),
              ElementsAre("2", "42600"));

  ASSERT_TRUE(queue().receive(5, milliseconds{100}, milliseconds{300}));
  const auto receive = asked("ReceiveMessage").at(0);
  EXPECT_EQ(number_in(receive, "VisibilityTimeout"), "1");
  EXPECT_EQ(number_in(receive, "WaitTimeSeconds"), "1");
  EXPECT_EQ(number_in(receive, "MaxNumberOfMessages"), "5");
}

TEST_F(SqsQueueTest, WaitsLongerThanALongPollByRepeatingIt) {
  ASSERT_TRUE(queue().receive(1, seconds{30}, seconds{45}));
  std::vector<std::string> waits;
  for (const auto& body : asked("ReceiveMessage")) {
    waits.push_back(number_in(body, "WaitTimeSeconds"));
  }
  EXPECT_THAT(waits, ElementsAre("20", "20", "5"));
}

TEST_F(SqsQueueTest, ReceivesMoreThanTenWhileRepliesAreFull) {
  std::atomic<int> left = 57;
  on("ReceiveMessage", [&](const std::string& body) {
    const auto wanted = std::stoi(number_in(body, "MaxNumberOfMessages"));
    EXPECT_LE(wanted, 10);
    const auto before = left.fetch_sub(wanted);
    return TestReply{.body = messages(std::clamp(before, 0, wanted))};
  });
  EXPECT_THAT(queue().receive(256, seconds{30}, seconds{0}).value(), SizeIs(57));
}

TEST_F(SqsQueueTest, KeepsWhatItHasWhenALaterReceiveFails) {
  std::atomic<int> calls = 0;
  on("ReceiveMessage", [&](const std::string&) {
    return ++calls == 1 ? TestReply{.body = messages(10)} : TestReply{.status = 500};
  });
  EXPECT_THAT(queue().receive(100, seconds{30}, seconds{0}).value(), SizeIs(10));
}

TEST_F(SqsQueueTest, PassesTheMessagesOfOthersThrough) {
  on("ReceiveMessage", [](const std::string&) {
    return TestReply{.body = R"({"Messages":[{"Body":"{\"influencer_id\": 1000001}",
        "ReceiptHandle":"r"},{"Body":"base64:AP8K","ReceiptHandle":"s"}]})"};
  });
  const auto deliveries = queue().receive(10, seconds{30}, seconds{0}).value();
  ASSERT_THAT(deliveries, SizeIs(2));
  EXPECT_EQ(deliveries[0].body, R"({"influencer_id": 1000001})");
  EXPECT_EQ(deliveries[0].receive_count, 1);
  EXPECT_EQ(deliveries[1].body, std::string("\0\xff\n", 3));
}

// One character of the reply was damaged on the way; what the server holds is whole.
TEST_F(SqsQueueTest, ReceivesAMessageAgainThatCameDamaged) {
  std::string body = "goof";
  on("ReceiveMessage", [&](const std::string&) {
    return TestReply{.body = R"({"Messages":[{"Body":")" + body + R"(","ReceiptHandle":"r1",)" +
                             R"("MD5OfBody":"755f85c2723bb39381c7379a604160d8"}]})"};
  });
  EXPECT_THAT(queue().receive(10, seconds{75}, seconds{0}).value(), IsEmpty());
  ASSERT_THAT(asked("ChangeMessageVisibilityBatch"), SizeIs(1)) << "soon, not after 75 s";
  EXPECT_THAT(asked("ChangeMessageVisibilityBatch")[0],
              AllOf(HasSubstr(R"("ReceiptHandle":"r1")"), HasSubstr(R"("VisibilityTimeout":1)")));
  EXPECT_THAT(asked("DeleteMessageBatch"), IsEmpty());
  ASSERT_THAT(logged_, SizeIs(1));
  EXPECT_THAT(logged_[0], HasSubstr("received again"));

  body = "good";
  EXPECT_THAT(queue().receive(10, seconds{75}, seconds{0}).value(), SizeIs(1));
}

TEST_F(SqsQueueTest, SendsAMessageAgainThatArrivedDamaged) {
  int calls = 0;
  on("SendMessageBatch", [&](const std::string& body) {
    const std::string digest =
        ++calls > 1 ? "755f85c2723bb39381c7379a604160d8" : "755f85c2723bb39381c7379a604160d9";
    return TestReply{.body =
                         batch_reply(body, [](const std::string&) {
                           return "";
                         }).replace(16, 8, R"("MD5OfMessageBody":")" + digest + R"(","Id":"0")")};
  });
  EXPECT_THAT(send({{.body = "good"}}), IsEmpty());
  EXPECT_THAT(asked("SendMessageBatch"), SizeIs(2));
}

TEST_F(SqsQueueTest, TakesAReplyWithoutABodyForAnEmptyObject) {
  on("ReceiveMessage", [](const std::string&) { return TestReply{.body = ""}; });
  on("GetQueueAttributes", [](const std::string&) { return TestReply{.body = "\r\n"}; });
  EXPECT_THAT(queue().receive(10, seconds{30}, seconds{0}).value(), IsEmpty());
  EXPECT_EQ(queue().depth().value().visible, 0);
}

TEST_F(SqsQueueTest, DoesNotAskForItsDepthAgainAtOnceAfterThatFailed) {
  (void)queue();
  on("GetQueueAttributes", [](const std::string&) {
    return TestReply{.status = 403, .body = R"({"__type":"AccessDenied","message":"m"})"};
  });
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(queue().depth());
  EXPECT_THAT(asked("GetQueueAttributes"), SizeIs(1));
}

TEST_F(SqsQueueTest, SaysWhatHelpsWhenTooManyShardsAreInFlight) {
  on("ReceiveMessage", [](const std::string&) {
    return TestReply{.status = 400, .body = R"({"__type":"OverLimit","message":"m"})"};
  });
  queue_ = open({.name = "q", .over_limit_advice = "make larger shards"}).value();
  const auto received = queue().receive(10, seconds{30}, seconds{0});
  ASSERT_FALSE(received);
  EXPECT_THAT(received.error().message, HasSubstr("make larger shards"));
  EXPECT_THAT(received.error().message, Not(HasSubstr("add consumers")));
}

TEST_F(SqsQueueTest, SaysWhenTooMuchIsInFlight) {
  on("ReceiveMessage", [](const std::string&) {
    return TestReply{.status = 400,
                     .body = R"({"__type":"com.amazonaws.sqs#OverLimit","message":"m"})"};
  });
  const auto received = queue().receive(10, seconds{30}, seconds{0});
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, Errc::kOverloaded);
  EXPECT_THAT(received.error().message, HasSubstr("120,000"));
  EXPECT_EQ(slept_, milliseconds{0}) << "consumers must act, not this call";
}

TEST_F(SqsQueueTest, KnowsEveryWayInWhichAReceiptIsVoid) {
  const char* errors[] = {
      R"("SenderFault":true,"Code":"ReceiptHandleIsInvalid","Message":"m")",
      R"("SenderFault":true,"Code":"MessageNotInflight","Message":"m")",
      R"("SenderFault":true,"Code":"AWS.SimpleQueueService.MessageNotInflight","Message":"m")",
      (R"("SenderFault":true,"Code":"InvalidParameterValue",)"
       R"("Message":"Message does not exist or is not available for visibility timeout change.")")};
  for (const std::string error : errors) {
    const auto reply = [error](const std::string& body) {
      return TestReply{.body = batch_reply(body, [&](const std::string&) { return error; })};
    };
    on("ChangeMessageVisibilityBatch", reply);
    on("DeleteMessageBatch", reply);
    const std::vector<VisibilityChange> change = {{"r", seconds{1}}};
    const auto failed = queue().change_visibility(change).value();
    ASSERT_THAT(failed, SizeIs(1)) << error;
    EXPECT_EQ(failed[0].error.code, Errc::kNotFound) << error;
    EXPECT_THAT(queue().ack(std::vector<Receipt>{"r"}).value(), IsEmpty()) << error;
    EXPECT_EQ(queue().bury("r", {"b", "why"}).error().code, Errc::kNotFound) << error;
  }
  EXPECT_THAT(asked("SendMessageBatch"), IsEmpty()) << "nothing void is buried";
}

TEST_F(SqsQueueTest, BuriesBeforeItDeletes) {
  ASSERT_TRUE(queue().bury("r", {"bad", "because\x01"}));
  EXPECT_THAT(actions(), ElementsAre("ChangeMessageVisibilityBatch", "SendMessageBatch",
                                     "DeleteMessageBatch"));
  const auto sent = asked("SendMessageBatch").at(0);
  EXPECT_THAT(sent, AllOf(HasSubstr("/dead"), HasSubstr(R"("StringValue":"because?")")));
  EXPECT_THAT(entries_of(sent, "MessageBody"), ElementsAre("bad"));
}

TEST_F(SqsQueueTest, DeletesNothingThatItCouldNotBury) {
  on("SendMessageBatch", [](const std::string&) { return TestReply{.status = 500}; });
  const auto buried = queue().bury("r", {"bad", "why"});
  ASSERT_FALSE(buried);
  EXPECT_EQ(buried.error().code, Errc::kUnavailable);
  EXPECT_THAT(asked("DeleteMessageBatch"), IsEmpty());
}

TEST_F(SqsQueueTest, CutsALetterThatTheDeadLettersDoNotTake) {
  on("SendMessageBatch", [](const std::string& body) {
    const bool fits = body.size() < 100'000;
    return TestReply{
        .body = batch_reply(body, [&](const std::string&) { return fits ? "" : kBadEntry; })};
  });
  ASSERT_TRUE(queue().bury("r", {std::string(1 << 20, 'x'), "why"}));
  EXPECT_THAT(asked("SendMessageBatch").back(), HasSubstr("cut from 1048576 bytes: why"));
  EXPECT_THAT(asked("DeleteMessageBatch"), SizeIs(1));
}

TEST_F(SqsQueueTest, GivesDeadLettersBackAfterALook) {
  std::atomic<int> calls = 0;
  on("ReceiveMessage",
     [&](const std::string&) { return TestReply{.body = ++calls == 1 ? messages(3) : "{}"}; });
  EXPECT_THAT(queue().dead_letters(2).value(), SizeIs(2));
  const auto given_back = asked("ChangeMessageVisibilityBatch").at(0);
  EXPECT_THAT(entries_of(given_back, "ReceiptHandle"), ElementsAre("r0", "r1", "r2"));
  EXPECT_THAT(entries_of(given_back, "VisibilityTimeout"), Each("0"));
}

TEST_F(SqsQueueTest, WaitsUntilSqsAllowsAPurge) {
  on("PurgeQueue", [this](const std::string&) {
    if (slept_ >= seconds{30}) return TestReply{.body = "{}"};
    return TestReply{.status = 400,
                     .body = R"({"__type":"com.amazonaws.sqs#PurgeQueueInProgress"})"};
  });
  EXPECT_TRUE(queue().purge());
  EXPECT_GE(slept_, seconds{30});
}

TEST_F(SqsQueueTest, GivesUpAPurgeThatSqsNeverAllows) {
  on("PurgeQueue", [](const std::string&) {
    return TestReply{.status = 400,
                     .body = R"({"__type":"com.amazonaws.sqs#PurgeQueueInProgress"})"};
  });
  const auto purged = queue().purge();
  ASSERT_FALSE(purged);
  EXPECT_EQ(purged.error().code, Errc::kOverloaded);
  EXPECT_THAT(slept_, AllOf(Ge(seconds{60}), Le(seconds{120})));
}

TEST_F(SqsQueueTest, AsksForTheDepthNoMoreOftenThanWanted) {
  queue_ = open({.name = "q", .depth_age_max = seconds{5}}).value();
  on("GetQueueAttributes", [](const std::string& body) {
    const bool dead = body.find("/dead") != std::string::npos;
    return TestReply{.body = dead ? R"({"Attributes":{"ApproximateNumberOfMessages":"4"}})"
                                  : R"({"Attributes":{"ApproximateNumberOfMessages":"1",
        "ApproximateNumberOfMessagesNotVisible":"2","ApproximateNumberOfMessagesDelayed":"3"}})"};
  });
  for (int i = 0; i < 3; ++i) {
    const auto depth = queue().depth().value();
    EXPECT_EQ(depth.visible, 1);
    EXPECT_EQ(depth.in_flight, 2);
    EXPECT_EQ(depth.delayed, 3);
    EXPECT_EQ(depth.dead, 4);
  }
  EXPECT_THAT(asked("GetQueueAttributes"), SizeIs(2));
  clock_.advance(seconds{5});
  ASSERT_TRUE(queue().depth());
  EXPECT_THAT(asked("GetQueueAttributes"), SizeIs(4));
}

TEST_F(SqsQueueTest, RefusesAPolicyThatWouldBuryTheShards) {
  for (const auto* count : {"3", "\\\"3\\\""}) {
    on("GetQueueAttributes", [count](const std::string&) {
      return TestReply{.body = std::string(R"({"Attributes":{"RedrivePolicy":)") +
                               "\"{\\\"maxReceiveCount\\\":" + count + "}\"}}"};
    });
    const auto opened = open({.name = "q", .receives_max = 0});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kInvalid);
    EXPECT_THAT(opened.error().message, AllOf(HasSubstr("after 3"), HasSubstr("queues create")));
    EXPECT_TRUE(open({.name = "q", .receives_max = 3}));
    EXPECT_THAT(logged_, IsEmpty());
  }
  EXPECT_TRUE(open({.name = "q", .receives_max = 5}));
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("redrive policy")));
}

TEST_F(SqsQueueTest, OpensOnlyWhatExists) {
  for (const auto* missing : {"\"p-q\"", "\"p-q-dlq\""}) {
    on("GetQueueUrl", [missing](const std::string& body) {
      if (body.find(missing) == std::string::npos) {
        return TestReply{.body = R"({"QueueUrl":"u"})"};
      }
      return TestReply{.status = 400,
                       .body = R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist"})"};
    });
    const auto opened = open({.name = "q", .prefix = "p-"});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kNotFound);
    EXPECT_THAT(opened.error().message, AllOf(HasSubstr("p-q"), HasSubstr("queues create")));
  }
}

TEST_F(SqsQueueTest, CountsWhatItIsBilled) {
  EXPECT_THAT(send({{.body = std::string(60'000, 'x')}, {.body = std::string(60'000, 'x')}}),
              IsEmpty());
  const auto report = client_->bill().report();
  EXPECT_EQ(report.requests[static_cast<std::size_t>(SqsAction::kSendMessageBatch)], 1);
  EXPECT_EQ(report.billed_total, 3 + 2) << "three to open it, two begun 64 KiB";
}

}  // namespace
}  // namespace ia
