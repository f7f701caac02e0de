#include "net/wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace ia {

Transfer Transfer::failed(int error) {
  if (error == EAGAIN) return {};
  return broken(std::system_category().message(error));
}

Wire::Wire(int socket, std::unique_ptr<TlsSession> tls) : socket_(socket), tls_(std::move(tls)) {}

Wire::Wire(Wire&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), tls_(std::move(other.tls_)) {}

Wire& Wire::operator=(Wire&& other) noexcept {
  if (this == &other) return *this;
  close();
  socket_ = std::exchange(other.socket_, -1);
  tls_ = std::move(other.tls_);
  return *this;
}

void Wire::close() {
  tls_.reset();
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

Transfer Wire::send(std::string_view bytes) {
  if (tls_) return tls_->send(bytes);
  const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count < 0) return Transfer::failed(errno);
  return {.bytes = static_cast<std::size_t>(count)};
}

Transfer Wire::receive(std::span<char> space) {
  if (tls_) return tls_->receive(space);
  const auto count = ::recv(socket_, space.data(), space.size(), 0);
  if (count == 0) return Transfer::closed();
  if (count < 0) return Transfer::failed(errno);
  const auto bytes = static_cast<std::size_t>(count);
  return {.bytes = bytes, .may_be_more = bytes == space.size()};
}

}  // namespace ia
