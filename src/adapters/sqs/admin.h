#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "adapters/sqs/client.h"
#include "base/error.h"

namespace ia {

struct SqsQueuePlan {
  std::string name{};  // without the prefix
  // SQS moves a message received this often to the dead letters: 1 to 1,000. 0: never, as the id
  // queue needs it, whose messages are received every minute for ever.
  std::uint32_t receives_max = 0;
  std::chrono::seconds visibility{30};  // for receivers that name none
  // SQS deletes what is older: 60 s to 14 days, counted from the first send. Dead letters have
  // always 14 days.
  std::chrono::seconds retention{std::chrono::days{10}};
};

struct SqsQueueInfo {
  std::string name;     // at SQS
  bool exists = false;  // if not, nothing of the following is known
  std::string url;
  std::string arn;
  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
  std::chrono::seconds visibility{0};
  std::chrono::seconds retention{0};
  std::uint32_t receives_max = 0;  // of its redrive policy; 0: none
};

struct SqsQueuePair {
  SqsQueueInfo queue;
  SqsQueueInfo dead_letters;
};

struct SqsRedriven {
  // SQS moves them by itself, in the background; else they were moved one by one.
  bool in_background = false;
  std::uint64_t moved = 0;  // in the background: how many there were, about
};

// What the command `queues create|show|purge|redrive` does, to one queue and its dead letters at a
// time. Needs more permissions than SqsQueue: CreateQueue, SetQueueAttributes, PurgeQueue,
// StartMessageMoveTask, DeleteQueue.
class SqsAdmin {
 public:
  SqsAdmin(SqsClient& client, std::string prefix) : client_(client), prefix_(std::move(prefix)) {}

  // Creates what is missing and sets what differs; repeating it changes nothing.
  Result<SqsQueuePair> create(const SqsQueuePlan& plan);
  // Queues that do not exist are told as such.
  Result<SqsQueuePair> show(const std::string& name);
  // Deletes every message but the dead letters. May wait a minute: see SqsQueue.
  Status purge(const std::string& name);
  // Deletes the queue and its dead letters, with all that is in them. One that is not there is
  // fine.
  Status remove(const std::string& name);
  // Sends the dead letters back to their queue.
  Result<SqsRedriven> redrive(const std::string& name);

 private:
  Result<SqsQueueInfo> ensure(const std::string& name, const std::string& attributes);
  Result<SqsQueueInfo> info(const std::string& name);
  Result<SqsQueueInfo> info_at(const std::string& name, const std::string& url);
  Result<std::uint64_t> move_by_hand(const SqsQueueInfo& from, const SqsQueueInfo& to);

  SqsClient& client_;
  const std::string prefix_;
};

}  // namespace ia
