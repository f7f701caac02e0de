#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "adapters/sqlite/queue.h"
#include "testing/manual_clock.h"
#include "testing/memory_queue.h"
#include "testing/temp_dir.h"

// The queues under test, each with the time that it lives in.
namespace ia {

// A queue with the time that it lives in.
class QueueHarness {
 public:
  virtual ~QueueHarness() = default;
  virtual Queue& queue() = 0;
  virtual const Clock& clock() const = 0;
  virtual void pass(std::chrono::milliseconds time) = 0;
  // How long a receive that expects something has to wait for it.
  virtual std::chrono::milliseconds wait() const { return std::chrono::milliseconds{0}; }
  // Whether depth tells the age of what nobody received.
  virtual bool tells_age() const { return true; }
  // Whether a message can be received in the very millisecond that it becomes visible. ElasticMQ
  // hides some behind others whose visibility was extended.
  virtual bool delivers_at_once() const { return true; }
  // Whether deliveries that are excused do not count towards the limit.
  virtual bool excuses() const { return true; }
  // Whether a receipt holds when its visibility ended and nobody else got the message since.
  virtual bool keeps_expired_receipts() const { return true; }
};

// One whose messages outlive the object.
class DurableQueueHarness : public QueueHarness {
 public:
  virtual void close() = 0;
  virtual void open() = 0;
};

class MemoryHarness final : public QueueHarness {
 public:
  explicit MemoryHarness(std::uint32_t receives_max)
      : queue_(clock_, {.receives_max = receives_max}) {}
  Queue& queue() override { return queue_; }
  const Clock& clock() const override { return clock_; }
  void pass(std::chrono::milliseconds time) override { clock_.advance(time); }

 private:
  ManualClock clock_;
  MemoryQueue queue_;
};

class SqliteHarness final : public DurableQueueHarness {
 public:
  explicit SqliteHarness(std::uint32_t receives_max)
      : options_{.directory = directory_.path(), .name = "contract", .receives_max = receives_max} {
    open();
  }
  Queue& queue() override { return *queue_; }
  const Clock& clock() const override { return clock_; }
  void pass(std::chrono::milliseconds time) override { clock_.advance(time); }
  void close() override { queue_.reset(); }
  void open() override { queue_ = SqliteQueue::open(options_, clock_, log_).value(); }

 private:
  TempDir directory_;
  ManualClock clock_;
  Log log_{LogLevel::kError, LogFormat::kText};
  SqliteQueueOptions options_;
  std::unique_ptr<Queue> queue_;
};

template <class Harness>
struct Factory {
  std::string name;
  std::function<std::unique_ptr<Harness>(std::uint32_t receives_max)> make;
  // A reason why it cannot be tested here.
  std::function<std::optional<std::string>()> why_not = [] { return std::nullopt; };
};
template <class Harness>
void PrintTo(const Factory<Harness>& factory, std::ostream* out) {
  *out << factory.name;
}
using QueueFactory = Factory<QueueHarness>;
using DurableQueueFactory = Factory<DurableQueueHarness>;

template <class Made, class Harness>
Factory<Harness> factory_of(std::string name) {
  Factory<Harness> factory;
  factory.name = std::move(name);
  factory.make = [](std::uint32_t receives_max) { return std::make_unique<Made>(receives_max); };
  return factory;
}

inline OutgoingMessage message(std::string body, std::chrono::milliseconds delay = {}) {
  return {std::move(body), delay};
}

inline void send_all(Queue& queue, const std::vector<OutgoingMessage>& messages) {
  const auto failed = queue.send(messages);
  ASSERT_TRUE(failed) << failed.error().message;
  ASSERT_THAT(*failed, ::testing::IsEmpty());
}

inline std::vector<Delivery> receive_now(Queue& queue, std::size_t count_max,
                                         std::chrono::milliseconds visibility) {
  return queue.receive(count_max, visibility, std::chrono::milliseconds{0}).value();
}

inline std::multiset<std::string> dead_bodies(const Queue& queue) {
  const auto letters = queue.dead_letters(1'000'000).value();
  std::multiset<std::string> bodies;
  for (const auto& letter : letters) bodies.insert(letter.body);
  return bodies;
}

}  // namespace ia
