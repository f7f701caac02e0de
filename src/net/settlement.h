#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "net/failure_examples.h"
#include "net/freeze_watch.h"
#include "net/governor.h"
#include "net/http_date.h"
#include "net/http_dialect.h"
#include "net/order_book.h"

namespace ia {

// Requests under way together on one connection, in the order of their replies.
struct Batch {
  std::vector<OrderBook::Item> items;
  std::size_t answered = 0;  // of them
  MonoTime sent_at{};
  std::uint64_t crossings = 0;  // of the freeze watch, when they were sent

  bool is_settled() const { return answered == items.size(); }
};

// What comes of the requests of a lane: has the dialect judge each reply, ends or repeats its
// influencer in the order book, and tells the governor. One thread, but for network_time and
// examples.
class Settlement {
 public:
  struct Parts {
    std::string authority;            // the network's, for people
    std::chrono::milliseconds pause;  // after a 429 that does not say how long
    HttpDialect& dialect;
    Governor& governor;
    OrderBook& book;
    const FreezeWatch& watch;
    const Clock& clock;
    Log& log;
  };
  // How a connection ended under its batch.
  struct Loss {
    MissReason reason;
    bool is_unseen = false;       // before the server read what it has not answered
    bool ends_pipelining = true;  // where more than one request was open
    std::string_view received{};  // of the reply that did not come whole
    std::string_view cause{};
  };

  explicit Settlement(Parts parts);

  // The reply to the first of the batch that has none. Returns false if it was for another
  // influencer: then the connection is not to be used any more.
  bool settle(Batch& batch, const HttpReply& reply);
  // No more replies will come.
  void lose(Batch& batch, const Loss& loss);
  // No connection came about, for the trouble that was told last: no attempts are used up, as the
  // breaker and the ends of the orders bound it.
  void repeat_unsent(const Batch& batch, MissReason reason);

  void set_trouble(std::string trouble) { trouble_ = std::move(trouble); }
  // The last one, for people; empty since the last value.
  const std::string& trouble() const { return trouble_; }
  std::uint64_t retried() const { return retried_; }
  std::optional<NetworkTime> network_time() const { return network_clock_.time(); }
  std::vector<FailureExample> examples() const { return examples_.newest(); }

 private:
  void fail(OrderBook::Item item, MissReason reason);
  void wait_as_told(const HttpReply& reply, MonoTime now, std::chrono::nanoseconds time);
  void note(const OrderBook::Item& item, const HttpReply& reply, MissReason reason);
  const FailureExample* note(const FailureExamples::Failure& failure);
  void note(const OrderBook::Item& item, const Loss& loss);
  void note_wrong_id(const OrderBook::Item& item);

  Parts parts_;
  StateLog wrong_id_state_;
  NetworkClock network_clock_;
  FailureExamples examples_;
  std::string trouble_;
  std::uint64_t retried_ = 0;
};

}  // namespace ia
