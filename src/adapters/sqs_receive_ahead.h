#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "ports/queue.h"

namespace ia {

struct SqsReceiveAheadOptions {
  std::size_t ahead_max = 10;            // messages in hand that nobody took yet
  std::chrono::seconds poll_wait{4};     // of one poll; the end of this object waits for it
  std::chrono::milliseconds pause{250};  // between polls that found less than was asked for
};

// Receives from a queue on a thread of its own, so that receive itself never makes a request: it
// gives what is in hand, and waits to the millisecond. For a stage that asks every few
// milliseconds for whatever is there, this turns fifty short polls a second, which SQS bills, and
// which ask a part of its servers only, into one long poll a `pause`.
//
// Polls only when somebody asked since the last poll began, so that a stage that pauses takes
// nothing from others but what one poll brought. What lay in hand for more than a fifth of its
// visibility is dropped: it comes again by itself. The end of this object gives back what is in
// hand. A failed poll is the error of the next receive. All else is passed on. Safe to call from
// any thread.
class SqsReceiveAhead final : public Queue {
 public:
  // The queue and the clock must outlive it.
  SqsReceiveAhead(Queue& queue, const Clock& clock, SqsReceiveAheadOptions options = {});
  ~SqsReceiveAhead() override;

  Result<std::vector<Delivery>> receive(std::size_t count_max, std::chrono::milliseconds visibility,
                                        std::chrono::milliseconds wait) override;

  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override;
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override;
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) override;
  Status bury(const Receipt& receipt, const DeadLetter& letter) override;
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override;
  Result<QueueDepth> depth() const override;
  Status purge() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
