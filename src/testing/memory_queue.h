#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "ports/queue.h"

namespace ia {

struct MemoryQueueOptions {
  std::uint32_t receives_max = 0;  // 0: no limit
  // Whether receive waits. Leave it off under a ManualClock: it then looks once and returns.
  bool waits = false;
};

// What goes wrong by chance, each with a probability of 0 to 1, decided from `seed`.
struct MemoryQueueFaults {
  double fail = 0;        // an operation does nothing and gives kUnavailable
  double lose_reply = 0;  // an operation takes effect and gives kUnavailable
  double duplicate = 0;   // a delivered message stays visible: it will come again
  bool shuffle = false;   // messages come in any order
  std::uint64_t seed = 1;
};

// The Queue port in memory: the reference of the contract suite, and the queue of simulations.
// Timeouts run on the monotonic clock, so steps of the wall clock change nothing.
class MemoryQueue final : public Queue {
 public:
  explicit MemoryQueue(const Clock& clock, MemoryQueueOptions options = {});

  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override;
  Result<std::vector<Delivery>> receive(std::size_t count_max, std::chrono::milliseconds visibility,
                                        std::chrono::milliseconds wait) override;
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override;
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) override;
  Status bury(const Receipt& receipt, const DeadLetter& letter) override;
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override;
  Result<QueueDepth> depth() const override;
  Status purge() override;

  // The next `count` operations that could change something do nothing and give `code`.
  void fail_next(std::size_t count, Errc code = Errc::kUnavailable);
  // The next `count` of them take effect and give kUnavailable: the reply was lost.
  void lose_reply_next(std::size_t count);
  // The next `count` messages delivered stay visible.
  void duplicate_next(std::size_t count);
  void set_faults(const MemoryQueueFaults& faults);

  // Every message that a receive could ever give, visible or not, in the order sent.
  std::vector<std::string> bodies() const;

 private:
  struct Message {
    std::string body;
    WallTime sent_at;
    MonoTime visible_at;
    std::uint32_t receive_count = 0;
    std::uint32_t failures = 0;  // of the deliveries before the last one
    bool is_excused = false;     // the last one
  };
  using Messages = std::map<std::uint64_t, Message>;
  enum class Fate { kWorks, kFails, kLosesReply };

  Fate next_fate();
  bool chance(double probability);
  bool should_duplicate();
  std::vector<std::uint64_t> visible_ids() const;
  std::vector<Delivery> take(std::size_t count_max, std::chrono::milliseconds visibility);
  Messages::iterator find(const Receipt& receipt);

  const Clock& clock_;
  const MemoryQueueOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Messages messages_;
  std::deque<DeadLetter> dead_;  // newest first
  std::uint64_t next_id_ = 1;

  std::size_t fail_next_ = 0;
  Errc fail_code_ = Errc::kUnavailable;
  std::size_t lose_reply_next_ = 0;
  std::size_t duplicate_next_ = 0;
  MemoryQueueFaults faults_;
  std::mt19937_64 random_;
};

}  // namespace ia
