#include "pipeline/alert_dispatcher.h"

#include <algorithm>
#include <string>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;

// Keys of tests; those of alerts are their numbers in the log.
constexpr std::uint64_t kTestBit = std::uint64_t{1} << 63;
constexpr std::uint32_t kDoublingsMax = 20;
constexpr BackoffOptions kErrorBackoff{.min = milliseconds{2'000}, .max = milliseconds{15'000}};

CounterMetric delivery_counter(Metrics& metrics, AlertOutcome outcome) {
  const bool failed = outcome == AlertOutcome::kPending;
  return metrics.counter("ia_alert_deliveries_total",
                         "Attempts to deliver an alert; those that failed are repeated.",
                         {{"outcome", failed ? "failed" : std::string(name_of(outcome))}});
}

}  // namespace

AlertDispatcher::AlertDispatcher(AlertDispatcherOptions options, AlertStore& alerts,
                                 WebhookSender& sender, const Clock& clock, Metrics& metrics,
                                 Log& log)
    : options_(std::move(options)),
      alerts_(alerts),
      sender_(sender),
      clock_(clock),
      metrics_(metrics),
      state_(log, "webhooks", clock),
      backoff_(clock, kErrorBackoff) {
  for (const auto outcome : {AlertOutcome::kPending, AlertOutcome::kDelivered,
                             AlertOutcome::kRefused, AlertOutcome::kGaveUp, AlertOutcome::kGone}) {
    delivery_counter(metrics, outcome);
  }
  auto length = metrics.gauge("ia_alert_queue_length",
                              "Alerts that are not delivered yet, at the process that sends.");
  metrics.before_exposition([length, &alerts]() mutable {
    const auto pending = alerts.has_turn() ? alerts.pending() : Result<std::uint64_t>(0);
    if (pending) length.set(static_cast<double>(*pending));
  });
}

AlertDispatcher::~AlertDispatcher() {
  const WebhookReply stopping{.detail = "the program stops"};
  for (const auto& [key, reply] : testing_) reply(stopping);
  for (const auto& test : tests_) test.reply(stopping);
}

bool AlertDispatcher::test(Webhook webhook, Reply reply) {
  {
    const std::scoped_lock lock(mutex_);
    if (tests_under_way_ >= kTestsMax) return false;
    ++tests_under_way_;
    tests_.push_back({std::move(webhook), std::move(reply)});
  }
  sender_.wake();
  return true;
}

void AlertDispatcher::step(milliseconds wait) {
  begin_tests();
  const bool rests = !backoff_.may_call();
  auto done = rests ? Status{} : settle_ended();
  if (done && !rests && alerts_.has_turn()) done = begin_due();
  for (auto& [key, reply] : sender_.poll(wait)) {
    if (const auto test = testing_.find(key); test != testing_.end()) {
      test->second(std::move(reply));
      testing_.erase(test);
      const std::scoped_lock lock(mutex_);
      --tests_under_way_;
    } else {
      ended_.push_back({key, std::move(reply)});
    }
  }
  if (done && !rests) done = settle_ended();
  if (!done) {
    state_.failing("webhooks wait for the alert store", done.error().message);
    backoff_.failed();
  } else if (!rests) {
    backoff_.succeeded();
    state_.recovered("webhooks go on");
  }
}

void AlertDispatcher::begin_tests() {
  std::vector<Test> tests;
  {
    const std::scoped_lock lock(mutex_);
    tests.swap(tests_);
  }
  for (auto& test : tests) {
    const auto key = kTestBit | ++newest_test_;
    testing_.emplace(key, std::move(test.reply));
    sender_.start(key, std::move(test.webhook));
  }
}

Status AlertDispatcher::begin_due() {
  if (in_flight_.size() >= options_.in_flight_max) return {};
  // Those in flight are due still.
  const auto due = alerts_.due(clock_.wall(), options_.in_flight_max + in_flight_.size());
  if (!due) return std::unexpected(due.error());
  for (const auto& [entry, target] : *due) {
    if (in_flight_.size() >= options_.in_flight_max) break;
    if (!busy_.insert(entry.rule).second) continue;
    in_flight_[entry.number] = {entry.rule, entry.attempts, entry.fired_at};
    sender_.start(entry.number, {.target = target, .id = entry.webhook_id, .body = entry.body});
  }
  return {};
}

Status AlertDispatcher::settle_ended() {
  while (!ended_.empty()) {
    const auto& [number, reply] = ended_.back();
    const auto& attempt = in_flight_.at(number);
    const auto judged = judge(attempt, reply);
    if (auto settled = alerts_.settle(number, judged); !settled) return settled;
    count(judged.outcome);
    busy_.erase(attempt.rule);
    in_flight_.erase(number);
    ended_.pop_back();
  }
  return {};
}

AlertAttempt AlertDispatcher::judge(const Attempt& attempt, const WebhookReply& reply) const {
  const auto now = clock_.wall();
  AlertAttempt judged{.tried_at = now, .status = reply.status, .detail = reply.detail};
  switch (reply.kind) {
    case WebhookReply::Kind::kDelivered:
      judged.outcome = AlertOutcome::kDelivered;
      return judged;
    case WebhookReply::Kind::kRefused:
      judged.outcome = AlertOutcome::kRefused;
      return judged;
    case WebhookReply::Kind::kGone:
      judged.outcome = AlertOutcome::kGone;
      return judged;
    case WebhookReply::Kind::kFailed:
      break;
  }
  judged.next_attempt_at = now + delay_after(attempt.attempts, reply);
  if (judged.next_attempt_at - attempt.fired_at > options_.give_up_after) {
    judged.outcome = AlertOutcome::kGaveUp;
  }
  return judged;
}

milliseconds AlertDispatcher::delay_after(std::uint32_t attempts, const WebhookReply& reply) const {
  const auto doublings = std::min(attempts, kDoublingsMax);
  const milliseconds most =
      std::min<milliseconds>(options_.delay_max, options_.delay_min * (1 << doublings));
  const auto part = static_cast<double>(most.count()) * options_.random();
  const milliseconds delay{static_cast<std::int64_t>(part)};
  const auto asked = reply.retry_after.value_or(std::chrono::seconds{0});
  return std::max<milliseconds>(delay, std::min(asked, options_.delay_max));
}

void AlertDispatcher::count(AlertOutcome outcome) { delivery_counter(metrics_, outcome).add(); }

}  // namespace ia
