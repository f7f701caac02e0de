#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ia {

// A blocking HTTP client for tests that shows what came over the wire. Every wait ends after ten
// seconds.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* const raw = static_cast<const void*>(&address);
    connected_ = ::connect(socket_, static_cast<const sockaddr*>(raw), sizeof address) == 0;
  }
  ~TestClient() { ::close(socket_); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end() { ::shutdown(socket_, SHUT_WR); }

  static std::string request(std::string_view method, std::string_view target,
                             std::string_view headers = "", std::string_view body = "") {
    return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
  }

  // One answer with its head, or what there was of it when the connection ended.
  std::string read_answer(bool has_body = true) {
    while (left_.find(kHeadEnd) == left_.npos && receive()) {
    }
    const auto head = left_.find(kHeadEnd);
    if (head == left_.npos) return take(left_.size());
    const auto size = head + kHeadEnd.size() + (has_body ? body_size(left_.substr(0, head)) : 0);
    while (left_.size() < size && receive()) {
    }
    return take(std::min(size, left_.size()));
  }

  std::string get(std::string_view target) {
    send(request("GET", target));
    return read_answer();
  }

  // All that comes until the server closes.
  std::string read_to_end() {
    while (receive()) {
    }
    return take(left_.size());
  }
  // Whether the server closed, by its own choice and in time.
  bool closed() {
    while (receive()) {
    }
    return ended_;
  }
  // Whether at least so many bytes come.
  bool reads(std::size_t size) {
    while (left_.size() < size && receive()) {
    }
    return left_.size() >= size;
  }
  // Whether nothing is there to read.
  bool silent() {
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

 private:
  static constexpr std::string_view kHeadEnd = "\r\n\r\n";

  static std::size_t body_size(const std::string& head) {
    constexpr std::string_view kName = "Content-Length: ";
    const auto at = head.find(kName);
    return at == head.npos ? 0 : std::strtoul(head.c_str() + at + kName.size(), nullptr, 10);
  }

  bool receive() {
    char buffer[4096];
    const auto size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size <= 0) {
      ended_ = size == 0 || errno == ECONNRESET;
      return false;
    }
    left_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  std::string take(std::size_t size) {
    auto taken = left_.substr(0, size);
    left_.erase(0, size);
    return taken;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string left_;
};

}  // namespace ia
