#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip_address.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/message.h"
#include "http/request_reader.h"

namespace ia {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an IP address, without brackets
  std::uint16_t port = 8080;       // 0: any free one
  std::size_t threads = 1;
  std::size_t connections_max = 1024;  // further ones get 503 and are closed
  std::size_t streams_max = 10'000;    // counted apart; further ones get 503
  // Of answers that clients have not taken yet, of all clients of a thread and of one. Where it is
  // more, further requests get 503 or 429.
  std::size_t unsent_bytes_max = std::size_t{64} << 20;
  std::size_t unsent_bytes_of_client = std::size_t{8} << 20;
  double rate_limit = 0;               // requests/s of one client address; 0: off
  // Proxies whose X-Forwarded-For, or else Forwarded, is believed: it says who the client is.
  std::vector<AddressRange> trusted_proxies{};
  // Names that may stand in Host besides those of this machine and IP addresses, in lower case:
  // "example.org", "*.example.org" or "*". Empty: on loopback none, so that no page of another
  // origin can read through a name that resolves to this machine; else any.
  std::vector<std::string> allowed_hosts{};
  // A crowd comes through few connections that stay: each may make this many requests.
  std::size_t requests_per_connection = 100'000;

  RequestLimits request{};
  // From the first byte of a request to its whole header, and to its whole body.
  std::chrono::milliseconds header_timeout{5'000};
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::milliseconds idle_timeout{30'000};
  // Without a byte taken by the client; and the whole answer must go at 16 KiB/s at least.
  std::chrono::milliseconds write_timeout{10'000};
  std::chrono::milliseconds answer_timeout{30'000};  // of late answers
  std::chrono::milliseconds stop_timeout{5'000};
  // For so long requests that are there are answered before the sockets are looked at again.
  std::chrono::microseconds turns_time{100};

  std::vector<std::string> routes{"none"};  // names for the metrics; 0: no route was reached

  // The share of one client address that is not a trusted proxy: three quarters.
  std::size_t connections_of_client() const { return connections_max - connections_max / 4; }
};

// An HTTP/1.1 server for small answers made in RAM: keep-alive, pipelining in order, HEAD, gzip,
// ETags, strict limits, and no client can hold more than its share: slow ones are dropped.
// Each thread owns its connections; one accepts for all. The handler runs on these threads and
// must not block: what takes longer comes from another thread (late_answer.h), as do streams of
// events. A stream costs some 10 KB and no thread.
//
// Clients, by address, take turns on a thread: each turn is one request, pipelined or not, however
// many connections a client has. Where connections are all taken, the one that has been idle
// longest of the client that has most makes room for a new one, and a client with more than its
// share closes its own. 503 is left for when no connection is idle.
class HttpServer {
 public:
  // The threads' priority, added to the process's: whatever fetches and stores comes first.
  static constexpr int kThreadNice = 5;

  // kInvalid or kUnavailable with advice when it cannot listen.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandler handler,
                                                   Metrics& metrics, Log& log, const Clock& clock);
  // Stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Accepts no more, closes idle connections and streams, lets requests that have begun end, late
  // answers too (at most stop_timeout), joins the threads. Repeating it does nothing.
  void stop();

  // The one that it really listens on.
  std::uint16_t port() const;
  // "127.0.0.1:8080", "[::1]:8080".
  std::string address() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
