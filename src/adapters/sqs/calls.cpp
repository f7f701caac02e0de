#include "adapters/sqs/calls.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "adapters/sqs/body.h"
#include "base/json_object.h"

namespace ia {
namespace {

using std::chrono::seconds;
using Json = simdjson::dom::object;

constexpr seconds kPurgeWait{5};
constexpr int kPurgeWaits = 14;
constexpr std::string_view kReason = "reason";
constexpr std::uint64_t kSentAtMax = 253'402'300'799'999;  // the end of the year 9999

std::unexpected<SqsFailure> malformed(const std::string& what) {
  return std::unexpected(SqsFailure{
      .error = {Errc::kUnavailable, "SQS: a reply that is not as the protocol says: " + what},
      .passes = true});
}

std::string_view text_in(const Json& json, std::string_view key) {
  std::string_view text;
  return json[key].get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

std::uint64_t number_of_text(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view reason_in(const Json& message) {
  Json attributes;
  Json reason;
  if (message["MessageAttributes"].get(attributes) != simdjson::SUCCESS) return {};
  if (attributes[kReason].get(reason) != simdjson::SUCCESS) return {};
  return text_in(reason, "StringValue");
}

SqsMessage message_of(const Json& json) {
  SqsMessage message{.body = std::string(text_in(json, "Body")),
                     .receipt = std::string(text_in(json, "ReceiptHandle")),
                     .sent_at = {},
                     .reason = std::string(reason_in(json))};
  message.is_damaged = !is_md5_of(text_in(json, "MD5OfBody"), message.body);
  Json attributes;
  if (json["Attributes"].get(attributes) == simdjson::SUCCESS) {
    const auto count = number_of_text(text_in(attributes, "ApproximateReceiveCount"));
    message.receive_count = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(count, 1, std::numeric_limits<std::uint32_t>::max()));
    const auto sent = number_of_text(text_in(attributes, "SentTimestamp"));
    message.sent_at =
        WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(std::min(sent, kSentAtMax))}};
  }
  return message;
}

}  // namespace

namespace {

SqsResult<std::string> queue_url(SqsClient& client, const std::string& name,
                                 const SqsRequest& request) {
  const auto reply = client.call(request);
  if (!reply) {
    auto failure = reply.error();
    failure.error.message = fmt::format("queue {}: {}", name, failure.error.message);
    return std::unexpected(std::move(failure));
  }
  simdjson::dom::parser parser;
  Json json;
  if (!read_json_object(parser, *reply, json)) return malformed("no JSON object");
  const auto url = text_in(json, "QueueUrl");
  if (url.empty()) return malformed("no QueueUrl");
  return std::string(url);
}

}  // namespace

SqsResult<std::string> sqs_queue_url(SqsClient& client, const std::string& name) {
  return queue_url(
      client, name,
      {.action = SqsAction::kGetQueueUrl, .body = JsonObject().text("QueueName", name).str()});
}

SqsResult<std::string> sqs_create_queue(SqsClient& client, const std::string& name,
                                        const std::string& attributes) {
  return queue_url(
      client, name,
      {.action = SqsAction::kCreateQueue,
       .body = JsonObject().text("QueueName", name).json("Attributes", attributes).str()});
}

SqsResult<SqsAttributes> sqs_attributes(SqsClient& client, const std::string& queue_url,
                                        std::span<const std::string_view> names) {
  std::string list = "[";
  for (const auto name : names) list += (list.size() > 1 ? "," : "") + json_quoted(name);
  const auto reply = client.call(
      {.action = SqsAction::kGetQueueAttributes,
       .body = JsonObject().text("QueueUrl", queue_url).json("AttributeNames", list + "]").str()});
  return sqs_attributes_in(reply);
}

SqsResult<SqsAttributes> sqs_attributes_in(const SqsReply& reply) {
  if (!reply) return std::unexpected(reply.error());
  simdjson::dom::parser parser;
  Json json;
  Json attributes;
  if (!read_json_object(parser, *reply, json)) return malformed("GetQueueAttributes");
  SqsAttributes result;
  if (json["Attributes"].get(attributes) != simdjson::SUCCESS) return result;
  for (const auto& [key, value] : attributes) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) result.emplace(key, text);
  }
  return result;
}

