#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "adapters/postgres.h"

namespace ia::postgres {

// Of the processes that share a database, the one that looks at alerts and sends them: whoever
// holds advisory lock 7, on a connection of its own. The server gives the lock to the next one when
// that connection closes, or was silent for a minute: a machine that lost its power, a process that
// stands still. Such a one may still believe that it is its turn, so turns have numbers, and what
// it would write is refused by its number: ia.alert_revision.turn.
//
// Threads: take from one at a time, number from any.
class Turn {
 public:
  explicit Turn(std::string dsn) : dsn_(std::move(dsn)) {}

  // Asks for the turn, or whether it is still ours: call it more often than once a minute. Nothing:
  // somebody else's. After an Error it is not ours.
  Result<std::optional<std::uint64_t>> take();
  // What take gave last; 0: nothing. At once.
  std::uint64_t number() const { return number_; }

 private:
  Result<std::uint64_t> ask();

  const std::string dsn_;
  std::optional<Connection> connection_;
  std::atomic<std::uint64_t> number_ = 0;
};

}  // namespace ia::postgres
