#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "adapters/postgres/connection.h"

namespace ia::postgres {

// Connections for one use at a time, kept for the next. Safe from any thread.
class Pool {
 public:
  Pool(ConnectionOptions options, std::size_t connections_max);

  // Gives a connection to `work` and returns its result. Waits up to `wait` for one when all are
  // in use, then kOverloaded. A connection that is broken, or left in a transaction, is not kept.
  template <class Work>
  auto with(Work work) -> decltype(work(std::declval<Connection&>())) {
    return use(work, [] { return false; });
  }

  // The same for work without effects: repeated once on a fresh connection when one that was kept
  // turns out to be broken, as all are after a restart of the server.
  template <class Read>
  auto read(Read work) -> decltype(work(std::declval<Connection&>())) {
    return use(work, [] { return true; });
  }

  // The same in a transaction, which is committed unless `work` fails. It is begun once more on a
  // fresh connection when a kept one turns out to be broken before it.
  template <class Work>
  auto transact(Work work) -> decltype(work(std::declval<Connection&>())) {
    bool has_begun = false;
    const auto in_transaction = [&](Connection& db) -> decltype(work(db)) {
      auto transaction = Transaction::begin(db);
      if (!transaction) return std::unexpected(transaction.error());
      has_begun = true;
      auto result = work(db);
      if (!result) return result;
      if (auto committed = transaction->commit(); !committed) {
        return std::unexpected(committed.error());
      }
      return result;
    };
    return use(in_transaction, [&] { return !has_begun; });
  }

 private:
  struct Lease {
    std::optional<Connection> connection;
    bool was_kept = false;
  };
  template <class Work, class MayRepeat>
  auto use(Work work, MayRepeat may_repeat) -> decltype(work(std::declval<Connection&>())) {
    auto lease = take(true);
    if (!lease) return std::unexpected(lease.error());
    auto result = checked([&] { return work(*lease->connection); });
    const bool was_stale = !result && lease->was_kept && lease->connection->is_broken();
    give_back(std::move(*lease));
    if (!was_stale || !may_repeat()) return result;
    auto fresh = take(false);
    if (!fresh) return std::unexpected(fresh.error());
    auto second = checked([&] { return work(*fresh->connection); });
    give_back(std::move(*fresh));
    return second;
  }
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
