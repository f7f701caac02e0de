#include "adapters/sqs/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "adapters/sqs/calls.h"
#include "adapters/sqs/queue.h"
#include "base/json_object.h"

namespace ia {
namespace {

using std::chrono::seconds;

constexpr seconds kDeadRetention{std::chrono::days{14}};
constexpr seconds kRetentionMin{60};
constexpr std::uint32_t kReceivesMax = 1'000;
constexpr seconds kMoveTime{60};
constexpr seconds kCreationTime{1};  // until a new queue can be used

std::uint64_t number(const SqsAttributes& attributes, const std::string& key) {
  const auto found = attributes.find(key);
  std::uint64_t value = 0;
  if (found != attributes.end()) {
    const auto& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  return value;
}

seconds seconds_of(const SqsAttributes& attributes, const std::string& key) {
  return seconds{static_cast<std::int64_t>(number(attributes, key))};
}

Status check(const SqsQueuePlan& plan) {
  if (plan.receives_max > kReceivesMax) {
    return fail(Errc::kInvalid, fmt::format("queue {}: {} receives at most: SQS knows 1 to {}",
                                            plan.name, plan.receives_max, kReceivesMax));
  }
  if (plan.retention < kRetentionMin || plan.retention > kDeadRetention) {
    return fail(Errc::kInvalid,
                fmt::format("queue {}: a retention of {} s: SQS knows 60 s to 14 days", plan.name,
                            plan.retention.count()));
  }
  if (plan.visibility < seconds{0} || plan.visibility > kSqsVisibilityMax) {
    return fail(Errc::kInvalid, fmt::format("queue {}: a visibility of {} s: SQS knows 0 s to 12 h",
                                            plan.name, plan.visibility.count()));
  }
  return {};
}

JsonObject timing(seconds visibility, seconds retention) {
  JsonObject attributes;
  attributes.text("VisibilityTimeout", std::to_string(visibility.count()))
      .text("MessageRetentionPeriod", std::to_string(retention.count()));
  return attributes;
}

// SQS moves one task at a time.
bool is_being_moved(const SqsFailure& failure) {
  return failure.error.message.find("already a task running") != std::string::npos;
}

}  // namespace

Result<SqsQueuePair> SqsAdmin::create(const SqsQueuePlan& plan) {
  if (const auto checked = check(plan); !checked) return std::unexpected(checked.error());
  auto dead = ensure(sqs_dead_letter_queue_name(prefix_, plan.name),
                     timing(plan.visibility, kDeadRetention).str());
  if (!dead) return std::unexpected(dead.error());

  const auto name = sqs_queue_name(prefix_, plan.name);
  const auto before = info(name);
  if (!before) return std::unexpected(before.error());
  auto attributes = timing(plan.visibility, plan.retention);
  if (plan.receives_max > 0) {
    attributes.text("RedrivePolicy", JsonObject()
                                         .text("deadLetterTargetArn", dead->arn)
                                         .number("maxReceiveCount", plan.receives_max)
                                         .str());
  } else if (before->receives_max > 0) {
    attributes.text("RedrivePolicy", "");
  }
  auto queue = ensure(name, attributes.str());
  if (!queue) return std::unexpected(queue.error());
  return SqsQueuePair{std::move(*queue), std::move(*dead)};
}

Result<SqsQueueInfo> SqsAdmin::ensure(const std::string& name, const std::string& attributes) {
  auto url = sqs_queue_url(client_, name);
  if (url) {
    const auto set = client_.call(
        {.action = SqsAction::kSetQueueAttributes,
         .body = JsonObject().text("QueueUrl", *url).json("Attributes", attributes).str()});
    if (!set) return fail("queue " + name, set.error().error);
  } else if (url.error().error.code == Errc::kNotFound) {
    url = sqs_create_queue(client_, name, attributes);
    if (!url) return std::unexpected(url.error().error);
    client_.wait(kCreationTime);
  } else {
    return std::unexpected(url.error().error);
  }
  return info_at(name, *url);
}

Result<SqsQueueInfo> SqsAdmin::info(const std::string& name) {
  const auto url = sqs_queue_url(client_, name);
  if (url) return info_at(name, *url);
  if (url.error().error.code != Errc::kNotFound) return std::unexpected(url.error().error);
  SqsQueueInfo info;
  info.name = name;
  return info;
}

Result<SqsQueueInfo> SqsAdmin::info_at(const std::string& name, const std::string& url) {
  constexpr std::string_view kNames[] = {"All"};
  const auto attributes = sqs_attributes(client_, url, kNames);
  if (!attributes) return fail("queue " + name, attributes.error().error);
  SqsQueueInfo info;
  info.name = name;
  info.exists = true;
  info.url = url;
  if (const auto arn = attributes->find("QueueArn"); arn != attributes->end()) {
    info.arn = arn->second;
  }
  info.visible = number(*attributes, "ApproximateNumberOfMessages");
  info.in_flight = number(*attributes, "ApproximateNumberOfMessagesNotVisible");
  info.delayed = number(*attributes, "ApproximateNumberOfMessagesDelayed");
  info.visibility = seconds_of(*attributes, "VisibilityTimeout");
  info.retention = seconds_of(*attributes, "MessageRetentionPeriod");
  info.receives_max = sqs_policy_receives_max(*attributes);
  return info;
}

Result<SqsQueuePair> SqsAdmin::show(const std::string& name) {
  auto queue = info(sqs_queue_name(prefix_, name));
  if (!queue) return std::unexpected(queue.error());
  auto dead = info(sqs_dead_letter_queue_name(prefix_, name));
  if (!dead) return std::unexpected(dead.error());
  return SqsQueuePair{std::move(*queue), std::move(*dead)};
}

Status SqsAdmin::purge(const std::string& name) {
  const auto url = sqs_queue_url(client_, sqs_queue_name(prefix_, name));
  if (!url) return std::unexpected(url.error().error);
  if (const auto purged = sqs_purge(client_, *url); !purged) {
    return std::unexpected(purged.error().error);
  }
  return {};
}

Status SqsAdmin::remove(const std::string& name) {
  for (const auto& one :
       {sqs_queue_name(prefix_, name), sqs_dead_letter_queue_name(prefix_, name)}) {
    const auto found = info(one);
    if (!found) return std::unexpected(found.error());
    if (!found->exists) continue;
    const auto removed = client_.call({.action = SqsAction::kDeleteQueue,
                                       .body = JsonObject().text("QueueUrl", found->url).str()});
    if (!removed) return fail("queue " + one, removed.error().error);
  }
  return {};
}

Result<SqsRedriven> SqsAdmin::redrive(const std::string& name) {
  const auto pair = show(name);
  if (!pair) return std::unexpected(pair.error());
  for (const auto* one : {&pair->queue, &pair->dead_letters}) {
    if (one->exists) continue;
    return fail(Errc::kNotFound, fmt::format("queue {} does not exist; create it with: "
                                             "influencer-analytics queues create",
                                             one->name));
  }
  const auto started = client_.call({.action = SqsAction::kStartMessageMoveTask,
                                     .body = JsonObject()
                                                 .text("SourceArn", pair->dead_letters.arn)
                                                 .text("DestinationArn", pair->queue.arn)
                                                 .str()});
  if (started || is_being_moved(started.error())) {
    return SqsRedriven{true, pair->dead_letters.visible};
  }
  // Servers that do not know the action say so in ways of their own: 400, 404, 500, 501. What keeps
  // the messages from being moved one by one shows when that is tried.
  const auto moved = move_by_hand(pair->dead_letters, pair->queue);
  if (!moved) return std::unexpected(moved.error());
  return SqsRedriven{false, *moved};
}

// No more than there were: what is buried again meanwhile stays.
Result<std::uint64_t> SqsAdmin::move_by_hand(const SqsQueueInfo& from, const SqsQueueInfo& to) {
  std::uint64_t moved = 0;
  while (moved < from.visible) {
    auto messages = sqs_messages(
        client_.call(sqs_receive_request(from.url, {.visibility = kMoveTime, .wait = seconds{1}})));
    if (!messages) return std::unexpected(messages.error().error);
    if (messages->empty()) break;
    std::erase_if(*messages, [](const auto& message) { return message.is_damaged; });
    std::vector<SqsEntry> sends;
    for (const auto& message : *messages) {
      sends.push_back(sqs_send_entry(sends.size(), message.body));
    }
    const auto unsent = sqs_batch(client_, SqsAction::kSendMessageBatch, to.url, std::move(sends));
    std::vector<SqsEntry> deletions;
    for (std::size_t i = 0; i < messages->size(); ++i) {
      const bool was_sent = std::ranges::find(unsent, i, &SqsEntryFailure::index) == unsent.end();
      if (was_sent) deletions.push_back(sqs_delete_entry(i, (*messages)[i].receipt));
    }
    moved += deletions.size();
    const auto kept =
        sqs_batch(client_, SqsAction::kDeleteMessageBatch, from.url, std::move(deletions));
    for (const auto* failures : {&unsent, &kept}) {
      if (failures->empty()) continue;
      return fail(fmt::format("queue {}: {} moved, then", from.name, moved),
                  failures->front().failure.error);
    }
  }
  return moved;
}

}  // namespace ia
