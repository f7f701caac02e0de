#include "api/later.h"

#include <pthread.h>
#include <sys/resource.h>

#include <iterator>
#include <utility>

namespace ia {

Problem being_made() {
  return {.status = 503,
          .kind = kBeingMade,
          .title = "Being made",
          .detail = "This takes some seconds to read: ask again.",
          .retry_after_seconds = 1};
}

Problem too_many_being_made() {
  return {.status = 503,
          .kind = "too-many-questions",
          .title = "Too many questions",
          .detail = "Too many past minutes are being read already: ask again later.",
          .retry_after_seconds = 1};
}

LaterThread::LaterThread(const Clock& clock) : clock_(clock), thread_([this] { loop(); }) {}

LaterThread::~LaterThread() { stop(); }

void LaterThread::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool LaterThread::begin(Work work) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= kWaitingMax) return false;
    waiting_.push_back(std::move(work));
  }
  changed_.notify_all();
  return true;
}

void LaterThread::when_made(AskAgain ask_again) {
  {
    const std::scoped_lock lock(mutex_);
    new_asking_.push_back(std::move(ask_again));
  }
  changed_.notify_all();
}

// Who comes while a work ends is asked for too: nobody waits for a work that is over.
void LaterThread::loop() {
  pthread_setname_np(pthread_self(), "api-later");
  (void)setpriority(PRIO_PROCESS, 0, 19);  // of this thread alone
  while (true) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock,
                    [this] { return stopping_ || !waiting_.empty() || !new_asking_.empty(); });
      if (stopping_) return;
      if (!waiting_.empty()) {
        work = std::move(waiting_.front());
        waiting_.pop_front();
      }
    }
    if (work) work_on(work);
    ask_again();
  }
}

void LaterThread::work_on(const Work& work) {
  asked_at_ = clock_.mono();
  work([this] {
    if (clock_.mono() - asked_at_ >= kAskAgainEvery) ask_again();
    const std::scoped_lock lock(mutex_);
    return !stopping_;
  });
}

void LaterThread::ask_again() {
  {
    const std::scoped_lock lock(mutex_);
    asking_.insert(asking_.end(), std::move_iterator(new_asking_.begin()),
                   std::move_iterator(new_asking_.end()));
    new_asking_.clear();
  }
  asked_at_ = clock_.mono();
  std::erase_if(asking_, [](const AskAgain& ask) { return ask(); });
}

}  // namespace ia
