#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

namespace ia {

// Items of clients, taken in turns: one of each client that has any, then the next one of each.
// The items of one client keep their order. push and pop cost O(1), pop with a condition O(clients
// that are passed over). A client is a number, such as IpAddress::limit_key(). One thread.
template <class Item>
class FairQueue {
 public:
  void push(std::uint64_t client, Item item) {
    const auto [found, is_new] = by_client_.try_emplace(client);
    if (is_new) found->second = lines_.insert(lines_.end(), Line{.client = client, .items = {}});
    found->second->items.push_back(std::move(item));
    ++size_;
  }

  // The first item of the client whose turn it is, or nullopt.
  std::optional<Item> pop() {
    return pop([](std::uint64_t) { return true; });
  }
  // Passes over clients of which `may(client)` is false; they keep their turn.
  template <class May>
  std::optional<Item> pop(May may) {
    for (auto line = lines_.begin(); line != lines_.end(); ++line) {
      if (may(line->client)) return take(line);
    }
    return std::nullopt;
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t size_of(std::uint64_t client) const {
    const auto found = by_client_.find(client);
    return found == by_client_.end() ? 0 : found->second->items.size();
  }

 private:
  struct Line {
    std::uint64_t client;
    std::list<Item> items;
  };
  using Lines = std::list<Line>;

  Item take(typename Lines::iterator line) {
    auto item = std::move(line->items.front());
    line->items.pop_front();
    --size_;
    if (line->items.empty()) {
      by_client_.erase(line->client);
      lines_.erase(line);
    } else {
      lines_.splice(lines_.end(), lines_, line);
    }
    return item;
  }

  Lines lines_;  // the client whose turn it is comes first
  std::unordered_map<std::uint64_t, typename Lines::iterator> by_client_;
  std::size_t size_ = 0;
};

}  // namespace ia
