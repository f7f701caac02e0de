#include "adapters/sqs/queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <ranges>
#include <utility>

#include "adapters/sqs/body.h"
#include "adapters/sqs/calls.h"
#include "base/backoff.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The 12 hours run from the receive, which was some time ago.
constexpr seconds kChangeMax = kSqsVisibilityMax - std::chrono::minutes{10};
constexpr seconds kBuryTime{120};
constexpr seconds kLookTime{30};
constexpr std::size_t kLookMax = 1'000;
constexpr std::size_t kReasonBytesMax = 1'000;
constexpr std::size_t kCutBodyBytes = 32 * 1024;
constexpr std::size_t kReceivesSideBySide = 8;
constexpr seconds kDamagedRest{1};

constexpr std::string_view kVisible = "ApproximateNumberOfMessages";
constexpr std::string_view kInFlight = "ApproximateNumberOfMessagesNotVisible";
constexpr std::string_view kDelayed = "ApproximateNumberOfMessagesDelayed";

seconds rounded_up(milliseconds time, seconds max) {
  return std::clamp(std::chrono::ceil<seconds>(time), seconds{0}, max);
}

std::uint64_t number(const SqsAttributes& attributes, std::string_view key) {
  const auto found = attributes.find(std::string(key));
  std::uint64_t value = 0;
  if (found != attributes.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  }
  return value;
}

bool is_void_receipt(const SqsFailure& failure) {
  const auto& type = failure.type;
  return type == "ReceiptHandleIsInvalid" || type == "MessageNotInflight" ||
         (type == "InvalidParameterValue" &&
          failure.error.message.find("not available for visibility") != std::string::npos);
}

// An outage is one Error; anything else is told entry by entry.
Result<std::vector<EntryError>> told(std::vector<SqsEntryFailure> failures, std::size_t count) {
  const bool is_outage =
      !failures.empty() && failures.size() == count &&
      std::ranges::all_of(failures, [](const auto& one) { return one.failure.passes; });
  if (is_outage) return std::unexpected(std::move(failures.front().failure.error));
  std::vector<EntryError> errors;
  for (auto& one : failures) errors.push_back({one.index, std::move(one.failure.error)});
  return errors;
}

std::unexpected<Error> void_receipt(const std::string& queue) {
  return fail(Errc::kNotFound, "queue " + queue + ": the receipt is void");
}

}  // namespace

std::string sqs_queue_name(const std::string& prefix, const std::string& name) {
  return prefix + name;
}
std::string sqs_dead_letter_queue_name(const std::string& prefix, const std::string& name) {
  return prefix + name + "-dlq";
}

struct SqsQueue::State {
  SqsQueueOptions options;
  SqsClient& client;
  const Clock& clock;
  Log& log;
  std::string name;
  std::string url;
  std::string dead_url;

  std::mutex mutex;
  std::optional<WallTime> oldest_sent;  // of the last receive
  std::optional<QueueDepth> depth;
  MonoTime depth_at;
  Backoff depth_backoff;
  Error depth_error{Errc::kUnavailable, ""};

  std::vector<Delivery> deliveries_of(std::vector<SqsMessage> messages);
  void return_damaged(std::vector<SqsMessage>& messages);
  void note_age(const std::vector<SqsMessage>& messages);
  Result<std::vector<SqsMessage>> receive_first(std::size_t count_max, seconds visibility,
                                                milliseconds wait);
  std::vector<SqsMessage> receive_more(std::size_t count_max, seconds visibility);
  SqsResult<void> change_one(const Receipt& receipt, seconds timeout);
  Status send_dead(const DeadLetter& letter);
  std::vector<SqsMessage> look_at_dead(Result<void>& status);
  void give_back(const std::vector<SqsMessage>& messages);
  Result<QueueDepth> measure();
  // Why a letter without a reason of ours is there.
  std::string reason_of_sqs() const {
    if (options.receives_max == 0) return "no reason given";
    return fmt::format("received {} times, never acked", options.receives_max);
  }
};

std::vector<Delivery> SqsQueue::State::deliveries_of(std::vector<SqsMessage> messages) {
  std::vector<Delivery> deliveries;
  for (auto& message : messages) {
    deliveries.push_back({.body = sqs_decode_body(message.body),
                          .receipt = std::move(message.receipt),
                          .receive_count = message.receive_count,
                          .sent_at = message.sent_at});
  }
  return deliveries;
}

