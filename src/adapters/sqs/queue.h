#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "adapters/sqs/client.h"
#include "base/clock.h"
#include "base/log.h"
#include "ports/queue.h"

namespace ia {

struct SqsQueueOptions {
  std::string name{};    // "influencer_id_store"; its dead letters are in "influencer_id_store-dlq"
  std::string prefix{};  // of both names at SQS
  // What the queue's redrive policy says (see SqsAdmin): SQS itself moves a message that was
  // received this often to the dead letters. 0: there is to be no policy.
  std::uint32_t receives_max = 0;
  // Another policy than that is only warned of; else, where there is to be none, open fails.
  bool tolerates_policy = false;
  // What to do when too many messages are in flight.
  std::string over_limit_advice = "add consumers";
  // depth() may be this old: dashboards ask often, and each answer costs two requests.
  std::chrono::milliseconds depth_age_max{0};
};

// The names at SQS.
std::string sqs_queue_name(const std::string& prefix, const std::string& name);
std::string sqs_dead_letter_queue_name(const std::string& prefix, const std::string& name);

// A standard queue of AWS SQS, or of any server that speaks its JSON protocol.
//
// Durability and order are SQS's: at least once, in any order. Every operation is one request for
// ten messages (256 KiB at most), made side by side, tried again for some twelve seconds when it
// was throttled, failed or got no answer; a send that got none may have happened, so a message may
// come twice. Costs 5 to 20 ms within a region and, for 64 KiB each way, 0.40 $ a million.
//
// Bodies: at most 64 KiB as they travel (48 KiB of binary, see sqs_body.h); a larger one is
// kInvalid for its entry. Bodies of others are passed through.
//
// Time. SQS knows whole seconds: delays, visibilities and waits are rounded up. A delay of more
// than 15 minutes and a visibility of more than 11 h 50 min are cut to that: the message comes
// earlier. `wait` 0 asks a part of SQS's servers and may find nothing where there is something.
//
// Differences to what the port allows an adapter to know:
// - a receipt is also void once its visibility ended: change_visibility and bury then give
//   kNotFound, and ack may leave the message;
// - depth's oldest_age is not to be had from SQS. It is estimated while messages are visible: the
//   age of the oldest message of the last receive through this object, when that was a first
//   delivery; else 0. The other figures lag by up to a minute;
// - dead_letters reads them (so that they are invisible to others meanwhile) and gives them back;
//   of more than 1,000 it sees 1,000;
// - some 120,000 messages can be in flight: then a receive that does not wait is kOverloaded, and
//   one that waits finds nothing;
// - purge takes SQS up to a minute, in which new messages may be deleted too, and is possible once
//   a minute: it waits for that.
class SqsQueue final : public Queue {
 public:
  // Finds the queue and its dead letters; never creates them. kNotFound: there is none, with the
  // command that creates it. kInvalid: the queue's redrive policy would bury what must live (the
  // id queue's shards). All arguments but the options must outlive the queue.
  static Result<std::unique_ptr<SqsQueue>> open(const SqsQueueOptions& options, SqsClient& client,
                                                const Clock& clock, Log& log);
  ~SqsQueue() override;

  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override;
  Result<std::vector<Delivery>> receive(std::size_t count_max, std::chrono::milliseconds visibility,
                                        std::chrono::milliseconds wait) override;
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override;
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) override;
  // Sends letter.body to the dead letters, its reason as a message attribute, then deletes the
  // delivery. A void receipt: kNotFound.
  Status bury(const Receipt& receipt, const DeadLetter& letter) override;
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override;
  Result<QueueDepth> depth() const override;
  Status purge() override;

 private:
  struct State;
  explicit SqsQueue(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
