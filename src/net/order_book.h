#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "net/name_hashes.h"
#include "ports/provider.h"

namespace ia {

// The orders of a lane: who is to be asked for, who again and when, and what came of it. Every
// influencer of an order ends exactly once; a finished order goes to the inbox as a whole.
// One thread, except for take, waiting and announce.
class OrderBook {
 public:
  using OnFinished = std::move_only_function<void(FinishedFetch)>;
  // Why an influencer due from `since` on has not been requested by `now`.
  using Holdup = std::function<MissReason(MonoTime since, MonoTime now)>;
  struct Order {
    FetchOrder order;
    MonoTime began;
    MonoTime start_before;
    MonoTime finish_before;
    std::size_t next = 0;  // first influencer not asked for yet
    std::size_t open = 0;  // influencers without an end yet
    bool cancelled = false;
    FinishedFetch result;
    OnFinished on_finished;  // empty: to the inbox
    std::list<Order>::iterator self;
  };
  struct Item {
    Order* order = nullptr;
    InfluencerId influencer{};
    std::uint32_t attempts = 0;  // that failed
    std::uint32_t resends = 0;   // on another connection, without having failed
    MissReason reason = MissReason::kOverrun;
    MonoTime due{};  // of a repetition
  };

  // `deadline`, or the end of the first order in the batch that ends before it.
  static MonoTime first_end(const std::vector<Item>& batch, MonoTime Order::* end,
                            MonoTime deadline) {
    for (const auto& item : batch) deadline = std::min(deadline, item.order->*end);
    return deadline;
  }

  OrderBook() : OrderBook([](MonoTime, MonoTime) { return MissReason::kOverrun; }) {}
  explicit OrderBook(Holdup holdup) : holdup_(std::move(holdup)) {}

  // Counts an order that begin will get, so that waiting is right at once.
  void announce(std::size_t influencers) { waiting_ += influencers; }
  void begin(FetchOrder order, WallTime wall, MonoTime mono);
  // Its turn comes before all others', and it goes to `on_finished` instead of the inbox. Names
  // that it learns are not reported.
  void begin_aside(FetchOrder order, WallTime wall, MonoTime mono, OnFinished on_finished);

  bool empty() const { return orders_.empty(); }
  // Somebody can be asked for now.
  bool has_work(MonoTime now) const;
  // The next one: repetitions that are due first. False when there is none. Whoever may no more
  // be begun ends here.
  bool pop(MonoTime now, Item& item);

  // `in_words`: a not_found that the network said in its own words.
  void end(const Item& item, MissReason reason, bool in_words = false);
  void end(const Item& item, const FetchedValue& value, std::string_view username);
  // Asks again at `due`, or ends with the item's reason when that is too late.
  void repeat(Item item, MonoTime due);

  // Ends what can no longer be begun, with the holdup for those that were never requested.
  void expire(MonoTime now);
  // Lets nothing begin any more, and waits for replies until `finish_before` at most. Timeouts of
  // these orders are overruns from now on.
  void cancel(MonoTime now, MonoTime finish_before);

  // Influencers not asked for yet.
  std::uint64_t waiting() const { return waiting_; }
  std::vector<FinishedFetch> take(std::chrono::milliseconds wait);

 private:
  Order& enter(FetchOrder order, WallTime wall, MonoTime mono);
  void ended_one(Order& order);
  void take_unsent(Order& order, MissReason why, std::vector<Item>& over);
  void end_late(MonoTime now, const Holdup& why);
  void finish(Order& order);

  Holdup holdup_;
  std::list<Order> orders_;
  std::deque<Order*> unsent_;  // orders with influencers not asked for yet
  std::vector<Item> repeats_;  // a heap by due time
  NameHashes names_;
  std::atomic<std::uint64_t> waiting_ = 0;

  std::mutex mutex_;  // of the inbox
  std::condition_variable finished_changed_;
  std::vector<FinishedFetch> finished_;
};

}  // namespace ia
