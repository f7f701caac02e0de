#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ports/alert_store.h"
#include "ports/webhook.h"

namespace ia {

struct AlertDispatcherOptions {
  std::chrono::seconds delay_min{2};  // doubled with each attempt ...
  std::chrono::seconds delay_max{3'600};
  std::chrono::hours give_up_after{24};
  std::size_t in_flight_max = 16;
  // From 0 up to 1: ... and any part of the delay is waited (full jitter: the receiver that was
  // away is not met by all at once).
  std::function<double()> random;
};

// Brings the alerts of the store to their receivers: each rule's in the order of firing, one after
// the other, several rules at a time. A failed one is tried again for a day and holds the later
// ones of its rule back. At least once: after a crash the receiver may see an id again.
//
// Metrics: ia_alert_deliveries_total{outcome}, ia_alert_queue_length.
class AlertDispatcher {
 public:
  using Reply = std::function<void(WebhookReply)>;
  // Tests under way; further ones are refused.
  static constexpr std::size_t kTestsMax = 8;

  AlertDispatcher(AlertDispatcherOptions options, AlertStore& alerts, WebhookSender& sender,
                  const Clock& clock, Metrics& metrics, Log& log);
  // Whoever still waits for a test hears that the program stops. Nothing else is told.
  ~AlertDispatcher();

  // Begins what is due, if it is our turn, and waits for what ends, at most so long.
  void step(std::chrono::milliseconds wait);

  // Sends once, soon; `reply` is called on the dispatcher's thread. False: too many are under
  // way. Any thread.
  bool test(Webhook webhook, Reply reply);

 private:
  struct Test {
    Webhook webhook;
    Reply reply;
  };
  struct Attempt {
    AlertRuleId rule{};
    std::uint32_t attempts = 0;  // before this one
    WallTime fired_at{};
  };
  struct Ended {
    std::uint64_t key = 0;
    WebhookReply reply;
  };

  void begin_tests();
  Status begin_due();
  Status settle_ended();
  AlertAttempt judge(const Attempt& attempt, const WebhookReply& reply) const;
  std::chrono::milliseconds delay_after(std::uint32_t attempts, const WebhookReply& reply) const;
  void count(AlertOutcome outcome);

  const AlertDispatcherOptions options_;
  AlertStore& alerts_;
  WebhookSender& sender_;
  const Clock& clock_;
  Metrics& metrics_;
  StateLog state_;
  Backoff backoff_;
  std::map<std::uint64_t, Attempt> in_flight_;  // by number in the log
  std::set<AlertRuleId> busy_;
  std::map<std::uint64_t, Reply> testing_;
  std::vector<Ended> ended_;  // not stored yet
  std::uint64_t newest_test_ = 0;
  std::mutex mutex_;
  std::vector<Test> tests_;          // not begun
  std::size_t tests_under_way_ = 0;  // begun or not
};

}  // namespace ia
