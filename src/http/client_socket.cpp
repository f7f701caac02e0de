#include "http/client_socket.h"

#include <poll.h>
#include <sys/socket.h>

namespace ia {
std::vector<std::size_t> abandoned(std::span<const int> sockets) {
  std::vector<pollfd> polled;
  polled.reserve(sockets.size());
  for (const int socket : sockets) polled.push_back({socket, POLLRDHUP, 0});
  std::vector<std::size_t> gone;
  if (::poll(polled.data(), polled.size(), 0) <= 0) return gone;
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents != 0) gone.push_back(i);
  }
  return gone;
}

}  // namespace ia
