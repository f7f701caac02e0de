#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "api/problem.h"
#include "base/clock.h"
#include "ports/store.h"

namespace ia {

// What takes longer to make than a server thread may be held: one thread of the lowest priority
// makes one after the other, and what it made is kept for those who come back for it. Until then
// they get 503 with Retry-After: this is the one place that decides so.

// The thread. Its destructor abandons what is being made.
class LaterThread {
 public:
  // Works that wait; further ones are refused.
  static constexpr std::size_t kWaitingMax = 16;
  using Work = std::function<void(const GoOn& go_on)>;

  LaterThread();
  ~LaterThread();
  LaterThread(const LaterThread&) = delete;
  LaterThread& operator=(const LaterThread&) = delete;

  enum class Asked : std::uint8_t { kBegins, kWaits, kRefused };
  // kBegins: it is the next one. Any thread.
  Asked ask(Work work);

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  bool working_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

Problem being_made();
Problem too_many_being_made();

// Values by key; those that nobody asked for longest go first when all together are over
// `bytes_max`. A Value says how many `bytes()` it is. Safe from any thread.
template <class Key, class Value>
class Later {
 public:
  using Make = std::function<Result<Value>(const GoOn& go_on)>;
  // Whoever does not come back for so long does not want it any more.
  static constexpr std::chrono::seconds kWantedFor{15};
  // What is made within this is answered at once, unless something else is being made.
  static constexpr std::chrono::milliseconds kWait{30};
  static constexpr std::chrono::seconds kFailureKeptFor{2};
  static constexpr std::size_t kKeptMax = 256;

  Later(LaterThread& thread, const Clock& clock, std::size_t bytes_max)
      : thread_(thread), clock_(clock), bytes_max_(bytes_max) {}

  // The value when it was made within `good_for`; else it is made by `make`, on the thread, which
  // must outlive this. What `make` says is wrong is passed on once it is known.
  std::expected<std::shared_ptr<const Value>, Problem> get(const Key& key,
                                                           std::chrono::seconds good_for,
                                                           const Make& make);

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const Value> value;
    std::optional<Error> error;
    MonoTime made_at{};
    MonoTime asked_at{};
    bool is_pending = false;

    bool is_good(MonoTime now, std::chrono::seconds good_for) const {
      return (value && now - made_at <= good_for) || (error && now - made_at <= kFailureKeptFor);
    }
  };
  // Shared with the work, which may end after this.
  struct Shelf {
    std::mutex mutex;
    std::condition_variable made;
    std::list<Entry> entries;  // the one asked for last in front

    std::list<Entry>::iterator look_for(const Key& key);
    Entry& ask_for(const Key& key, MonoTime now);
    bool is_wanted(const Key& key, MonoTime now);
    void put(const Key& key, Result<Value> result, MonoTime now);
    void drop_over(std::size_t bytes_max);
  };
  LaterThread::Asked begin(const Key& key, const Make& make);

  LaterThread& thread_;
  const Clock& clock_;
  const std::size_t bytes_max_;
  const std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

template <class Key, class Value>
std::expected<std::shared_ptr<const Value>, Problem> Later<Key, Value>::get(
    const Key& key, std::chrono::seconds good_for, const Make& make) {
  std::unique_lock lock(shelf_->mutex);
  auto& entry = shelf_->ask_for(key, clock_.mono());
  shelf_->drop_over(bytes_max_);
  if (!entry.is_pending && !entry.is_good(clock_.mono(), good_for)) {
    const auto asked = begin(key, make);
    if (asked == LaterThread::Asked::kRefused) return std::unexpected(too_many_being_made());
    entry.is_pending = true;  // so nobody drops it
    entry.value.reset();
    entry.error.reset();
    if (asked == LaterThread::Asked::kBegins) shelf_->made.wait_for(lock, kWait);
  }
  const auto made = shelf_->look_for(key);
  if (made == shelf_->entries.end() || made->is_pending) return std::unexpected(being_made());
  if (made->error) return std::unexpected(problem_of(*made->error));
  return made->value;
}

// With the lock held: the work cannot end before its entry says that it is pending.
template <class Key, class Value>
LaterThread::Asked Later<Key, Value>::begin(const Key& key, const Make& make) {
  return thread_.ask([shelf = shelf_, key, make, &clock = clock_](const GoOn& go_on) {
    auto result = make([&] { return go_on() && shelf->is_wanted(key, clock.mono()); });
    shelf->put(key, std::move(result), clock.mono());
  });
}

template <class Key, class Value>
typename std::list<typename Later<Key, Value>::Entry>::iterator Later<Key, Value>::Shelf::look_for(
    const Key& key) {
  return std::ranges::find(entries, key, &Entry::key);
}

template <class Key, class Value>
typename Later<Key, Value>::Entry& Later<Key, Value>::Shelf::ask_for(const Key& key, MonoTime now) {
  const auto found = look_for(key);
  if (found == entries.end()) {
    entries.push_front({.key = key, .value = {}, .error = {}});
  } else {
    entries.splice(entries.begin(), entries, found);
  }
  entries.front().asked_at = now;
  return entries.front();
}

template <class Key, class Value>
bool Later<Key, Value>::Shelf::is_wanted(const Key& key, MonoTime now) {
  const std::scoped_lock lock(mutex);
  return now - look_for(key)->asked_at <= kWantedFor;
}

template <class Key, class Value>
void Later<Key, Value>::Shelf::put(const Key& key, Result<Value> result, MonoTime now) {
  {
    const std::scoped_lock lock(mutex);
    const auto entry = look_for(key);
    entry->is_pending = false;
    entry->made_at = now;
    if (result) {
      entry->value = std::make_shared<const Value>(std::move(*result));
    } else if (result.error().code == Errc::kCancelled) {
      entries.erase(entry);
    } else {
      entry->error = result.error();
    }
  }
  made.notify_all();
}

template <class Key, class Value>
void Later<Key, Value>::Shelf::drop_over(std::size_t bytes_max) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (auto at = entries.begin(); at != entries.end(); ++count) {
    bytes += at->value ? at->value->bytes() : 0;
    const bool fits = count < kKeptMax && bytes <= bytes_max;
    at = count == 0 || at->is_pending || fits ? std::next(at) : entries.erase(at);
  }
}

}  // namespace ia
