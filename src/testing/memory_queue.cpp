#include "testing/memory_queue.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{5};

Receipt receipt_of(std::uint64_t id, std::uint32_t receive_count) {
  return std::to_string(id) + "." + std::to_string(receive_count);
}

std::unexpected<Error> lost_reply() {
  return fail(Errc::kUnavailable, "memory queue: the reply was lost");
}

}  // namespace

MemoryQueue::MemoryQueue(const Clock& clock, MemoryQueueOptions options)
    : clock_(clock), options_(options) {}

Result<std::vector<EntryError>> MemoryQueue::send(std::span<const OutgoingMessage> messages) {
  const std::scoped_lock lock(mutex_);
  const auto fate = next_fate();
  if (fate == Fate::kFails) return fail(fail_code_, "memory queue: told to fail");
  for (const auto& message : messages) {
    const auto delay = std::max(message.delay, milliseconds{0});
    messages_.emplace(next_id_++, Message{.body = message.body,
                                          .sent_at = clock_.wall(),
                                          .visible_at = clock_.mono() + delay});
  }
  changed_.notify_all();
  if (fate == Fate::kLosesReply) return lost_reply();
  return std::vector<EntryError>{};
}

Result<std::vector<Delivery>> MemoryQueue::receive(std::size_t count_max, milliseconds visibility,
                                                   milliseconds wait) {
  std::unique_lock lock(mutex_);
  const auto fate = next_fate();
  if (fate == Fate::kFails) return fail(fail_code_, "memory queue: told to fail");
  const auto deadline = clock_.mono() + wait;
  auto deliveries = take(count_max, visibility);
  while (options_.waits && deliveries.empty() && clock_.mono() < deadline) {
    changed_.wait_for(lock, kPollInterval);
    deliveries = take(count_max, visibility);
  }
  if (fate == Fate::kLosesReply) return lost_reply();
  return deliveries;
}

std::vector<Delivery> MemoryQueue::take(std::size_t count_max, milliseconds visibility) {
  std::vector<Delivery> deliveries;
  const auto now = clock_.mono();
  auto ids = visible_ids();
  if (faults_.shuffle) std::ranges::shuffle(ids, random_);
  for (const auto id : ids) {
    if (deliveries.size() == count_max) break;
    auto& message = messages_.at(id);
    if (message.receive_count > 0 && !message.is_excused) ++message.failures;
    if (options_.receives_max > 0 && message.failures >= options_.receives_max) {
      dead_.push_front({std::move(message.body),
                        "received " + std::to_string(message.failures) + " times, never acked"});
      messages_.erase(id);
      continue;
    }
    ++message.receive_count;
    message.is_excused = false;
    message.visible_at = should_duplicate() ? now : now + std::max(visibility, milliseconds{0});
    deliveries.push_back({.body = message.body,
                          .receipt = receipt_of(id, message.receive_count),
                          .receive_count = message.receive_count,
                          .sent_at = message.sent_at});
  }
  return deliveries;
}

// Those that waited longest come first, unless they are shuffled.
std::vector<std::uint64_t> MemoryQueue::visible_ids() const {
  std::vector<std::pair<MonoTime, std::uint64_t>> visible;
  for (const auto& [id, message] : messages_) {
    if (message.visible_at <= clock_.mono()) visible.emplace_back(message.visible_at, id);
  }
  std::ranges::sort(visible);
  std::vector<std::uint64_t> ids;
  for (const auto& [at, id] : visible) ids.push_back(id);
  return ids;
}

Result<std::vector<EntryError>> MemoryQueue::ack(std::span<const Receipt> receipts) {
  const std::scoped_lock lock(mutex_);
  const auto fate = next_fate();
  if (fate == Fate::kFails) return fail(fail_code_, "memory queue: told to fail");
  for (const auto& receipt : receipts) {
    if (const auto found = find(receipt); found != messages_.end()) messages_.erase(found);
  }
  if (fate == Fate::kLosesReply) return lost_reply();
  return std::vector<EntryError>{};
}

