#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sqs/client.h"

namespace ia {

// The limits of SQS that every request keeps. Bodies of at most 64 KiB and 256 KiB a batch are
// what every SQS-compatible server takes; AWS itself takes 1 MiB since 2025.
inline constexpr std::size_t kSqsBatchEntriesMax = 10;
inline constexpr std::size_t kSqsBatchBytesMax = 256 * 1024;
inline constexpr std::size_t kSqsBodyBytesMax = 64 * 1024;
inline constexpr std::chrono::seconds kSqsWaitMax{20};
inline constexpr std::chrono::seconds kSqsDelayMax{900};
inline constexpr std::chrono::seconds kSqsVisibilityMax{43'200};

// The calls that the queue and its administration share. Each tries again after failures that may
// pass. A reply that is not what the protocol says is kUnavailable.
template <class T>
using SqsResult = std::expected<T, SqsFailure>;

// kNotFound when there is no such queue.
SqsResult<std::string> sqs_queue_url(SqsClient& client, const std::string& name);
// `attributes` is a JSON object. The new queue may be used a second later.
SqsResult<std::string> sqs_create_queue(SqsClient& client, const std::string& name,
                                        const std::string& attributes);

using SqsAttributes = std::map<std::string, std::string>;
SqsResult<SqsAttributes> sqs_attributes(SqsClient& client, const std::string& queue_url,
                                        std::span<const std::string_view> names);
SqsResult<SqsAttributes> sqs_attributes_in(const SqsReply& reply);
// maxReceiveCount of the attribute RedrivePolicy, {"maxReceiveCount":3,...}; 0 without one.
std::uint32_t sqs_policy_receives_max(const SqsAttributes& attributes);

struct SqsMessage {
  std::string body{};  // as it travels
  std::string receipt{};
  std::uint32_t receive_count = 1;
  WallTime sent_at{};
  std::string reason{};  // of a dead letter; empty when there is none
  bool is_damaged = false;  // the body is not what the server's MD5 of it says
};

struct SqsReceive {
  std::size_t count_max = kSqsBatchEntriesMax;  // 1 to 10
  std::chrono::seconds visibility{30};
  std::chrono::seconds wait{0};  // 0 to 20
};
SqsRequest sqs_receive_request(const std::string& queue_url, const SqsReceive& receive);
SqsResult<std::vector<SqsMessage>> sqs_messages(const SqsReply& reply);

// One entry of a batch: what it says besides its Id.
struct SqsEntry {
  std::size_t index = 0;  // the caller's
  std::string members{};  // `"MessageBody":"..."`
  std::string text{};     // the body of a send, as it travels: the reply tells its MD5
  std::size_t bytes = 0;  // of message: their sum is bounded
};
struct SqsEntryFailure {
  std::size_t index;
  SqsFailure failure;
};
// Runs a batch action over any number of entries: ten a request, requests side by side, entries
// that failed for a passing reason again. Returns those that failed for good, ascending; whether
// an entry that got no word took effect is not known.
std::vector<SqsEntryFailure> sqs_batch(SqsClient& client, SqsAction action,
                                       const std::string& queue_url, std::vector<SqsEntry> entries);

// What became of each of the entries of a batch; none: it succeeded. A message whose MD5 the reply
// tells otherwise did not.
std::vector<std::optional<SqsFailure>> sqs_outcomes(const SqsReply& reply,
                                                    std::span<const SqsEntry> sent);

SqsEntry sqs_send_entry(std::size_t index, std::string_view text, std::chrono::seconds delay = {},
                        std::string_view reason = {});
SqsEntry sqs_delete_entry(std::size_t index, std::string_view receipt);
SqsEntry sqs_visibility_entry(std::size_t index, std::string_view receipt,
                              std::chrono::seconds timeout);

// PurgeQueue. SQS allows it once in 60 s: waits for as long as it is refused for that.
SqsResult<void> sqs_purge(SqsClient& client, const std::string& queue_url);

}  // namespace ia
