#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>

namespace ia {

// Which of a set of sockets have something to read. A socket is added once and leaves the set when
// it is closed. Each change is reported once (edge-triggered): the owner has to remember it until
// a read returned less than it had space for. One thread.
class Readiness {
 public:
  struct Event {
    void* owner = nullptr;
    bool may_read = false;  // otherwise it may only be written to
    bool is_ending = false;  // the peer has closed it, or it is broken: reads end with that
  };

  Readiness();
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // Readable itself while poll would report something.
  int handle() const { return handle_; }
  // Returns false if the system refuses. What already waits in the socket is reported too.
  bool add(int socket, void* owner);

  // Calls on_event(Event) for each change since the last call, without waiting. Returns how many.
  template <class OnEvent>
  std::size_t poll(OnEvent on_event) {
    const auto count = fetch();
    for (std::size_t i = 0; i < count; ++i) on_event(event_of(found_[i]));
    return count;
  }

 private:
  std::size_t fetch();
  static Event event_of(const epoll_event& found);

  int handle_ = -1;
  std::array<epoll_event, 256> found_{};
};

}  // namespace ia
