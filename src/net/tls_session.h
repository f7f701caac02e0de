#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/transfer.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // and SSL_CTX

namespace ia {

// Whom clients trust, and in which versions they speak: TLS 1.2 and newer. Immutable.
class TlsClients {
 public:
  // Of the certificates in the file; of the system's when it is empty. kInvalid: it has none.
  static Result<TlsClients> create(const std::string& ca_file);
  ssl_ctx_st* handle() const { return context_.get(); }

 private:
  explicit TlsClients(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
};

// A client's session over a connected, non-blocking socket, which stays its owner's and must live
// longer. Reads all that the socket has at once, however many records that is. One thread.
class TlsSession {
 public:
  // With `host`, whose certificate is checked.
  TlsSession(const TlsClients& clients, int socket, const std::string& host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  enum class Handshake : std::uint8_t { kDone, kWaitsToRead, kWaitsToWrite, kFailed };
  // Call again when the socket is ready for what it waits for.
  Handshake shake_hands();
  // Why it failed, for people.
  std::string trouble() const { return trouble_; }

  Transfer send(std::string_view bytes);
  Transfer receive(std::span<char> space);

 private:
  struct Socket;
  Transfer ended(int code);
  std::string describe_failure(int code) const;

  std::string host_;
  std::unique_ptr<Socket> socket_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
  std::string trouble_;
};

}  // namespace ia