// They are received again: what is stored is whole, as its MD5 says.
void SqsQueue::State::return_damaged(std::vector<SqsMessage>& messages) {
  std::vector<SqsEntry> entries;
  for (const auto& message : messages) {
    if (!message.is_damaged) continue;
    entries.push_back(sqs_visibility_entry(entries.size(), message.receipt, kDamagedRest));
  }
  if (entries.empty()) return;
  log.warning("queue " + name, "messages came other than they were sent: they are received again",
              {{"messages", entries.size()}});
  std::erase_if(messages, [](const auto& message) { return message.is_damaged; });
  // What fails comes back by itself.
  (void)sqs_batch(client, SqsAction::kChangeMessageVisibilityBatch, url, std::move(entries));
}

void SqsQueue::State::note_age(const std::vector<SqsMessage>& messages) {
  if (messages.empty()) return;
  const std::scoped_lock lock(mutex);
  oldest_sent.reset();
  for (const auto& message : messages) {
    if (message.receive_count > 1) continue;
    oldest_sent = std::min(oldest_sent.value_or(message.sent_at), message.sent_at);
  }
}

Result<std::vector<SqsMessage>> SqsQueue::State::receive_first(std::size_t count_max,
                                                               seconds visibility,
                                                               milliseconds wait) {
  auto left = std::chrono::ceil<seconds>(std::max(wait, milliseconds{0}));
  while (true) {
    const SqsReceive order{
        .count_max = count_max, .visibility = visibility, .wait = std::min(left, kSqsWaitMax)};
    auto messages = sqs_messages(client.call(sqs_receive_request(url, order)));
    if (!messages) {
      auto& failure = messages.error();
      if (failure.type == "OverLimit") failure.error.message += ": " + options.over_limit_advice;
      return std::unexpected(std::move(failure.error));
    }
    left -= order.wait;
    if (!messages->empty() || left <= seconds{0}) return std::move(*messages);
  }
}

// Failures end it: the messages in hand are worth more than more of them.
std::vector<SqsMessage> SqsQueue::State::receive_more(std::size_t count_max, seconds visibility) {
  std::vector<SqsRequest> requests;
  while (count_max > 0 && requests.size() < kReceivesSideBySide) {
    const auto count = std::min(count_max, kSqsBatchEntriesMax);
    requests.push_back(sqs_receive_request(
        url, {.count_max = count, .visibility = visibility, .wait = seconds{0}}));
    count_max -= count;
  }
  std::vector<SqsMessage> all;
  for (const auto& reply : client.call_all(requests)) {
    auto messages = sqs_messages(reply);
    if (messages) std::ranges::move(*messages, std::back_inserter(all));
  }
  return all;
}

SqsResult<void> SqsQueue::State::change_one(const Receipt& receipt, seconds timeout) {
  const auto failures = sqs_batch(client, SqsAction::kChangeMessageVisibilityBatch, url,
                                  {sqs_visibility_entry(0, receipt, timeout)});
  if (failures.empty()) return {};
  return std::unexpected(failures.front().failure);
}

Status SqsQueue::State::send_dead(const DeadLetter& letter) {
  const auto reason = sqs_clean_text(letter.reason, kReasonBytesMax);
  const auto text = sqs_encode_body(letter.body);
  const auto send = [&](const SqsEntry& entry) {
    return sqs_batch(client, SqsAction::kSendMessageBatch, dead_url, {entry});
  };
  auto failures = send(sqs_send_entry(0, text, seconds{0}, reason));
  if (!failures.empty() && !failures[0].failure.passes && letter.body.size() > kCutBodyBytes) {
    // Somebody else's message of nearly the largest size, with no room for a reason.
    const auto kept = sqs_encode_body(std::string_view(letter.body).substr(0, kCutBodyBytes));
    failures = send(sqs_send_entry(
        0, kept, seconds{0}, fmt::format("cut from {} bytes: {}", letter.body.size(), reason)));
  }
  if (failures.empty()) return {};
  return fail("queue " + name + ": dead letters", failures[0].failure.error);
}

std::vector<SqsMessage> SqsQueue::State::look_at_dead(Status& status) {
  std::vector<SqsMessage> all;
  while (all.size() < kLookMax) {
    auto some = sqs_messages(client.call(sqs_receive_request(dead_url, {.visibility = kLookTime})));
    if (!some) {
      status = std::unexpected(some.error().error);
      return all;
    }
    if (some->empty()) return all;
    std::ranges::move(*some, std::back_inserter(all));
  }
  return all;
}

