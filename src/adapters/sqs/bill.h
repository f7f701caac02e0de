#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"

namespace ia {

enum class SqsAction : std::uint8_t {
  kSendMessageBatch,
  kReceiveMessage,
  kDeleteMessageBatch,
  kChangeMessageVisibilityBatch,
  kGetQueueUrl,
  kGetQueueAttributes,
  kSetQueueAttributes,
  kCreateQueue,
  kDeleteQueue,
  kPurgeQueue,
  kStartMessageMoveTask,
};
inline constexpr std::size_t kSqsActionCount = 11;

// As SQS calls it: "SendMessageBatch".
std::string_view name_of(SqsAction action);

// List price of standard queues, us-east-1: the first 100 G requests of a month.
inline constexpr double kSqsUsdPerMillion = 0.40;
// Each begun 64 KiB of a request's or reply's messages is one request.
inline constexpr std::size_t kSqsBilledBytes = 64 * 1024;

// What a day costs at list price when it goes on as in the last hour.
struct SqsBillReport {
  std::array<std::uint64_t, kSqsActionCount> requests{};  // by action, since the start
  std::uint64_t billed_total = 0;                         // since the start
  double billed_per_day = 0;
  double usd_per_day = 0;
  // The same work with one message an influencer and minute through one queue, at its cheapest:
  // sent, received and deleted ten at a time.
  double message_each_usd_per_day = 0;
};

// Counts the requests that this process makes, by kind, and what SQS bills for them. Retries count,
// as they do for AWS. Also as metrics: ia_sqs_requests_total{action}, ia_sqs_billed_requests_total,
// ia_sqs_usd_per_day, ia_sqs_message_each_usd_per_day. Safe to call from any thread.
class SqsBill {
 public:
  SqsBill(const Clock& clock, Metrics& metrics);
  ~SqsBill();

  // One request: `bytes` of message bodies went either way.
  void note(SqsAction action, std::size_t bytes);
  // For the comparison: how many influencers are asked for how often.
  void set_watched(std::uint64_t influencers, std::chrono::minutes interval);
  SqsBillReport report() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // the metrics ask it before each exposition
};

}  // namespace ia
