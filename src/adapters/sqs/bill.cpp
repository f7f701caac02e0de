#include "adapters/sqs/bill.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace ia {
namespace {

using std::chrono::minutes;
using Seconds = std::chrono::duration<double>;

constexpr std::array<std::string_view, kSqsActionCount> kNames = {
    "SendMessageBatch", "ReceiveMessage",     "DeleteMessageBatch",  "ChangeMessageVisibilityBatch",
    "GetQueueUrl",      "GetQueueAttributes", "SetQueueAttributes",  "CreateQueue",
    "DeleteQueue",      "PurgeQueue",         "StartMessageMoveTask"};

constexpr minutes kWindow{60};
constexpr double kSecondsADay = 86'400;
constexpr double kMinutesADay = 1'440;
constexpr double kRequestsAMessage = 0.3;  // sent, received and deleted by the ten

std::vector<CounterMetric> counters(Metrics& metrics) {
  std::vector<CounterMetric> all;
  for (const auto name : kNames) {
    all.push_back(metrics.counter("ia_sqs_requests_total", "Requests to SQS.",
                                  {{"action", std::string(name)}}));
  }
  return all;
}

}  // namespace

std::string_view name_of(SqsAction action) { return kNames[static_cast<std::size_t>(action)]; }

struct SqsBill::State {
  State(const Clock& the_clock, Metrics& metrics)
      : clock(the_clock),
        began(the_clock.mono()),
        requests_total(counters(metrics)),
        billed_metric(metrics.counter("ia_sqs_billed_requests_total",
                                      "Requests as SQS bills them: one each 64 KiB.")),
        usd_metric(metrics.gauge("ia_sqs_usd_per_day",
                                 "A day's requests of this process at list price, in dollars.")),
        each_metric(metrics.gauge("ia_sqs_message_each_usd_per_day",
                                  "The same at one message an influencer and minute.")) {}

  struct Slot {
    MonoTime begin;
    std::uint64_t billed;
  };

  void forget_old(MonoTime now) {
    while (!slots.empty() && now - slots.front().begin > kWindow) slots.pop_front();
  }
  double billed_per_day(MonoTime now) {
    forget_old(now);
    std::uint64_t sum = 0;
    for (const auto& slot : slots) sum += slot.billed;
    // The first minute is not taken for a whole day's pace.
    const Seconds time = std::clamp<Seconds>(now - began, minutes{1}, kWindow);
    return static_cast<double>(sum) * kSecondsADay / time.count();
  }

  const Clock& clock;
  const MonoTime began;
  std::mutex mutex;
  std::array<std::uint64_t, kSqsActionCount> requests{};
  std::uint64_t billed_total = 0;
  std::deque<Slot> slots;  // one a minute
  std::uint64_t influencers = 0;
  minutes interval{1};
  std::vector<CounterMetric> requests_total;
  CounterMetric billed_metric;
  GaugeMetric usd_metric;
  GaugeMetric each_metric;
};

SqsBill::SqsBill(const Clock& clock, Metrics& metrics)
    : state_(std::make_shared<State>(clock, metrics)) {
  metrics.before_exposition([weak = std::weak_ptr(state_)] {
    const auto state = weak.lock();
    if (!state) return;
    const std::scoped_lock lock(state->mutex);
    const auto now = state->clock.mono();
    state->usd_metric.set(state->billed_per_day(now) * kSqsUsdPerMillion / 1e6);
  });
}

SqsBill::~SqsBill() = default;

void SqsBill::note(SqsAction action, std::size_t bytes) {
  auto& state = *state_;
  const auto billed = std::max<std::size_t>(1, (bytes + kSqsBilledBytes - 1) / kSqsBilledBytes);
  const auto index = static_cast<std::size_t>(action);
  state.requests_total[index].add();
  state.billed_metric.add(billed);
  const std::scoped_lock lock(state.mutex);
  const auto now = state.clock.mono();
  ++state.requests[index];
  state.billed_total += billed;
  state.forget_old(now);
  if (state.slots.empty() || now - state.slots.back().begin >= minutes{1}) {
    state.slots.push_back({now, 0});
  }
  state.slots.back().billed += billed;
}

void SqsBill::set_watched(std::uint64_t influencers, minutes interval) {
  auto& state = *state_;
  {
    const std::scoped_lock lock(state.mutex);
    state.influencers = influencers;
    state.interval = std::max(interval, minutes{1});
  }
  state.each_metric.set(report().message_each_usd_per_day);
}

SqsBillReport SqsBill::report() const {
  auto& state = *state_;
  const std::scoped_lock lock(state.mutex);
  SqsBillReport report{.requests = state.requests, .billed_total = state.billed_total};
  report.billed_per_day = state.billed_per_day(state.clock.mono());
  report.usd_per_day = report.billed_per_day * kSqsUsdPerMillion / 1e6;
  const auto messages = static_cast<double>(state.influencers) * kMinutesADay /
                        static_cast<double>(state.interval.count());
  report.message_each_usd_per_day = messages * kRequestsAMessage * kSqsUsdPerMillion / 1e6;
  return report;
}

}  // namespace ia
