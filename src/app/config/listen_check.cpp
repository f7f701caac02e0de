#include "app/config/listen_check.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ia {

int listen_error(const Address& address) {
  const bool six = address.host.contains(':');
  const int descriptor = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_in);
  if (six) {
    auto* to = reinterpret_cast<sockaddr_in6*>(&storage);
    to->sin6_family = AF_INET6;
    to->sin6_port = htons(address.port);
    inet_pton(AF_INET6, address.host.c_str(), &to->sin6_addr);
    length = sizeof *to;
  } else {
    auto* to = reinterpret_cast<sockaddr_in*>(&storage);
    to->sin_family = AF_INET;
    to->sin_port = htons(address.port);
    inet_pton(AF_INET, address.host.c_str(), &to->sin_addr);
  }
  const bool bound = bind(descriptor, reinterpret_cast<sockaddr*>(&storage), length) == 0 &&
                     listen(descriptor, 1) == 0;
  const int error = bound ? 0 : errno;
  close(descriptor);
  return error;
}

Status can_listen(std::string_view setting, const Address& address) {
  const int error = listen_error(address);
  if (error == 0) return {};
  std::string advice = "choose another " + std::string(setting);
  if (error == EADDRINUSE) {
    advice += fmt::format(", or see what has it: ss -ltnp 'sport = :{}'", address.port);
  } else if (error == EACCES) {
    advice += ": ports below 1024 need rights";
  }
  return fail(Errc::kUnavailable,
              fmt::format("cannot listen on {}: {}: {}", format_address(address),
                          std::strerror(error), advice));
}

}  // namespace ia
