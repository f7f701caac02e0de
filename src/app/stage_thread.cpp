#include "app/stage_thread.h"

#include <pthread.h>

#include <utility>

namespace ia {

StageThread::StageThread(std::string name, Step step)
    : name_(std::move(name)), step_(std::move(step)), thread_([this] { loop(); }) {}

StageThread::~StageThread() { stop(); }

void StageThread::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stopping_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void StageThread::loop() {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto rest = step_();
    lock.lock();
    stopping_changed_.wait_for(lock, rest, [this] { return stopping_; });
  }
}

}  // namespace ia
