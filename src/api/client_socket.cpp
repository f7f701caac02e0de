#include "api/client_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>

namespace ia {
namespace {

std::uint64_t number(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < count; ++i) all = all << 8 | bytes[i];
  return all;
}

}  // namespace

std::uint64_t client_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr);
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  const auto* bytes = v6.sin6_addr.s6_addr;
  return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? number(bytes + 12, 4) : number(bytes, 8);
}

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
