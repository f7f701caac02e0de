#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace ia {

// Proof of one delivery. It is opaque, and void once the message was delivered again.
using Receipt = std::string;

struct Delivery {
  std::string body;
  Receipt receipt;
  std::uint32_t receive_count = 1;
  WallTime sent_at;
};

struct OutgoingMessage {
  std::string body;
  std::chrono::milliseconds delay{0};
};

struct VisibilityChange {
  Receipt receipt;
  std::chrono::milliseconds timeout;  // from now; 0 makes it visible at once
  // The delivery did not fail (its receiver stops, or what it needs is away): it does not count
  // towards the queue's limit. A queue that counts by itself, as SQS does, ignores this.
  bool excused = false;
};

// One entry of a batch that failed; the others of the batch took effect.
struct EntryError {
  std::size_t index;
  Error error;
};

struct DeadLetter {
  std::string body;
  std::string reason;
};

struct QueueDepth {
  std::uint64_t visible = 0;                // can be received now
  std::uint64_t in_flight = 0;              // delivered, neither acked nor visible again
  std::uint64_t delayed = 0;                // sent with a delay that has not passed
  std::uint64_t dead = 0;                   // in the dead letters
  std::chrono::milliseconds oldest_age{0};  // of the visible: how long it could have been received
};

// A queue with the semantics of SQS's standard queues. At least once: a message may come twice,
// in any order. Nothing is lost between a send that returned and its ack.
// Batches of any size are accepted; adapters split them. Safe to call from any thread.
class Queue {
 public:
  virtual ~Queue() = default;

  // Makes the messages durable. Empty result: all. On an Error the outcome is unknown.
  [[nodiscard]] virtual Result<std::vector<EntryError>> send(
      std::span<const OutgoingMessage> messages) = 0;

  // Up to `count_max` messages that are visible now, each invisible for `visibility` from now on.
  // Waits up to `wait` for the first one. A message whose deliveries failed as often as the queue's
  // limit (a setting of the adapter; by default there is none) goes to the dead letters: one that
  // was neither acked nor excused before it became visible again has failed.
  [[nodiscard]] virtual Result<std::vector<Delivery>> receive(std::size_t count_max,
                                                              std::chrono::milliseconds visibility,
                                                              std::chrono::milliseconds wait) = 0;

  // Deletes. A void receipt is ignored.
  [[nodiscard]] virtual Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) = 0;

  // Makes deliveries visible again `timeout` from now: the timer of the id queue. A void receipt:
  // kNotFound for that entry. The next delivery counts as one more receive, as in SQS.
  [[nodiscard]] virtual Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) = 0;

  // Deletes the delivery and keeps its body in the dead letters with a reason for people.
  [[nodiscard]] virtual Status bury(const Receipt& receipt, const DeadLetter& letter) = 0;

  // The newest dead letters, at most `count_max`.
  [[nodiscard]] virtual Result<std::vector<DeadLetter>> dead_letters(
      std::size_t count_max) const = 0;

  [[nodiscard]] virtual Result<QueueDepth> depth() const = 0;

  // Deletes every message, not the dead letters.
  [[nodiscard]] virtual Status purge() = 0;
};

}  // namespace ia