// What fails comes back by itself.
void SqsQueue::State::give_back(const std::vector<SqsMessage>& messages) {
  std::vector<SqsEntry> entries;
  for (const auto& message : messages) {
    entries.push_back(sqs_visibility_entry(entries.size(), message.receipt, seconds{0}));
  }
  (void)sqs_batch(client, SqsAction::kChangeMessageVisibilityBatch, dead_url, std::move(entries));
}

Result<QueueDepth> SqsQueue::State::measure() {
  constexpr std::string_view kNames[] = {kVisible, kInFlight, kDelayed};
  const auto live = sqs_attributes(client, url, kNames);
  if (!live) return std::unexpected(live.error().error);
  const auto dead = sqs_attributes(client, dead_url, kNames);
  if (!dead) return std::unexpected(dead.error().error);
  QueueDepth depth_now{
      .visible = number(*live, kVisible),
      .in_flight = number(*live, kInFlight),
      .delayed = number(*live, kDelayed),
      .dead = number(*dead, kVisible) + number(*dead, kInFlight) + number(*dead, kDelayed)};
  const std::scoped_lock lock(mutex);
  if (depth_now.visible > 0 && oldest_sent) {
    depth_now.oldest_age = std::max(clock.wall() - *oldest_sent, milliseconds{0});
  }
  return depth_now;
}

namespace {

Status check_policy(SqsClient& client, const std::string& name, const std::string& url,
                    const SqsQueueOptions& options, Log& log) {
  const auto receives_max = options.receives_max;
  constexpr std::string_view kNames[] = {"RedrivePolicy"};
  const auto attributes = sqs_attributes(client, url, kNames);
  if (!attributes) return fail("queue " + name, attributes.error().error);
  const auto count = sqs_policy_receives_max(*attributes);
  if (receives_max == 0 && count > 0 && !options.tolerates_policy) {
    return fail(Errc::kInvalid,
                fmt::format("queue {}: its redrive policy buries a message after {} receives, and "
                            "its messages live for ever: remove the policy with: "
                            "influencer-analytics queues create",
                            name, count));
  }
  if (receives_max != count) {
    log.warning("queue " + name, "the redrive policy is another than the settings say",
                {{"receives_max", receives_max},
                 {"policy", count},
                 {"advice", "influencer-analytics queues create sets it"}});
  }
  return {};
}

}  // namespace

SqsQueue::SqsQueue(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqsQueue::~SqsQueue() = default;

Result<std::unique_ptr<SqsQueue>> SqsQueue::open(const SqsQueueOptions& options, SqsClient& client,
                                                 const Clock& clock, Log& log) {
  const auto name = sqs_queue_name(options.prefix, options.name);
  const auto url = sqs_queue_url(client, name);
  if (!url) return std::unexpected(url.error().error);
  const auto dead_url =
      sqs_queue_url(client, sqs_dead_letter_queue_name(options.prefix, options.name));
  if (!dead_url) return std::unexpected(dead_url.error().error);
  const auto checked = check_policy(client, name, *url, options, log);
  if (!checked) return std::unexpected(checked.error());
  return std::unique_ptr<SqsQueue>(
      new SqsQueue(std::unique_ptr<State>(new State{.options = options,
                                                    .client = client,
                                                    .clock = clock,
                                                    .log = log,
                                                    .name = name,
                                                    .url = *url,
                                                    .dead_url = *dead_url,
                                                    .mutex = {},
                                                    .oldest_sent = {},
                                                    .depth = {},
                                                    .depth_at = {},
                                                    .depth_backoff = Backoff(clock)})));
}

Result<std::vector<EntryError>> SqsQueue::send(std::span<const OutgoingMessage> messages) {
  std::vector<EntryError> too_large;
  std::vector<SqsEntry> entries;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto text = sqs_encode_body(messages[i].body);
    if (text.size() > kSqsBodyBytesMax) {
      too_large.push_back(
          {i,
           {Errc::kInvalid,
            fmt::format("queue {}: a message of {} bytes, {} as it travels, where {} are the "
                        "limit: make shards smaller",
                        state_->name, messages[i].body.size(), text.size(), kSqsBodyBytesMax)}});
      continue;
    }
    entries.push_back(sqs_send_entry(i, text, rounded_up(messages[i].delay, kSqsDelayMax)));
  }
  const auto count = entries.size();
  auto errors =
      told(sqs_batch(state_->client, SqsAction::kSendMessageBatch, state_->url, std::move(entries)),
           count);
  if (!errors) return errors;
  std::ranges::move(too_large, std::back_inserter(*errors));
  std::ranges::sort(*errors, {}, &EntryError::index);
  return errors;
}

