#include "adapters/sqs_test_server.h"

#include <strings.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <mutex>
#include <thread>

namespace ia {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr std::uint64_t kBodyBytesMax = 64u << 20;

TestRequest plain(const http::request<http::string_body>& message) {
  TestRequest request{.method = std::string(message.method_string()),
                      .target = std::string(message.target()),
                      .headers = {},
                      .body = message.body()};
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
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
      beast::error_code error;
      acceptor.accept(*socket, error);
      const std::scoped_lock lock(mutex);
      if (stopping) return;
      if (error) continue;
      sockets.push_back(socket);
      threads.emplace_back([this, socket] { serve(*socket); });
    }
  }

  void serve(tcp::socket& socket) {
    beast::flat_buffer buffer;
    beast::error_code error;
    socket.set_option(tcp::no_delay(true), error);
    while (true) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(kBodyBytesMax);
      http::read(socket, buffer, parser, error);
      if (error) break;
      const auto reply = handler(plain(parser.get()));
      std::this_thread::sleep_for(reply.delay);
      if (reply.fate == TestReply::Fate::kDropped) break;
      asio::write(socket, asio::buffer(bytes_of(reply)), error);
      if (error || reply.fate == TestReply::Fate::kCut) break;
    }
    socket.shutdown(tcp::socket::shutdown_both, error);
  }

  void stop() {
    beast::error_code ignored;
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
