#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace ia {

struct Reply {
  int status = 0;                              // 0: the connection ended before a whole reply
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// A plain blocking client for tests: says exactly what it is told to, waits at most 10 s.
class TestClient {
 public:
  // `from`: an IPv4 address of this machine, such as 127.0.0.2, for a client of its own.
  explicit TestClient(std::uint16_t port, bool over_ipv6 = false, int receive_buffer = 0,
                      const char* from = nullptr) {
    socket_ = ::socket(over_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    if (from != nullptr) {
      ::inet_pton(AF_INET, from, &v4.sin_addr);
      (void)::bind(socket_, reinterpret_cast<sockaddr*>(&v4), sizeof v4);
    }
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    is_connected_ = over_ipv6
                        ? ::connect(socket_, reinterpret_cast<sockaddr*>(&v6), sizeof v6) == 0
                        : ::connect(socket_, reinterpret_cast<sockaddr*>(&v4), sizeof v4) == 0;
  }
  ~TestClient() { ::close(socket_); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool is_connected() const { return is_connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // The next reply on the connection.
  Reply read(bool has_body = true) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return {};
    }
    Reply reply;
    parse_head(std::string_view(buffer_).substr(0, end), reply);
    buffer_.erase(0, end + 4);
    const auto length = std::strtoull(reply.header("content-length").c_str(), nullptr, 10);
    if (!has_body || reply.status == 304) return reply;
    while (buffer_.size() < length) {
      if (!receive()) return {};
    }
    reply.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return reply;
  }

  Reply get(std::string_view target, std::string_view headers = "",
            std::string_view method = "GET") {
    std::string request(method);
    request.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
    send(request + "\r\n");
    return read(method != "HEAD");
  }

  // A change, as a program on this machine makes it.
  Reply change(std::string_view method, std::string_view target, std::string_view body,
               std::string_view headers = "Content-Type: application/json\r\n") {
    std::string request(method);
    request.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
    request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    send(request.append(body));
    return read();
  }

  // The next bytes, so many of them; fewer when no more come. Of a stream: read() its head first.
  std::string read_bytes(std::size_t count) {
    while (buffer_.size() < count && receive()) {
    }
    const auto bytes = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return bytes;
  }

  // Whether the server closed the connection, with nothing more to read.
  bool is_closed() { return buffer_.empty() && !receive() && ended_; }
  // How many bytes come until the end.
  std::size_t drain() {
    std::size_t total = buffer_.size();
    while (receive()) {
      total += buffer_.size();
      buffer_.clear();
    }
    return total;
  }

 private:
  bool receive() {
    char bytes[16 * 1024];
    const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
    ended_ = count == 0 || (count < 0 && errno == ECONNRESET);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  static void parse_head(std::string_view head, Reply& reply) {
    reply.status = std::atoi(std::string(head.substr(head.find(' ') + 1, 3)).c_str());
    for (auto at = head.find("\r\n"); at != std::string_view::npos;) {
      const auto end = head.find("\r\n", at + 2);
      const auto line = head.substr(at + 2, end == std::string_view::npos ? end : end - at - 2);
      const auto colon = line.find(": ");
      std::string name(line.substr(0, colon));
      for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      reply.headers[name] = line.substr(colon + 2);
      at = end;
    }
  }

  int socket_ = -1;
  bool is_connected_ = false;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace ia
