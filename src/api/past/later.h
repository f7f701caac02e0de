#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "http/fair_queue.h"
#include "http/problem.h"
#include "ports/store.h"

namespace ia {

// What takes longer to make than a server thread may be held: one thread of the lowest priority
// makes it, step by step, and what it made is kept for those who come back for it. That is the
// router: on that thread it asks the route again, for the client that waits (Router::answer).

// The thread. The clients whose works wait take turns, a step each. Its destructor stops it.
class LaterThread {
 public:
  // Works that wait, of all clients and of one; further ones are refused.
  static constexpr std::size_t kWaitingMax = 16;
  static constexpr std::size_t kWaitingOfClient = 4;
  static constexpr std::chrono::seconds kAskAgainEvery{1};
  // Does a step; true while there is another one to do.
  using Work = std::function<bool(const GoOn& go_on)>;
  enum class Begun : std::uint8_t { kYes, kTooManyOfClient, kTooMany };
  // Asks again for what is being made; true when nobody needs to any more.
  using AskAgain = std::function<bool()>;

  explicit LaterThread(const Clock& clock);
  ~LaterThread();
  LaterThread(const LaterThread&) = delete;
  LaterThread& operator=(const LaterThread&) = delete;

  // `client`: IpAddress::limit_key(). Any thread.
  Begun begin(std::uint64_t client, Work work);
  // Called on the thread: soon, whenever a work has ended, and every second meanwhile, until it
  // gives true. It must not take long. Any thread.
  void when_made(AskAgain ask_again);
  // Abandons what is being made, and forgets what was to come. Repeating it does nothing.
  void stop();

 private:
  void loop();
  bool work_on(const Work& work);
  void ask_again();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  FairQueue<Work> waiting_;
  std::vector<AskAgain> new_asking_;
  bool stopping_ = false;
  std::vector<AskAgain> asking_;  // of the thread alone
  MonoTime asked_at_{};
  std::thread thread_;
};

// What `get` says while it is made. The router knows it by its kind.
inline constexpr std::string_view kBeingMade = "being-made";
Problem being_made();
// What a client hears whose work was not begun.
Problem refused(LaterThread::Begun begun);

// What `make` throws, as on the server's threads, is the end of this answer alone.
template <class Value, class Make>
Result<Value> made_safely(const Make& make, const GoOn& go_on) {
  try {
    return make(go_on);
  } catch (const std::exception& thrown) {
    return fail(Errc::kUnavailable, std::string("the past was not read: ") + thrown.what());
  }
}

// Whoever does not come back for so long does not want it any more. The router comes back every
// second for a client that waits.
inline constexpr std::chrono::seconds kWantedAfter{3};

// Values by key; those that nobody asked for longest go first when all together are over
// `bytes_max`. A Value says how many `bytes()` it is. Safe from any thread.
template <class Key, class Value>
class Later {
 public:
  using Make = std::function<Result<Value>(const GoOn& go_on)>;
  static constexpr std::chrono::seconds kWantedFor = kWantedAfter;
  static constexpr std::chrono::seconds kFailureKeptFor{2};
  static constexpr std::size_t kKeptMax = 256;

  Later(LaterThread& thread, const Clock& clock, std::size_t bytes_max)
      : thread_(thread), clock_(clock), bytes_max_(bytes_max) {}

  // The value when it was made within `good_for`; else it is made by `make`, on the thread, which
  // must outlive this, and the problem is being_made(). What `make` says is wrong is passed on once
  // it is known. `client` is whose turn it takes.
  std::expected<std::shared_ptr<const Value>, Problem> get(const Key& key, std::uint64_t client,
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
    std::list<Entry> entries;  // the one asked for last in front

    std::list<Entry>::iterator look_for(const Key& key);
    Entry& ask_for(const Key& key, MonoTime now);
    bool is_wanted(const Key& key, MonoTime now);
    void put(const Key& key, Result<Value> result, MonoTime now);
    void drop_over(std::size_t bytes_max);
  };
  LaterThread::Begun begin(const Key& key, std::uint64_t client, const Make& make);

  LaterThread& thread_;
  const Clock& clock_;
  const std::size_t bytes_max_;
  const std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

template <class Key, class Value>
std::expected<std::shared_ptr<const Value>, Problem> Later<Key, Value>::get(
    const Key& key, std::uint64_t client, std::chrono::seconds good_for, const Make& make) {
  const std::scoped_lock lock(shelf_->mutex);
  auto& entry = shelf_->ask_for(key, clock_.mono());
  shelf_->drop_over(bytes_max_);
  if (!entry.is_pending && !entry.is_good(clock_.mono(), good_for)) {
    const auto begun = begin(key, client, make);
    if (begun != LaterThread::Begun::kYes) return std::unexpected(refused(begun));
    entry.is_pending = true;
    entry.value.reset();
    entry.error.reset();
  }
  if (entry.is_pending) return std::unexpected(being_made());
  if (entry.error) return std::unexpected(problem_of(*entry.error));
  return entry.value;
}

// With the lock held: the work cannot end before its entry says that it is pending.
template <class Key, class Value>
LaterThread::Begun Later<Key, Value>::begin(const Key& key, std::uint64_t client,
                                            const Make& make) {
  return thread_.begin(client, [shelf = shelf_, key, make, &clock = clock_](const GoOn& go_on) {
    const auto is_wanted = [&] { return go_on() && shelf->is_wanted(key, clock.mono()); };
    shelf->put(key, made_safely<Value>(make, GoOn(is_wanted, true)), clock.mono());
    return false;
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
