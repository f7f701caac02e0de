#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "http/fair_queue.h"
#include "http/gzip.h"

namespace ia {

// Threads for answers that would hold a server thread for too long: those that look at everyone,
// read weeks of history, wait for a disk or for another machine. Clients take turns; each has at
// most kRunningOfClient works running and kWaitingOfClient waiting. Safe from any thread.
class AsideThreads {
 public:
  static constexpr std::size_t kThreads = 2;
  static constexpr std::size_t kRunningOfClient = 1;
  static constexpr std::size_t kWaitingOfClient = 32;
  static constexpr std::size_t kWaitingMax = 256;
  // Added to the process's: the server's threads come first.
  static constexpr int kThreadNice = 10;
  // Whose client has gone meanwhile should return at once. `gzip` is the thread's own. It must not
  // throw.
  using Work = std::function<void(Gzip& gzip)>;
  enum class Begun : std::uint8_t { kYes, kTooManyOfClient, kTooMany };

  AsideThreads();
  // As stop().
  ~AsideThreads();
  AsideThreads(const AsideThreads&) = delete;
  AsideThreads& operator=(const AsideThreads&) = delete;

  // `client`: IpAddress::limit_key(). Does not wait.
  Begun begin(std::uint64_t client, Work work);
  // Waits for the works that run and forgets those that wait. Repeating it does nothing.
  void stop();

 private:
  void loop();
  bool may_run(std::uint64_t client) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  FairQueue<Work> waiting_;
  std::unordered_map<std::uint64_t, std::size_t> running_;  // by client
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ia