std::uint32_t sqs_policy_receives_max(const SqsAttributes& attributes) {
  const auto found = attributes.find("RedrivePolicy");
  if (found == attributes.end()) return 0;
  simdjson::dom::parser parser;
  simdjson::dom::object json;
  if (!read_json_object(parser, found->second, json)) return 0;
  std::uint64_t count = 0;
  if (json["maxReceiveCount"].get(count) == simdjson::SUCCESS) {
    return static_cast<std::uint32_t>(count);
  }
  std::string_view text;
  if (json["maxReceiveCount"].get(text) != simdjson::SUCCESS) return 0;
  return static_cast<std::uint32_t>(number_of_text(text));
}

SqsRequest sqs_receive_request(const std::string& queue_url, const SqsReceive& receive) {
  const auto count = std::clamp<std::size_t>(receive.count_max, 1, kSqsBatchEntriesMax);
  const auto wait = std::clamp(receive.wait, seconds{0}, kSqsWaitMax);
  const auto visibility = std::clamp(receive.visibility, seconds{0}, kSqsVisibilityMax);
  return {.action = SqsAction::kReceiveMessage,
          .body = JsonObject()
                      .text("QueueUrl", queue_url)
                      .number("MaxNumberOfMessages", static_cast<std::int64_t>(count))
                      .number("VisibilityTimeout", visibility.count())
                      .number("WaitTimeSeconds", wait.count())
                      .json("AttributeNames", R"(["SentTimestamp","ApproximateReceiveCount"])")
                      .json("MessageAttributeNames", "[" + json_quoted(kReason) + "]")
                      .str(),
          .wait = wait};
}

SqsResult<std::vector<SqsMessage>> sqs_messages(const SqsReply& reply) {
  if (!reply) return std::unexpected(reply.error());
  simdjson::dom::parser parser;
  Json json;
  std::vector<SqsMessage> messages;
  if (!read_json_object(parser, *reply, json)) return malformed("ReceiveMessage");
  simdjson::dom::array array;
  if (json["Messages"].get(array) != simdjson::SUCCESS) return messages;
  for (const auto element : array) {
    Json message;
    if (element.get(message) != simdjson::SUCCESS) return malformed("ReceiveMessage");
    messages.push_back(message_of(message));
    if (messages.back().receipt.empty()) return malformed("a message without a ReceiptHandle");
  }
  return messages;
}

SqsEntry sqs_send_entry(std::size_t index, std::string_view text, seconds delay,
                        std::string_view reason) {
  SqsEntry entry{.index = index, .members = "\"MessageBody\":" + json_quoted(text)};
  entry.text = text;
  entry.bytes = text.size();
  entry.members +=
      fmt::format(R"(,"DelaySeconds":{})", std::clamp(delay, seconds{0}, kSqsDelayMax).count());
  if (!reason.empty()) {
    entry.bytes += kReason.size() + std::string_view("String").size() + reason.size();
    entry.members +=
        fmt::format(R"(,"MessageAttributes":{{"{}":{{"DataType":"String","StringValue":{}}}}})",
                    kReason, json_quoted(reason));
  }
  return entry;
}

SqsEntry sqs_delete_entry(std::size_t index, std::string_view receipt) {
  return {.index = index, .members = "\"ReceiptHandle\":" + json_quoted(receipt)};
}

SqsEntry sqs_visibility_entry(std::size_t index, std::string_view receipt, seconds timeout) {
  return {
      .index = index,
      .members = fmt::format(R"("ReceiptHandle":{},"VisibilityTimeout":{})", json_quoted(receipt),
                             std::clamp(timeout, seconds{0}, kSqsVisibilityMax).count())};
}

SqsResult<void> sqs_purge(SqsClient& client, const std::string& queue_url) {
  const SqsRequest request{.action = SqsAction::kPurgeQueue,
                           .body = JsonObject().text("QueueUrl", queue_url).str()};
  for (int waits = 0;; ++waits) {
    const auto reply = client.call(request);
    if (reply) return {};
    if (reply.error().type != "PurgeQueueInProgress" || waits == kPurgeWaits) {
      return std::unexpected(reply.error());
    }
    client.wait(kPurgeWait);
  }
}

}  // namespace ia