Result<std::vector<Delivery>> SqsQueue::receive(std::size_t count_max, milliseconds visibility,
                                                milliseconds wait) {
  if (count_max == 0) return std::vector<Delivery>{};
  const auto time = rounded_up(visibility, kSqsVisibilityMax);
  auto messages = state_->receive_first(std::min(count_max, kSqsBatchEntriesMax), time, wait);
  if (!messages) return std::unexpected(messages.error());
  bool may_be_more = messages->size() == kSqsBatchEntriesMax;
  while (may_be_more && messages->size() < count_max) {
    auto more = state_->receive_more(count_max - messages->size(), time);
    may_be_more = more.size() >= kSqsBatchEntriesMax;
    std::ranges::move(more, std::back_inserter(*messages));
  }
  state_->return_damaged(*messages);
  state_->note_age(*messages);
  return state_->deliveries_of(std::move(*messages));
}

Result<std::vector<EntryError>> SqsQueue::ack(std::span<const Receipt> receipts) {
  std::vector<SqsEntry> entries;
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    entries.push_back(sqs_delete_entry(i, receipts[i]));
  }
  auto failures =
      sqs_batch(state_->client, SqsAction::kDeleteMessageBatch, state_->url, std::move(entries));
  std::erase_if(failures, [](const auto& one) { return is_void_receipt(one.failure); });
  return told(std::move(failures), receipts.size());
}

Result<std::vector<EntryError>> SqsQueue::change_visibility(
    std::span<const VisibilityChange> changes) {
  std::vector<SqsEntry> entries;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    entries.push_back(
        sqs_visibility_entry(i, changes[i].receipt, rounded_up(changes[i].timeout, kChangeMax)));
  }
  auto failures = sqs_batch(state_->client, SqsAction::kChangeMessageVisibilityBatch, state_->url,
                            std::move(entries));
  for (auto& one : failures) {
    if (is_void_receipt(one.failure)) one.failure.error.code = Errc::kNotFound;
  }
  return told(std::move(failures), changes.size());
}

// Holding on to the delivery first tells whether the receipt is void, and leaves time to delete.
Status SqsQueue::bury(const Receipt& receipt, const DeadLetter& letter) {
  if (const auto held = state_->change_one(receipt, kBuryTime); !held) {
    if (is_void_receipt(held.error())) return void_receipt(state_->name);
    return std::unexpected(held.error().error);
  }
  if (const auto sent = state_->send_dead(letter); !sent) return sent;
  const auto acked = ack(std::span(&receipt, 1));
  if (!acked) return std::unexpected(acked.error());
  if (!acked->empty()) return std::unexpected(acked->front().error);
  return {};
}

Result<std::vector<DeadLetter>> SqsQueue::dead_letters(std::size_t count_max) const {
  Status status;
  auto messages = state_->look_at_dead(status);
  state_->give_back(messages);
  if (!status) return std::unexpected(status.error());
  std::multimap<WallTime, SqsMessage*, std::greater<>> newest_first;
  for (auto& message : messages | std::views::reverse) {
    newest_first.emplace(message.sent_at, &message);
  }
  std::vector<DeadLetter> letters;
  for (const auto& [sent_at, message] : newest_first) {
    if (letters.size() == count_max) break;
    if (message->reason.empty()) message->reason = state_->reason_of_sqs();
    letters.push_back({sqs_decode_body(message->body), std::move(message->reason)});
  }
  return letters;
}

Result<QueueDepth> SqsQueue::depth() const {
  auto& state = *state_;
  const auto now = state.clock.mono();
  {
    const std::scoped_lock lock(state.mutex);
    if (state.depth && now - state.depth_at < state.options.depth_age_max) return *state.depth;
    if (!state.depth_backoff.may_call()) return std::unexpected(state.depth_error);
  }
  auto measured = state.measure();
  const std::scoped_lock lock(state.mutex);
  state.depth_backoff.note(measured.has_value());
  if (!measured) state.depth_error = measured.error();
  if (!measured) return measured;
  state.depth = *measured;
  state.depth_at = now;
  return measured;
}

Status SqsQueue::purge() {
  if (const auto purged = sqs_purge(state_->client, state_->url); !purged) {
    return std::unexpected(purged.error().error);
  }
  return {};
}

}  // namespace ia
