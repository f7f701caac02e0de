#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/tls_session.h"
#include "net/transfer.h"

namespace ia {

// A connected, non-blocking socket, in the clear or with TLS over it. Closed by its destructor.
// One thread.
class Wire {
 public:
  Wire() = default;
  // `tls` has shaken hands over `socket`; none: in the clear.
  explicit Wire(int socket, std::unique_ptr<TlsSession> tls = nullptr);
  ~Wire() { close(); }
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&& other) noexcept;

  int socket() const { return socket_; }
  bool is_open() const { return socket_ >= 0; }
  // As much of `bytes` as the socket takes now. What was not sent must be sent first the next time.
  Transfer send(std::string_view bytes);
  // What has come, read from the socket once. Not only when Readiness has reported it: also while
  // the last one said that there may be more.
  Transfer receive(std::span<char> space);
  void close();

 private:
  int socket_ = -1;
  std::unique_ptr<TlsSession> tls_;
};

}  // namespace ia
