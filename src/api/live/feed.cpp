#include "api/live/feed.h"

#include <pthread.h>

#include <utility>

namespace ia {
namespace {

constexpr std::chrono::milliseconds kLookEvery{100};

}  // namespace

LiveFeed::LiveFeed(LiveSources sources, Metrics& metrics, const Clock& clock)
    : clock_(clock), events_(std::move(sources), metrics), thread_([this] {
        pthread_setname_np(pthread_self(), "live");
        run();
      }) {}

LiveFeed::~LiveFeed() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LiveFeed::add(LiveEvents::Arrival arrival) {
  const std::scoped_lock lock(mutex_);
  arrivals_.push_back(std::move(arrival));
  changed_.notify_one();
}

void LiveFeed::run() {
  const auto is_needed = [this] { return is_stopping_ || !arrivals_.empty(); };
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (events_.size() == 0) {
      changed_.wait(lock, is_needed);
    } else {
      changed_.wait_for(lock, kLookEvery, is_needed);
    }
    auto arrivals = std::exchange(arrivals_, {});
    lock.unlock();
    const auto now = clock_.mono();
    for (auto& arrival : arrivals) events_.welcome(std::move(arrival), now);
    events_.step(now);
    lock.lock();
  }
}

}  // namespace ia
