#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ia {

struct TestRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // in their order, names as sent
  std::string body;

  // The first header of that name, in any case; empty when there is none.
  std::string header(const std::string& name) const;
};

struct TestReply {
  enum class Fate : std::uint8_t { kWhole, kDropped, kCut };

  int status = 200;
  std::string body{};
  Fate fate = Fate::kWhole;  // dropped: the connection ends without a reply; cut: in mid-body
  std::chrono::milliseconds delay{0};
  std::vector<std::pair<std::string, std::string>> headers{};
};

// For tests: an HTTP server on 127.0.0.1, on a port that the system picks. The handler is called
// from one thread a connection.
class TestServer {
 public:
  using Handler = std::function<TestReply(const TestRequest& request)>;

  explicit TestServer(Handler handler);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:port"
  std::uint16_t port() const;
  std::size_t connections() const;  // so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
