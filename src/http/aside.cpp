#include "http/aside.h"

#include <pthread.h>

#include <utility>

#include "http/thread_priority.h"

namespace ia {

AsideThreads::AsideThreads() {
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { loop(); });
}

AsideThreads::~AsideThreads() { stop(); }

void AsideThreads::stop() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
    waiting_ = {};
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

AsideThreads::Begun AsideThreads::begin(std::uint64_t client, Work work) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size_of(client) >= kWaitingOfClient) return Begun::kTooManyOfClient;
    if (is_stopping_ || waiting_.size() >= kWaitingMax) return Begun::kTooMany;
    waiting_.push(client, std::move(work));
  }
  changed_.notify_one();
  return Begun::kYes;
}

bool AsideThreads::may_run(std::uint64_t client) const {
  const auto running = running_.find(client);
  return running == running_.end() || running->second < kRunningOfClient;
}

void AsideThreads::loop() {
  pthread_setname_np(pthread_self(), "api-aside");
  lower_priority(kThreadNice);
  Gzip gzip;
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    std::uint64_t client = 0;
    auto work = waiting_.pop([&](std::uint64_t other) {
      client = other;
      return may_run(other);
    });
    if (!work) {
      changed_.wait(lock);
      continue;
    }
    ++running_[client];
    lock.unlock();
    (*work)(gzip);
    work.reset();
    lock.lock();
    if (--running_[client] == 0) running_.erase(client);
  }
}

}  // namespace ia
