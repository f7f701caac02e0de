#include "chaos_proxy.h"

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <boost/json/src.hpp>
#include <mutex>
#include <random>
#include <stdexcept>

#include "adapters/sqs/http.h"
#include "adapters/sqs/test_server.h"

namespace ia {
namespace {

namespace json = boost::json;

using Fate = TestReply::Fate;

TestReply refusal(int status, const std::string& type) {
  return {.status = status,
          .body = R"({"__type":"com.amazonaws.sqs#)" + type + R"(","message":"chaos"})"};
}

json::array& array_in(json::object& object, const char* key) {
  auto& value = object[key];
  if (!value.is_array()) value = json::array();
  return value.get_array();
}

}  // namespace

struct ChaosProxy::State {
  State(std::string the_upstream, const Chaos& the_chaos)
      : upstream(std::move(the_upstream)), chaos(the_chaos), random(the_chaos.seed) {}

  const std::string upstream;
  const std::unique_ptr<SqsHttp> http = SqsHttp::make({}).value();
  mutable std::mutex mutex;
  Chaos chaos;
  std::mt19937_64 random;
  std::uint64_t troubles = 0;
  std::unique_ptr<TestServer> server;

  bool strikes(double Chaos::* probability) {
    const std::scoped_lock lock(mutex);
    const bool strikes = std::uniform_real_distribution<>(0, 1)(random) < chaos.*probability;
    if (strikes) ++troubles;
    return strikes;
  }

  SqsHttpReply pass_on(const TestRequest& request, const std::string& action,
                       const std::string& body) {
    auto reply = http->perform({.url = upstream + "/",
                                .headers = {"Content-Type: application/x-amz-json-1.0",
                                            "X-Amz-Target: AmazonSQS." + action,
                                            "Authorization: " + request.header("Authorization")},
                                .body = body,
                                .timeout = std::chrono::seconds{40}});
    if (!reply) throw std::runtime_error(reply.error().message);
    return std::move(*reply);
  }

  TestReply answer(const TestRequest& request) {
    if (strikes(&Chaos::refuse)) return refusal(503, "ServiceUnavailable");
    if (strikes(&Chaos::throttle)) return refusal(400, "RequestThrottled");
    if (strikes(&Chaos::hang_up)) return {.fate = Fate::kDropped};
    const auto action = request.header("X-Amz-Target").substr(10);
    TestReply reply;
    if (action.ends_with("Batch")) {
      reply = batch(request, action);
    } else if (action == "ReceiveMessage") {
      reply = receive(request);
    } else {
      reply = plain(request, action, request.body);
    }
    if (!may_lose(action)) return reply;
    if (strikes(&Chaos::lose_reply)) reply.fate = Fate::kDropped;
    if (strikes(&Chaos::cut_reply)) reply.fate = Fate::kCut;
    return reply;
  }

  bool may_lose(const std::string& action) const {
    const std::scoped_lock lock(mutex);
    return !chaos.loses_only_acks || action == "DeleteMessageBatch" || action.starts_with("Get");
  }

  TestReply plain(const TestRequest& request, const std::string& action, const std::string& body) {
    auto reply = pass_on(request, action, body);
    return {.status = reply.status, .body = std::move(reply.body)};
  }

  TestReply batch(const TestRequest& request, const std::string& action) {
    auto body = json::parse(request.body).as_object();
    json::array kept;
    json::array failed;
    for (const auto& entry : array_in(body, "Entries")) {
      if (strikes(&Chaos::fail_entry)) {
        failed.push_back({{"Id", entry.at("Id")},
                          {"SenderFault", false},
                          {"Code", "InternalError"},
                          {"Message", "chaos"}});
      } else {
        kept.push_back(entry);
      }
    }
    json::object result;
    if (!kept.empty()) {
      body["Entries"] = kept;
      const auto reply = plain(request, action, json::serialize(body));
      if (reply.status != 200) return reply;
      result = json::parse(reply.body).as_object();
    }
    auto& successful = array_in(result, "Successful");
    for (auto entry = successful.begin(); entry != successful.end();) {
      entry = strikes(&Chaos::forget_entry) ? successful.erase(entry) : entry + 1;
    }
    auto& all_failed = array_in(result, "Failed");
    all_failed.insert(all_failed.end(), failed.begin(), failed.end());
    return {.body = json::serialize(result)};
  }

  TestReply receive(const TestRequest& request) {
    if (strikes(&Chaos::hide)) return {.body = "{}"};
    const auto reply = plain(request, "ReceiveMessage", request.body);
    if (reply.status != 200) return reply;
    auto result = json::parse(reply.body).as_object();
    auto& messages = array_in(result, "Messages");
    const auto url = json::parse(request.body).at("QueueUrl");
    for (const auto& message : messages) {
      if (!strikes(&Chaos::duplicate)) continue;
      const json::object change = {{"QueueUrl", url},
                                   {"ReceiptHandle", message.at("ReceiptHandle")},
                                   {"VisibilityTimeout", 0}};
      (void)plain(request, "ChangeMessageVisibility", json::serialize(change));
    }
    const std::scoped_lock lock(mutex);
    if (chaos.shuffle) {
      std::vector<json::value> shuffled(messages.begin(), messages.end());
      std::ranges::shuffle(shuffled, random);
      messages = json::array(shuffled.begin(), shuffled.end());
    }
    return {.body = json::serialize(result)};
  }
};

ChaosProxy::ChaosProxy(std::string upstream, const Chaos& chaos)
    : state_(std::make_unique<State>(std::move(upstream), chaos)) {
  state_->server = std::make_unique<TestServer>(
      [this](const TestRequest& request) { return state_->answer(request); });
}

ChaosProxy::~ChaosProxy() = default;

std::string ChaosProxy::url() const { return state_->server->url(); }

void ChaosProxy::calm_down() {
  const std::scoped_lock lock(state_->mutex);
  state_->chaos = {};
}

std::uint64_t ChaosProxy::troubles() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->troubles;
}

}  // namespace ia
