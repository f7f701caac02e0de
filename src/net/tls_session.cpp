#include "net/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "net/http_request.h"
#include "net/tls_failure.h"

namespace ia {

// What OpenSSL's calls on a socket need: OpenSSL's own raise SIGPIPE, and do not tell whether they
// emptied it.
struct TlsSession::Socket {
  int handle = -1;
  bool is_drained = false;  // the last read left nothing in it
  bool has_ended = false;
  int error = 0;

  static Socket& of(BIO* bio) { return *static_cast<Socket*>(BIO_get_data(bio)); }
  static int read(BIO* bio, char* to, std::size_t size, std::size_t* count);
  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count);
  static long control(BIO* bio, int command, long, void*);
  static BIO_METHOD* method();
  int end_with(BIO* bio, int error_now, int retry);
};

namespace {

std::string reason_of(unsigned long code) {
  const auto* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "OpenSSL's error " + std::to_string(code);
}

}  // namespace

int TlsSession::Socket::end_with(BIO* bio, int error_now, int retry) {
  if (error_now == EAGAIN) {
    BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  } else {
    error = error_now;
  }
  return 0;
}

int TlsSession::Socket::read(BIO* bio, char* to, std::size_t size, std::size_t* count) {
  auto& self = of(bio);
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(self.handle, to, size, 0);
  self.is_drained = got < static_cast<ssize_t>(size);
  if (got < 0) return self.end_with(bio, errno, BIO_FLAGS_READ);
  self.has_ended = got == 0;
  *count = static_cast<std::size_t>(got);
  return got > 0 ? 1 : 0;
}

int TlsSession::Socket::write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
  auto& self = of(bio);
  BIO_clear_retry_flags(bio);
  const auto put = ::send(self.handle, from, size, MSG_NOSIGNAL);
  if (put < 0) return self.end_with(bio, errno, BIO_FLAGS_WRITE);
  *count = static_cast<std::size_t>(put);
  return 1;
}

long TlsSession::Socket::control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return of(bio).has_ended ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* TlsSession::Socket::method() {
  static BIO_METHOD* const made = [] {
    auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read_ex(method, read);
    BIO_meth_set_write_ex(method, write);
    BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return made;
}

Result<TlsClients> TlsClients::create(const std::string& ca_file) {
  ERR_clear_error();
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return fail(Errc::kUnavailable, "OpenSSL: " + reason_of(ERR_get_error()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  const bool is_loaded =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                      : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) == 1;
  if (is_loaded) return TlsClients(context);
  return fail(Errc::kInvalid, ca_file + ": no certificates: " + reason_of(ERR_get_error()));
}

TlsSession::TlsSession(const TlsClients& clients, int socket, const std::string& host)
    : host_(host),
      socket_(std::make_unique<Socket>(Socket{.handle = socket})),
      ssl_(SSL_new(clients.handle()), SSL_free) {
  auto* bio = BIO_new(Socket::method());
  if (!ssl_ || bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, socket_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  expect_server(ssl_.get(), host);
}

TlsSession::~TlsSession() = default;

TlsSession::Handshake TlsSession::shake_hands() {
  ERR_clear_error();
  const auto result = SSL_connect(ssl_.get());
  if (result == 1) return Handshake::kDone;
  const auto code = SSL_get_error(ssl_.get(), result);
  if (code == SSL_ERROR_WANT_READ) return Handshake::kWaitsToRead;
  if (code == SSL_ERROR_WANT_WRITE) return Handshake::kWaitsToWrite;
  trouble_ = describe_failure(code);
  return Handshake::kFailed;
}

std::string TlsSession::describe_failure(int code) const {
  const bool is_tls = code == SSL_ERROR_SSL;
  const auto error = is_tls ? ERR_get_error() : 0;
  const auto text =
      is_tls ? reason_of(error) : std::system_category().message(socket_->error);
  return describe({.verify_result = SSL_get_verify_result(ssl_.get()),
                   .code = error,
                   .was_closed = socket_->has_ended || socket_->error == ECONNRESET ||
                                 socket_->error == EPIPE || code == SSL_ERROR_ZERO_RETURN,
                   .text = text},
                  host_);
}

Transfer TlsSession::send(std::string_view bytes) {
  ERR_clear_error();
  Transfer sent;
  const auto result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent.bytes);
  return result == 1 ? sent : ended(SSL_get_error(ssl_.get(), result));
}

Transfer TlsSession::receive(std::span<char> space) {
  ERR_clear_error();
  Transfer got;
  const auto result = SSL_read_ex(ssl_.get(), space.data(), space.size(), &got.bytes);
  if (result != 1) return ended(SSL_get_error(ssl_.get(), result));
  got.may_be_more = !socket_->is_drained || SSL_has_pending(ssl_.get()) == 1;
  return got;
}

// The end of the connection without the end of the session is no orderly one: anybody on the way
// can end a connection.
Transfer TlsSession::ended(int code) {
  switch (code) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {};
    case SSL_ERROR_ZERO_RETURN:
      return Transfer::closed();
    default:
      if (socket_->has_ended) return Transfer::broken("stream truncated");
      if (socket_->error != 0) return Transfer::failed(socket_->error);
      return Transfer::broken(reason_of(ERR_get_error()));
  }
}

}  // namespace ia
