#pragma once

#include <memory>
#include <string>

#include "../queue_harness.h"
#include "adapters/sqs/admin.h"
#include "adapters/sqs/queue.h"
#include "sqs_server.h"

namespace ia {

// What an SqsQueue needs besides its server.
struct SqsParts {
  SqsParts(const std::string& endpoint, const Clock& clock_in, SqsRetryOptions retry = impatient())
      : clock(clock_in) {
    client = SqsClient::make({.endpoint = endpoint, .region = "eu-west-1", .retry = retry},
                             credentials, clock, metrics)
                 .value();
  }
  static SqsRetryOptions impatient() {
    return {.sleep = [](std::chrono::milliseconds) {}};
  }
  void create(const SqsQueuePlan& plan) {
    const auto created = SqsAdmin(*client, kPrefix).create(plan);
    ASSERT_TRUE(created) << created.error().message;
  }
  std::unique_ptr<SqsQueue> open(const std::string& name, std::uint32_t receives_max) {
    return SqsQueue::open({.name = name, .prefix = kPrefix, .receives_max = receives_max}, *client,
                          clock, log)
        .value();
  }

  static constexpr auto kPrefix = "test-";
  const Clock& clock;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText};
  FixedSqsCredentials credentials{{"AKIDEXAMPLE", "secret", "", std::nullopt}};
  std::unique_ptr<SqsClient> client;
};

// An SqsQueue of its own on a server, in a time that passes when told.
template <class Server>
class SqsHarness final : public DurableQueueHarness {
 public:
  explicit SqsHarness(std::uint32_t receives_max)
      : clock_(server_.started_at()), receives_max_(receives_max) {
    SqsParts(server_.url(), clock_).create({.name = name_, .receives_max = receives_max});
    open();
  }
  Queue& queue() override { return *queue_; }
  const Clock& clock() const override { return clock_; }
  void pass(std::chrono::milliseconds time) override {
    clock_.advance(time);
    server_.advance(time);
  }
  void close() override {
    queue_.reset();
    parts_.reset();
  }
  void open() override {
    parts_ = std::make_unique<SqsParts>(server_.url(), clock_);
    queue_ = parts_->open(name_, receives_max_);
  }
  bool tells_age() const override { return false; }
  bool delivers_at_once() const override { return Server::kDeliversAtOnce; }
  bool excuses() const override { return false; }
  bool keeps_expired_receipts() const override { return false; }

 private:
  static inline int count_ = 0;
  const std::string name_ = "contract" + std::to_string(++count_);
  Server server_;
  ManualClock clock_;
  std::uint32_t receives_max_;
  std::unique_ptr<SqsParts> parts_;
  std::unique_ptr<SqsQueue> queue_;
};

template <class Made, class Harness, class Server = Fauxqs>
Factory<Harness> sqs_factory_of(std::string name) {
  auto factory = factory_of<Made, Harness>(std::move(name));
  factory.why_not = Server::why_not;
  return factory;
}

}  // namespace ia
