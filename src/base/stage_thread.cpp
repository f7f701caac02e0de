#include "base/stage_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <utility>

namespace ia {

StageThread::StageThread(std::string name, Step step, Priority priority)
    : name_(std::move(name)),
      step_(std::move(step)),
      priority_(priority),
      thread_([this] { loop(); }) {}

StageThread::~StageThread() { stop(); }

void StageThread::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stopping_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string StageThread::standstill(std::chrono::milliseconds step_max) const {
  using std::chrono::steady_clock;
  const auto began = step_began_.load();
  if (began == 0) return {};
  const auto takes = steady_clock::now().time_since_epoch() - steady_clock::duration(began);
  if (takes <= step_max) return {};
  return fmt::format("The {} has been in one step for {} s. ", name_,
                     std::chrono::floor<std::chrono::seconds>(takes).count());
}

void StageThread::loop() {
  pthread_setname_np(pthread_self(), name_.c_str());
  // 0 is the calling thread, which on Linux has a priority of its own.
  if (priority_ == Priority::kLow) (void)setpriority(PRIO_PROCESS, 0, 19);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    step_began_ = std::chrono::steady_clock::now().time_since_epoch().count();
    const auto rest = step_();
    step_began_ = 0;
    lock.lock();
    stopping_changed_.wait_for(lock, rest, [this] { return stopping_; });
  }
}

}  // namespace ia
