#pragma once

#include "base/log.h"
#include "core/verdict_book.h"
#include "ports/verdict_store.h"

namespace ia {

// Keeps a book of the verdicts that a store holds, also of those that other processes put there.
class VerdictFeed {
 public:
  VerdictFeed(const VerdictStore& store, Log& log) : store_(store), state_(log, "verdicts") {}

  // Reads what is new; at the start that is everything. Call it about once a second. On an Error
  // the book stays as it is; call it again.
  Status step();
  const VerdictBook& book() const { return book_; }

 private:
  const VerdictStore& store_;
  StateLog state_;
  VerdictBook book_;
  VerdictCursor cursor_;
};

}  // namespace ia
