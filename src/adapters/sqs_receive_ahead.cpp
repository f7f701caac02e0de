#include "adapters/sqs_receive_ahead.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPauseAfterError{1'000};
constexpr int kAgePart = 5;  // of the visibility

}  // namespace

struct SqsReceiveAhead::State {
  State(Queue& the_queue, const Clock& the_clock, SqsReceiveAheadOptions the_options)
      : queue(the_queue), clock(the_clock), options(the_options) {}

  struct InHand {
    Delivery delivery;
    MonoTime stale_at;
  };

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || may_poll(); });
      if (stopping) return;
      wanted = false;
      const auto count = options.ahead_max - in_hand.size();
      const auto time = visibility;
      lock.unlock();
      auto deliveries = queue.receive(count, time, options.poll_wait);
      lock.lock();
      const auto pause = note(std::move(deliveries), count, time);
      changed.notify_all();
      changed.wait_for(lock, pause, [&] { return stopping; });
    }
  }

  bool may_poll() const { return wanted && in_hand.size() < options.ahead_max; }

  // How long to rest.
  milliseconds note(Result<std::vector<Delivery>> deliveries, std::size_t count,
                    milliseconds time) {
    if (!deliveries) {
      error = std::move(deliveries.error());
      return kPauseAfterError;
    }
    const auto stale_at = clock.mono() + time / kAgePart;
    for (auto& delivery : *deliveries) in_hand.push_back({std::move(delivery), stale_at});
    return deliveries->size() < count ? options.pause : milliseconds{0};
  }

  void drop_stale() {
    const auto now = clock.mono();
    std::erase_if(in_hand, [&](const auto& one) { return one.stale_at <= now; });
  }

  Queue& queue;
  const Clock& clock;
  const SqsReceiveAheadOptions options;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  bool wanted = false;
  milliseconds visibility{30'000};  // as last asked for
  std::deque<InHand> in_hand;
  std::optional<Error> error;
  std::thread thread;
};

SqsReceiveAhead::SqsReceiveAhead(Queue& queue, const Clock& clock, SqsReceiveAheadOptions options)
    : state_(std::make_unique<State>(queue, clock, options)) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

SqsReceiveAhead::~SqsReceiveAhead() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
  std::vector<VisibilityChange> changes;
  for (auto& one : state_->in_hand) {
    changes.push_back({std::move(one.delivery.receipt), milliseconds{0}});
  }
  if (!changes.empty()) (void)state_->queue.change_visibility(changes);
}

Result<std::vector<Delivery>> SqsReceiveAhead::receive(std::size_t count_max,
                                                       milliseconds visibility, milliseconds wait) {
  std::unique_lock lock(state_->mutex);
  auto& in_hand = state_->in_hand;
  state_->wanted = true;
  state_->visibility = visibility;
  state_->drop_stale();
  state_->changed.notify_all();
  state_->changed.wait_for(lock, wait, [&] { return !in_hand.empty() || state_->error; });
  if (in_hand.empty() && state_->error) {
    return std::unexpected(*std::exchange(state_->error, std::nullopt));
  }
  std::vector<Delivery> deliveries;
  while (!in_hand.empty() && deliveries.size() < count_max) {
    deliveries.push_back(std::move(in_hand.front().delivery));
    in_hand.pop_front();
  }
  state_->changed.notify_all();
  return deliveries;
}

Result<std::vector<EntryError>> SqsReceiveAhead::send(std::span<const OutgoingMessage> messages) {
  return state_->queue.send(messages);
}
Result<std::vector<EntryError>> SqsReceiveAhead::ack(std::span<const Receipt> receipts) {
  return state_->queue.ack(receipts);
}
Result<std::vector<EntryError>> SqsReceiveAhead::change_visibility(
    std::span<const VisibilityChange> changes) {
  return state_->queue.change_visibility(changes);
}
Status SqsReceiveAhead::bury(const Receipt& receipt, const DeadLetter& letter) {
  return state_->queue.bury(receipt, letter);
}
Result<std::vector<DeadLetter>> SqsReceiveAhead::dead_letters(std::size_t count_max) const {
  return state_->queue.dead_letters(count_max);
}
Result<QueueDepth> SqsReceiveAhead::depth() const { return state_->queue.depth(); }

Status SqsReceiveAhead::purge() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->in_hand.clear();
  }
  return state_->queue.purge();
}

}  // namespace ia
