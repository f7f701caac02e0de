#include "adapters/sqs/test_server.h"

#include <strings.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <optional>
#include <thread>

#include "base/http_head.h"

namespace ia {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kBytesMax = 64u << 20;

// Reads one request from the front of `held`, which grows as bytes come. None when the connection
// ends, or when what came is no request with a length.
std::optional<TestRequest> read_request(tcp::socket& socket, std::string& held) {
  const auto read_more = [&] {
    boost::system::error_code error;
    std::array<char, 16 * 1024> piece;
    held.append(piece.data(), socket.read_some(asio::buffer(piece), error));
    return !error && held.size() <= kBytesMax;
  };
  auto scan = http1::scan_head(held, kBytesMax);
  while (scan.state == http1::HeadState::kPartial) {
    if (!read_more()) return std::nullopt;
    scan = http1::scan_head(held, kBytesMax);
  }
  const auto head = held.substr(0, scan.size);
  const auto line = http1::parse_request_line(http1::FieldReader::first_line(head));
  if (!line) return std::nullopt;
  TestRequest request{.method = std::string(line->method),
                      .target = std::string(line->target),
                      .headers = {},
                      .body = {}};
  http1::Framing framing;
  http1::FieldReader fields(http1::FieldReader::fields_of(head));
  while (const auto field = fields.next()) {
    if (!framing.take(*field) || framing.is_encoded) return std::nullopt;
    request.headers.emplace_back(std::string(field->name), std::string(field->value));
  }
  const auto size = head.size() + framing.length.value_or(0);
  while (held.size() < size) {
    if (!read_more()) return std::nullopt;
  }
  request.body = held.substr(head.size(), size - head.size());
  held.erase(0, size);
  return request;
}

std::string bytes_of(const TestReply& reply) {
  auto bytes = "HTTP/1.1 " + std::to_string(reply.status) +
               " X\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
  for (const auto& [name, value] : reply.headers) bytes += name + ": " + value + "\r\n";
  bytes += "\r\n";
  if (reply.fate == TestReply::Fate::kCut)
    return bytes + reply.body.substr(0, reply.body.size() / 2);
  return bytes + reply.body;
}

}  // namespace

std::string TestRequest::header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (strcasecmp(key.c_str(), name.c_str()) == 0) return value;
  }
  return {};
}

struct TestServer::State {
  explicit State(Handler the_handler) : handler(std::move(the_handler)) {}

  Handler handler;
  asio::io_context io;
  tcp::acceptor acceptor{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  std::mutex mutex;
  std::vector<std::shared_ptr<tcp::socket>> sockets;
  std::vector<std::thread> threads;
  bool stopping = false;
  std::thread accepting;

  void accept() {
    while (true) {
      auto socket = std::make_shared<tcp::socket>(io);
      boost::system::error_code error;
      acceptor.accept(*socket, error);
      const std::scoped_lock lock(mutex);
      if (stopping) return;
      if (error) continue;
      sockets.push_back(socket);
      threads.emplace_back([this, socket] { serve(*socket); });
    }
  }

  void serve(tcp::socket& socket) {
    std::string held;
    boost::system::error_code error;
    socket.set_option(tcp::no_delay(true), error);
    while (true) {
      const auto request = read_request(socket, held);
      if (!request) break;
      const auto reply = handler(*request);
      std::this_thread::sleep_for(reply.delay);
      if (reply.fate == TestReply::Fate::kDropped) break;
      asio::write(socket, asio::buffer(bytes_of(reply)), error);
      if (error || reply.fate == TestReply::Fate::kCut) break;
    }
    socket.shutdown(tcp::socket::shutdown_both, error);
  }

  void stop() {
    boost::system::error_code ignored;
    {
      const std::scoped_lock lock(mutex);
      stopping = true;
      for (const auto& socket : sockets) socket->shutdown(tcp::socket::shutdown_both, ignored);
    }
    tcp::socket waker(io);
    waker.connect(acceptor.local_endpoint(), ignored);
    accepting.join();
    for (auto& thread : threads) thread.join();
  }
};

TestServer::TestServer(Handler handler) : state_(std::make_unique<State>(std::move(handler))) {
  state_->accepting = std::thread([this] { state_->accept(); });
}

TestServer::~TestServer() { state_->stop(); }

std::uint16_t TestServer::port() const { return state_->acceptor.local_endpoint().port(); }
std::size_t TestServer::connections() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->sockets.size();
}

std::string TestServer::url() const { return "http://127.0.0.1:" + std::to_string(port()); }

}  // namespace ia
