#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace ia {

// What carries the bytes of a scripted connection. read gives 0 or less at the end.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual ssize_t read(char* to, std::size_t size) = 0;
  virtual ssize_t write(const char* from, std::size_t size) = 0;
};

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}
  ssize_t read(char* to, std::size_t size) override { return ::recv(fd_, to, size, 0); }
  ssize_t write(const char* from, std::size_t size) override {
    return ::send(fd_, from, size, MSG_NOSIGNAL);
  }

 private:
  int fd_;
};

// One connection to a scripted server, for its script.
class ScriptedPeer {
 public:
  ScriptedPeer(int fd, std::size_t number, std::unique_ptr<Transport> transport)
      : fd_(fd), number_(number), transport_(std::move(transport)) {}

  // Which connection of the server this is, from 0.
  std::size_t number() const { return number_; }
  // The next request; nothing when the client has closed.
  std::optional<std::string> next_request() {
    for (;;) {
      if (const auto end = in_.find("\r\n\r\n"); end != in_.npos) {
        const auto request = in_.substr(0, end + 4);
        in_.erase(0, end + 4);
        return request;
      }
      char bytes[4096];
      const auto count = transport_->read(bytes, sizeof bytes);
      if (count <= 0) return std::nullopt;
      in_.append(bytes, static_cast<std::size_t>(count));
    }
  }
  // So many bytes of its body; fewer when the client closes.
  std::string next_body(std::size_t size) {
    char bytes[4096];
    while (in_.size() < size) {
      const auto count = transport_->read(bytes, sizeof bytes);
      if (count <= 0) break;
      in_.append(bytes, static_cast<std::size_t>(count));
    }
    const auto body = in_.substr(0, size);
    in_.erase(0, body.size());
    return body;
  }
  // Another request has come already.
  bool has_next() const { return in_.find("\r\n\r\n") != in_.npos; }
  // Its path.
  std::optional<std::string> next_path() {
    const auto request = next_request();
    if (!request) return std::nullopt;
    const auto line = request->substr(0, request->find("\r\n"));
    return line.substr(4, line.rfind(' ') - 4);
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto count = transport_->write(text.data(), text.size());
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // True when the client closes, or says something, within `wait`.
  bool hears(std::chrono::milliseconds wait) {
    pollfd event{fd_, POLLIN, 0};
    return ::poll(&event, 1, static_cast<int>(wait.count())) > 0;
  }
  // Until the client closes, or the server ends.
  void hang() {
    while (next_path()) {
    }
  }
  // Closes by a reset rather than an end.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  int fd_;
  std::size_t number_;
  std::unique_ptr<Transport> transport_;
  std::string in_;
};

// A server on the loopback interface at a port of the system's choice. Each connection has a
// thread that plays the script and closes when it returns. Ends with its destructor.
class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedPeer&)>;
  using MakeTransport = std::function<std::unique_ptr<Transport>(int fd)>;

  struct Options {
    int family = AF_INET;
    bool listens = true;  // otherwise connections are refused until listen()
    MakeTransport make_transport = [](int fd) { return std::make_unique<PlainTransport>(fd); };
  };

  explicit ScriptedServer(Script script) : ScriptedServer(std::move(script), Options()) {}
  ScriptedServer(Script script, Options options)
      : script_(std::move(script)), options_(std::move(options)) {
    listener_ = ::socket(options_.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind();
    if (is_bound_ && options_.listens) listen();
  }
  ~ScriptedServer() {
    is_ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    if (acceptor_.joinable()) acceptor_.join();
    {
      const std::scoped_lock lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // The address family is there.
  bool is_bound() const { return is_bound_; }
  void listen() {
    ::listen(listener_, 1024);
    acceptor_ = std::thread([this] { accept(); });
  }
  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://" + authority(); }
  std::string authority() const {
    return (options_.family == AF_INET6 ? "[::1]:" : "127.0.0.1:") + std::to_string(port_);
  }
  std::size_t connections() const { return connections_; }

 private:
  void bind() {
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (options_.family == AF_INET6) {
      const sockaddr_in6 address{AF_INET6, 0, 0, in6addr_loopback, 0};
      std::memcpy(&storage, &address, size = sizeof address);
    } else {
      const sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
      std::memcpy(&storage, &address, size = sizeof address);
    }
    auto* any = reinterpret_cast<sockaddr*>(&storage);
    is_bound_ = ::bind(listener_, any, size) == 0 && ::getsockname(listener_, any, &size) == 0;
    port_ = ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);  // same place in both
  }

  void accept() {
    while (!is_ending_) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::scoped_lock lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd, number = connections_++] { play(fd, number); });
    }
  }

  void play(int fd, std::size_t number) {
    // TLS writes without MSG_NOSIGNAL.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    if (auto transport = options_.make_transport(fd)) {
      ScriptedPeer peer(fd, number, std::move(transport));
      script_(peer);
    }
    const std::scoped_lock lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
  }

  Script script_;
  Options options_;
  int listener_ = -1;
  bool is_bound_ = false;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_ending_ = false;
  std::atomic<std::size_t> connections_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace ia
