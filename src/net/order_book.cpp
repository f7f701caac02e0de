#include "net/order_book.h"

#include <algorithm>
#include <utility>

namespace ia {
namespace {

struct LaterDue {
  bool operator()(const OrderBook::Item& a, const OrderBook::Item& b) const {
    return a.due > b.due;
  }
};

}  // namespace

OrderBook::Order& OrderBook::enter(FetchOrder order, WallTime wall, MonoTime mono) {
  auto& kept = orders_.emplace_back();
  kept.self = std::prev(orders_.end());
  kept.began = mono;
  kept.finish_before = mono + (order.finish_before - wall);
  kept.start_before = std::min(mono + (order.start_before - wall), kept.finish_before);
  kept.open = order.influencers.size();
  kept.result.ticket = order.ticket;
  kept.result.values.reserve(kept.open);
  kept.order = std::move(order);
  return kept;
}

void OrderBook::begin(FetchOrder order, WallTime wall, MonoTime mono) {
  auto& kept = enter(std::move(order), wall, mono);
  if (kept.open == 0) return finish(kept);
  unsent_.push_back(&kept);
}

void OrderBook::begin_aside(FetchOrder order, WallTime wall, MonoTime mono,
                            OnFinished on_finished) {
  auto& kept = enter(std::move(order), wall, mono);
  kept.on_finished = std::move(on_finished);
  if (kept.open == 0) return finish(kept);
  unsent_.push_front(&kept);
}

bool OrderBook::has_work(MonoTime now) const {
  return !unsent_.empty() || (!repeats_.empty() && repeats_.front().due <= now);
}

bool OrderBook::pop(MonoTime now, Item& item) {
  while (has_work(now)) {
    const bool repeats = !repeats_.empty() && repeats_.front().due <= now;
    if (!repeats && now >= unsent_.front()->start_before) {
      expire(now);
      continue;
    }
    if (repeats) {
      std::pop_heap(repeats_.begin(), repeats_.end(), LaterDue{});
      item = repeats_.back();
      repeats_.pop_back();
    } else {
      auto* order = unsent_.front();
      item = {.order = order, .influencer = order->order.influencers[order->next++]};
      --waiting_;
      if (order->next == order->order.influencers.size()) unsent_.pop_front();
    }
    if (now < item.order->start_before) return true;
    end(item, item.reason);
  }
  return false;
}

void OrderBook::end(const Item& item, MissReason reason, bool in_words) {
  if (item.order->cancelled && reason == MissReason::kTimeout) reason = MissReason::kOverrun;
  item.order->result.misses.push_back({item.influencer, reason});
  if (in_words) item.order->result.denied.push_back(item.influencer);
  ended_one(*item.order);
}

void OrderBook::end(const Item& item, const FetchedValue& value, std::string_view username) {
  auto& result = item.order->result;
  result.values.push_back(value);
  if (!username.empty() && !item.order->on_finished && names_.changes(item.influencer, username)) {
    result.usernames.push_back({item.influencer, std::string(username)});
  }
  ended_one(*item.order);
}

void OrderBook::ended_one(Order& order) {
  if (--order.open == 0) finish(order);
}

void OrderBook::finish(Order& order) {
  auto& result = order.result;
  std::ranges::sort(result.values, {}, &FetchedValue::influencer);
  std::ranges::sort(result.misses, {}, &Miss::influencer);
  std::ranges::sort(result.usernames, {}, &Username::influencer);
  std::ranges::sort(result.denied);
  if (order.on_finished) {
    order.on_finished(std::move(result));
  } else {
    const std::scoped_lock lock(mutex_);
    finished_.push_back(std::move(result));
    finished_changed_.notify_one();
  }
  orders_.erase(order.self);
}

void OrderBook::repeat(Item item, MonoTime due) {
  if (due >= item.order->start_before) return end(item, item.reason);
  item.due = due;
  repeats_.push_back(item);
  std::push_heap(repeats_.begin(), repeats_.end(), LaterDue{});
}

void OrderBook::expire(MonoTime now) { end_late(now, holdup_); }

void OrderBook::take_unsent(Order& order, MissReason why, std::vector<Item>& over) {
  const auto& influencers = order.order.influencers;
  waiting_ -= influencers.size() - order.next;
  for (; order.next < influencers.size(); ++order.next) {
    over.push_back({.order = &order, .influencer = influencers[order.next], .reason = why});
  }
}

void OrderBook::end_late(MonoTime now, const Holdup& why) {
  std::vector<Item> over;
  std::erase_if(unsent_, [&](Order* order) {
    if (now < order->start_before) return false;
    take_unsent(*order, why(order->began, now), over);
    return true;
  });
  const auto erased = std::erase_if(repeats_, [&](const Item& item) {
    if (now < item.order->start_before) return false;
    over.push_back(item);
    return true;
  });
  if (erased > 0) std::make_heap(repeats_.begin(), repeats_.end(), LaterDue{});
  for (const auto& item : over) end(item, item.reason);
}

void OrderBook::cancel(MonoTime now, MonoTime finish_before) {
  for (auto& order : orders_) {
    order.cancelled = true;
    order.start_before = now;
    order.finish_before = std::min(order.finish_before, finish_before);
  }
  for (auto& item : repeats_) item.reason = MissReason::kOverrun;
  end_late(now, [](MonoTime, MonoTime) { return MissReason::kOverrun; });
}

std::vector<FinishedFetch> OrderBook::take(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  finished_changed_.wait_for(lock, wait, [this] { return !finished_.empty(); });
  return std::exchange(finished_, {});
}

}  // namespace ia
