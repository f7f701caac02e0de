#include "net/readiness.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace ia {
namespace {

constexpr std::uint32_t kEnding = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

}  // namespace

Readiness::Readiness() : handle_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (handle_ < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
}

Readiness::~Readiness() { ::close(handle_); }

bool Readiness::add(int socket, void* owner) {
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  wanted.data.ptr = owner;
  return ::epoll_ctl(handle_, EPOLL_CTL_ADD, socket, &wanted) == 0;
}

std::size_t Readiness::fetch() {
  const auto count = ::epoll_wait(handle_, found_.data(), static_cast<int>(found_.size()), 0);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

Readiness::Event Readiness::event_of(const epoll_event& found) {
  const bool is_ending = (found.events & kEnding) != 0;
  return {.owner = found.data.ptr,
          .may_read = is_ending || (found.events & EPOLLIN) != 0,
          .is_ending = is_ending};
}

}  // namespace ia
