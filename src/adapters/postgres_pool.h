#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "adapters/postgres.h"

namespace ia::postgres {

// Connections for one use at a time, kept for the next. Safe from any thread.
class Pool {
 public:
  Pool(ConnectionOptions options, std::size_t connections_max);

  // Gives a connection to `work` and returns its result. Waits up to `wait` for one when all are
  // in use, then kOverloaded. A connection that is broken, or left in a transaction, is not kept.
  template <class Work>
  auto with(Work work) -> decltype(work(std::declval<Connection&>())) {
    auto lease = take(true);
    if (!lease) return std::unexpected(lease.error());
    auto result = work(*lease->connection);
    give_back(std::move(*lease));
    return result;
  }

  // The same for work without effects: repeated once on a fresh connection when one that was kept
  // turns out to be broken, as all are after a restart of the server.
  template <class Read>
  auto read(Read work) -> decltype(work(std::declval<Connection&>())) {
    auto lease = take(true);
    if (!lease) return std::unexpected(lease.error());
    auto result = work(*lease->connection);
    const bool again = !result && lease->was_kept && lease->connection->is_broken();
    give_back(std::move(*lease));
    if (!again) return result;
    auto fresh = take(false);
    if (!fresh) return std::unexpected(fresh.error());
    auto second = work(*fresh->connection);
    give_back(std::move(*fresh));
    return second;
  }

 private:
  struct Lease {
    std::optional<Connection> connection;
    bool was_kept = false;
  };
  Result<Lease> take(bool may_be_kept);
  void give_back(Lease lease);

  const ConnectionOptions options_;
  const std::size_t connections_max_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<Connection> kept_;
  std::size_t in_use_ = 0;
};

}  // namespace ia::postgres
