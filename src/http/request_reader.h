#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "http/message.h"

namespace ia {

struct RequestLimits {
  std::size_t target_bytes = 2 * 1024;      // more: 414
  std::size_t header_bytes = 16 * 1024;     // request line and fields; more: 431
  std::size_t body_bytes = 64 * 1024;       // more: 413
  std::size_t kept_body_bytes = 48 * 1024;  // more: HttpRequest::body stays empty
};

// Cuts the bytes of one connection into requests: receive into space(), say how many came, then
// call next() until it wants more. Strict: lines end in CRLF, no folded fields, HTTP/1.1 needs one
// well-formed Host, the only transfer coding is chunked, and trailers are dropped. Holds at most
// one header block (and what is pipelined behind it) and a body of kept_body_bytes: longer ones are
// read and dropped. Without bodies and proxies it never allocates once its buffer has grown.
class HttpRequestReader {
 public:
  enum class Event : std::uint8_t {
    kMore,     // no whole request is there
    kRequest,  // see request() and keeps_connection()
    kRefused,  // see refusal(); nothing behind it can be understood: answer and close
  };
  struct Refusal {
    int status = 400;
    std::string detail;
  };

  explicit HttpRequestReader(const RequestLimits& limits);
  ~HttpRequestReader();
  HttpRequestReader(const HttpRequestReader&) = delete;
  HttpRequestReader& operator=(const HttpRequestReader&) = delete;

  // Where the next bytes go: never empty after kMore.
  std::span<char> space();
  void received(std::size_t bytes);

  // The views of the request before are void then.
  Event next();
  HttpRequest& request();
  bool keeps_connection() const;
  bool is_http_10() const;
  // After kMore: true once per request whose client waits for "100 Continue" before it sends the
  // body.
  bool wants_continue();
  const Refusal& refusal() const;

  // Where the next request stands.
  bool is_empty() const;    // nothing of it has come
  bool is_in_body() const;  // its header is complete, its body is not

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
