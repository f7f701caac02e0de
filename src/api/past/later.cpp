#include "api/past/later.h"

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

Problem refused(LaterThread::Begun begun) {
  const bool is_client = begun == LaterThread::Begun::kTooManyOfClient;
  return {.status = is_client ? 429 : 503,
          .kind = "too-many-questions",
          .title = "Too many questions",
          .detail = is_client
                        ? "Too many past minutes are being read for this address: wait for some "
                          "of them."
                        : "Too many past minutes are being read already: ask again later.",
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

LaterThread::Begun LaterThread::begin(std::uint64_t client, Work work) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size_of(client) >= kWaitingOfClient) return Begun::kTooManyOfClient;
    if (waiting_.size() >= kWaitingMax) return Begun::kTooMany;
    waiting_.push(client, std::move(work));
  }
  changed_.notify_all();
  return Begun::kYes;
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
    std::optional<Work> work;
    std::uint64_t client = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock,
                    [this] { return stopping_ || !waiting_.empty() || !new_asking_.empty(); });
      if (stopping_) return;
      work = waiting_.pop([&client](std::uint64_t whose) {
        client = whose;
        return true;
      });
    }
    if (work && work_on(*work)) {
      const std::scoped_lock lock(mutex_);
      waiting_.push(client, std::move(*work));
    }
    ask_again();
  }
}

bool LaterThread::work_on(const Work& work) {
  asked_at_ = clock_.mono();
  return work([this] {
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
