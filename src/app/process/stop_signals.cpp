#include "app/process/stop_signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "base/unfinished.h"

namespace ia {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

bool is_ignored(int number) {
  struct sigaction now{};
  return sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (!is_ignored(SIGHUP)) sigaddset(&set, SIGHUP);
  return set;
}

[[noreturn]] void end_by(int number) {
  signal(number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(number);
  _exit(1);
}

}  // namespace

void block_stop_signals() {
  const auto set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool wait_for_stop_signal(std::chrono::milliseconds wait) {
  const auto set = stop_signals();
  const auto end = std::chrono::steady_clock::now() + wait;
  while (true) {
    const auto left = std::max(std::chrono::nanoseconds{0}, end - std::chrono::steady_clock::now());
    const timespec limit{.tv_sec = left.count() / kSecond, .tv_nsec = left.count() % kSecond};
    if (sigtimedwait(&set, nullptr, &limit) > 0) return true;
    if (errno != EINTR) return false;  // a debugger or the leak sanitizer looked in
  }
}

void leave_at_next_signal_or_after(std::chrono::seconds patience) {
  std::thread([patience] {
    wait_for_stop_signal(patience);
    UnfinishedPath::discard_all();
    _exit(1);
  }).detach();
}

void discard_unfinished_at_stop_signal() {
  block_stop_signals();
  std::thread([] {
    const auto set = stop_signals();
    int number = 0;
    while (sigwait(&set, &number) != 0) {
    }
    UnfinishedPath::discard_all();
    end_by(number);
  }).detach();
}

}  // namespace ia
