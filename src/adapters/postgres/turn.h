#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "adapters/postgres/connection.h"

namespace ia::postgres {

// What one process at a time does, of those that share a database; the numbers are those of their
// advisory locks and rows in ia.turns.
enum class Work : std::uint8_t { kAlerts = 7, kChecks = 8 };

// Whose turn it is: whoever holds the work's advisory lock, on a connection of its own. The server
// gives the lock to the next one when that connection closes, or was silent for a minute: a machine
// that lost its power, a process that stands still. Such a one may still believe that it is its
// turn, so turns have numbers, by which what it would write can be refused.
//
// Threads: take from one at a time, number from any.
class Turn {
 public:
  Turn(std::string dsn, Work work) : dsn_(std::move(dsn)), work_(work) {}

  // Asks for the turn, or whether it is still ours: call it more often than once a minute. Nothing:
  // somebody else's. After an Error it is not ours.
  Result<std::optional<std::uint64_t>> take();
  // What take gave last; 0: nothing. At once.
  std::uint64_t number() const { return number_; }

 private:
  Result<std::uint64_t> ask();

  const std::string dsn_;
  const Work work_;
  std::optional<Connection> connection_;
  std::atomic<std::uint64_t> number_ = 0;
};

}  // namespace ia::postgres
