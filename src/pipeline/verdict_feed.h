#pragma once

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/verdict_book.h"
#include "ports/verdict_store.h"

namespace ia {

// Keeps a book of the verdicts that a store holds, also of those that other processes put there.
class VerdictFeed {
 public:
  VerdictFeed(const VerdictStore& store, const Clock& clock, Log& log)
      : store_(store), state_(log, "verdicts", clock), backoff_(clock, kFeedBackoff) {}

  // Reads what is new; at the start that is everything. Call it about once per second. On an Error
  // the book stays as it is; call it again after `rest`.
  Status step();
  std::chrono::milliseconds rest() const { return backoff_.rest(); }
  const VerdictBook& book() const { return book_; }

 private:
  static constexpr BackoffOptions kFeedBackoff{.min = std::chrono::seconds{1}};

  const VerdictStore& store_;
  StateLog state_;
  Backoff backoff_;
  VerdictBook book_;
  VerdictCursor cursor_;
};

}  // namespace ia
