#include "api/later.h"

#include <pthread.h>
#include <sys/resource.h>

#include <utility>

namespace ia {
namespace {

Problem come_back(std::string detail) {
  return {.status = 503,
          .kind = "being-made",
          .title = "Being made",
          .detail = std::move(detail),
          .retry_after_seconds = 1};
}

}  // namespace

Problem being_made() {
  return come_back("This takes some seconds to read: ask again, until it is there.");
}

Problem too_many_being_made() {
  return come_back("Too many past minutes are being read already: ask again later.");
}

LaterThread::LaterThread() : thread_([this] { loop(); }) {}

LaterThread::~LaterThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

LaterThread::Asked LaterThread::ask(Work work) {
  auto asked = Asked::kWaits;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= kWaitingMax) return Asked::kRefused;
    if (waiting_.empty() && !working_) asked = Asked::kBegins;
    waiting_.push_back(std::move(work));
  }
  changed_.notify_all();
  return asked;
}

void LaterThread::loop() {
  pthread_setname_np(pthread_self(), "api-later");
  (void)setpriority(PRIO_PROCESS, 0, 19);  // of this thread alone
  const GoOn go_on = [this] {
    const std::scoped_lock lock(mutex_);
    return !stopping_;
  };
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const auto work = std::move(waiting_.front());
    waiting_.pop_front();
    working_ = true;
    lock.unlock();
    work(go_on);
    lock.lock();
    working_ = false;
  }
}

}  // namespace ia