Result<std::vector<EntryError>> MemoryQueue::change_visibility(
    std::span<const VisibilityChange> changes) {
  const std::scoped_lock lock(mutex_);
  const auto fate = next_fate();
  if (fate == Fate::kFails) return fail(fail_code_, "memory queue: told to fail");
  std::vector<EntryError> errors;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto found = find(changes[i].receipt);
    if (found == messages_.end()) {
      errors.push_back({i, {Errc::kNotFound, "memory queue: the receipt is void"}});
      continue;
    }
    found->second.visible_at = clock_.mono() + std::max(changes[i].timeout, milliseconds{0});
    if (changes[i].excused) found->second.is_excused = true;
  }
  changed_.notify_all();
  if (fate == Fate::kLosesReply) return lost_reply();
  return errors;
}

Status MemoryQueue::bury(const Receipt& receipt, const DeadLetter& letter) {
  const std::scoped_lock lock(mutex_);
  const auto fate = next_fate();
  if (fate == Fate::kFails) return fail(fail_code_, "memory queue: told to fail");
  const auto found = find(receipt);
  if (found == messages_.end()) {
    return fail(Errc::kNotFound, "memory queue: the receipt is void");
  }
  dead_.push_front({std::move(found->second.body), letter.reason});
  messages_.erase(found);
  if (fate == Fate::kLosesReply) return lost_reply();
  return {};
}

Result<std::vector<DeadLetter>> MemoryQueue::dead_letters(std::size_t count_max) const {
  const std::scoped_lock lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(count_max, dead_.size()));
  return std::vector<DeadLetter>(dead_.begin(), dead_.begin() + count);
}

Result<QueueDepth> MemoryQueue::depth() const {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.mono();
  QueueDepth depth{.dead = dead_.size()};
  for (const auto& [id, message] : messages_) {
    if (message.visible_at <= now) {
      ++depth.visible;
      const auto age = std::chrono::floor<milliseconds>(now - message.visible_at);
      depth.oldest_age = std::max(depth.oldest_age, age);
    } else if (message.receive_count > 0) {
      ++depth.in_flight;
    } else {
      ++depth.delayed;
    }
  }
  return depth;
}

Status MemoryQueue::purge() {
  const std::scoped_lock lock(mutex_);
  const auto fate = next_fate();
  if (fate == Fate::kFails) return fail(fail_code_, "memory queue: told to fail");
  messages_.clear();
  if (fate == Fate::kLosesReply) return lost_reply();
  return {};
}

void MemoryQueue::fail_next(std::size_t count, Errc code) {
  const std::scoped_lock lock(mutex_);
  fail_next_ = count;
  fail_code_ = code;
}

void MemoryQueue::lose_reply_next(std::size_t count) {
  const std::scoped_lock lock(mutex_);
  lose_reply_next_ = count;
}

void MemoryQueue::duplicate_next(std::size_t count) {
  const std::scoped_lock lock(mutex_);
  duplicate_next_ = count;
}

void MemoryQueue::set_faults(const MemoryQueueFaults& faults) {
  const std::scoped_lock lock(mutex_);
  faults_ = faults;
  random_.seed(faults.seed);
}

std::vector<std::string> MemoryQueue::bodies() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> bodies;
  for (const auto& [id, message] : messages_) bodies.push_back(message.body);
  return bodies;
}

MemoryQueue::Fate MemoryQueue::next_fate() {
  if (fail_next_ > 0) {
    --fail_next_;
    return Fate::kFails;
  }
  if (lose_reply_next_ > 0) {
    --lose_reply_next_;
    return Fate::kLosesReply;
  }
  if (chance(faults_.fail)) {
    fail_code_ = Errc::kUnavailable;
    return Fate::kFails;
  }
  return chance(faults_.lose_reply) ? Fate::kLosesReply : Fate::kWorks;
}

bool MemoryQueue::should_duplicate() {
  if (duplicate_next_ == 0) return chance(faults_.duplicate);
  --duplicate_next_;
  return true;
}

bool MemoryQueue::chance(double probability) {
  return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
}

MemoryQueue::Messages::iterator MemoryQueue::find(const Receipt& receipt) {
  std::uint64_t id = 0;
  const auto* end = receipt.data() + receipt.size();
  const auto parsed = std::from_chars(receipt.data(), end, id);
  if (parsed.ec != std::errc{}) return messages_.end();
  const auto found = messages_.find(id);
  const bool valid =
      found != messages_.end() && receipt == receipt_of(id, found->second.receive_count);
  return valid ? found : messages_.end();
}

}  // namespace ia
