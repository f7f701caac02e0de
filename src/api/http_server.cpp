#include "api/http_server.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "api/answer_writer.h"
#include "api/http_metrics.h"
#include "api/problem.h"
#include "api/rate_limiter.h"

namespace ia {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// A concrete executor: type erasure costs a tenth of a small request.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Timer = asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor>;
template <class T = void>
using Task = asio::awaitable<T, Executor>;
constexpr auto kResume = asio::as_tuple(asio::use_awaitable_t<Executor>{});

// Answers to pipelined requests are sent together up to here; larger bodies are not copied.
constexpr std::size_t kFlushBytes = 64 * 1024;
constexpr std::size_t kCopiedBodyMax = 4 * 1024;
constexpr std::size_t kSlowestBytesPerSecond = 16 * 1024;
constexpr milliseconds kLingerTime{1'000};
constexpr std::size_t kLingerBytesMax = 256 * 1024;
constexpr std::size_t kTurnedAwayMax = 64;
constexpr milliseconds kAcceptPause{100};
constexpr milliseconds kStoppingTick{10};

std::uint64_t client_of(const Socket& socket) {
  error_code error;
  const auto address = socket.remote_endpoint(error).address();
  if (error) return 0;
  if (address.is_v4()) return address.to_v4().to_uint();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_uint();
  std::uint64_t network = 0;
  const auto bytes = v6.to_bytes();
  for (std::size_t i = 0; i < 8; ++i) network = network << 8 | bytes[i];
  return network;
}

// What all threads share.
struct Shared {
  Shared(HttpServerOptions options_in, HttpHandler handler_in, Metrics& metrics_in, Log& log_in,
         const Clock& clock_in)
      : options(std::move(options_in)),
        handler(std::move(handler_in)),
        clock(clock_in),
        metrics(metrics_in, options.routes),
        limiter(options.rate_limit),
        open(metrics_in.gauge("ia_http_connections", "Open connections of clients.")),
        full(dropped(metrics_in, "full")),
        idle(dropped(metrics_in, "idle")),
        slow_request(dropped(metrics_in, "slow_request")),
        slow_reader(dropped(metrics_in, "slow_reader")),
        accepting(log_in, "api"),
        handling(log_in, "api") {}

  static CounterMetric dropped(Metrics& metrics, const char* reason) {
    return metrics.counter("ia_http_dropped_total", "Connections that the server closed.",
                           {{"reason", reason}});
  }
  void count_connection(std::size_t change) {
    open.set(static_cast<double>(connections.fetch_add(change) + change));
  }

  const HttpServerOptions options;
  const HttpHandler handler;
  const Clock& clock;
  HttpMetrics metrics;
  RateLimiter limiter;
  GaugeMetric open;
  CounterMetric full, idle, slow_request, slow_reader;
  StateLog accepting;
  StateLog handling;
  std::atomic<std::size_t> connections = 0;
};

enum class Waiting : std::uint8_t { kIdle, kRequest, kWrite, kLinger };

struct Connection {
  Connection(Socket socket_in, const RequestLimits& limits)
      : socket(std::move(socket_in)), reader(limits) {}

  Socket socket;
  HttpRequestReader reader;
  std::uint64_t client = 0;
  std::size_t requests = 0;
  std::string unsent;  // when the client takes less than we have
  std::optional<MonoTime> request_began;
  Waiting waiting = Waiting::kIdle;
  MonoTime deadline = MonoTime::max();
  bool timed_out = false;
};

// One thread with its connections. At every suspension `out_` and `response_` are empty, so the
// connections of a thread share them.
class Worker {
 public:
  explicit Worker(Shared& shared) : shared_(shared), io_(1), timer_(io_) {}

  asio::io_context& io() { return io_; }

  void start() {
    asio::co_spawn(io_, sweep(), asio::detached);
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "api");
      io_.run();
    });
  }

  void accept_from(Acceptor acceptor, std::vector<Worker*> workers) {
    asio::co_spawn(io_, accept(std::move(acceptor), std::move(workers)), asio::detached);
  }

  void begin_stop() {
    asio::post(io_, [this] {
      is_stopping_ = true;
      stop_deadline_ = Steady::now() + shared_.options.stop_timeout;
      if (stop_accepting_) stop_accepting_();
      for (auto* connection : connections_) {
        if (connection->waiting == Waiting::kIdle) close(*connection);
      }
      timer_.cancel();
    });
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  // Counts a connection and lists it for the sweep as long as it lives.
  class Listing {
   public:
    Listing(Worker& worker, Connection& connection)
        : worker_(worker),
          place_(worker.connections_.insert(worker.connections_.end(), &connection)) {}
    ~Listing() { worker_.connections_.erase(place_); }
    Listing(const Listing&) = delete;
    Listing& operator=(const Listing&) = delete;

   private:
    Worker& worker_;
    std::list<Connection*>::iterator place_;
  };
  class Counted {
   public:
    explicit Counted(Shared& shared) : shared_(&shared) { shared.count_connection(1); }
    Counted(Counted&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
    ~Counted() {
      if (shared_ != nullptr) shared_->count_connection(std::size_t{0} - 1);
    }
    Counted& operator=(Counted&&) = delete;

   private:
    Shared* shared_;
  };

  enum class Sent : std::uint8_t { kAll, kSome, kFailed };

  Task<> accept(Acceptor acceptor, std::vector<Worker*> workers);
  Task<> sweep();
  Task<> serve(Socket socket, Counted counted);
  Task<> turn_away(Socket socket);
  Task<bool> receive(Connection& connection);
  Task<bool> send_rest(Connection& connection);
  Task<> linger(Connection& connection);

  bool answer(Connection& connection);
  bool refuse(int status, std::string detail, int retry_after_seconds = 0);
  void fill(Connection& connection, const HttpRequest& request);
  void call_handler(const HttpRequest& request);
  void finish(const HttpRequest& request, AnswerWriter::Connection kind);
  Sent send_now(Connection& connection);
  void set_receive_deadline(Connection& connection);
  void drop(Connection& connection);
  static void close(Connection& connection);
  milliseconds tick() const;

  Shared& shared_;
  std::list<Connection*> connections_;
  std::size_t turned_away_ = 0;
  HttpResponse response_;
  AnswerWriter writer_;
  std::string out_;
  bool is_stopping_ = false;
  MonoTime stop_deadline_ = MonoTime::max();
  std::function<void()> stop_accepting_;
  // Behind all that its coroutines use: they die with it.
  asio::io_context io_;
  Timer timer_;
  std::thread thread_;
};

Task<> Worker::accept(Acceptor acceptor, std::vector<Worker*> workers) {
  stop_accepting_ = [&acceptor] {
    error_code ignored;
    acceptor.close(ignored);
  };
  for (std::size_t next = 0; acceptor.is_open(); ++next) {
    auto& worker = *workers[next % workers.size()];
    auto [error, socket] = co_await acceptor.async_accept(worker.io_, kResume);
    if (error == asio::error::operation_aborted || !acceptor.is_open()) break;
    if (error == asio::error::connection_aborted) continue;
    if (error) {
      shared_.accepting.failing("cannot accept connections, trying on", error.message());
      Timer pause(io_, kAcceptPause);
      co_await pause.async_wait(kResume);
      continue;
    }
    shared_.accepting.recovered("accepting connections again");
    if (shared_.connections < shared_.options.connections_max) {
      asio::co_spawn(worker.io_, worker.serve(std::move(socket), Counted(shared_)), asio::detached);
    } else {
      shared_.full.add();
      asio::co_spawn(worker.io_, worker.turn_away(std::move(socket)), asio::detached);
    }
  }
  stop_accepting_ = nullptr;
}

milliseconds Worker::tick() const {
  if (is_stopping_) return kStoppingTick;
  const auto& o = shared_.options;
  const auto shortest =
      std::min({o.header_timeout, o.request_timeout, o.idle_timeout, o.write_timeout});
  return std::clamp(shortest / 4, milliseconds{5}, milliseconds{250});
}

Task<> Worker::sweep() {
  while (!is_stopping_ || !connections_.empty()) {
    timer_.expires_after(tick());
    co_await timer_.async_wait(kResume);
    const auto now = Steady::now();
    for (auto* connection : connections_) {
      if (now >= stop_deadline_) {
        close(*connection);
      } else if (now >= connection->deadline) {
        drop(*connection);
      }
    }
  }
}

// A client that is in the middle of a request still hears why.
void Worker::drop(Connection& connection) {
  connection.deadline = MonoTime::max();
  switch (connection.waiting) {
    case Waiting::kIdle:
      shared_.idle.add();
      break;
    case Waiting::kWrite:
      shared_.slow_reader.add();
      break;
    case Waiting::kLinger:
      break;
    case Waiting::kRequest: {
      shared_.slow_request.add();
      connection.timed_out = true;
      error_code ignored;
      connection.socket.cancel(ignored);
      return;
    }
  }
  close(connection);
}

void Worker::close(Connection& connection) {
  error_code ignored;
  connection.socket.close(ignored);
}

Task<> Worker::serve(Socket socket, Counted) {
  Connection connection(std::move(socket), shared_.options.request);
  const Listing listing(*this, connection);
  error_code error;
  connection.socket.non_blocking(true, error);
  connection.socket.set_option(tcp::no_delay(true), error);
  if (shared_.limiter.is_on()) connection.client = client_of(connection.socket);
  for (;;) {
    const auto event = connection.reader.next();
    bool keeps = true;
    bool lingers = false;
    if (event == HttpRequestReader::Event::kRequest) {
      keeps = answer(connection);
      lingers = connection.reader.keeps_connection() || connection.reader.request().has_body;
    } else if (event == HttpRequestReader::Event::kRefused || connection.timed_out) {
      const auto refusal =
          connection.timed_out
              ? HttpRequestReader::Refusal{408, "The request did not come in time."}
              : connection.reader.refusal();
      keeps = refuse(refusal.status, refusal.detail);
      lingers = true;
    }
    const bool needs_more = event == HttpRequestReader::Event::kMore;
    if (keeps && !needs_more && response_.body.empty() && out_.size() < kFlushBytes) continue;
    const auto sent = send_now(connection);
    if (sent == Sent::kFailed) break;
    if (sent == Sent::kSome && !co_await send_rest(connection)) break;
    if (!keeps) {
      if (lingers) co_await linger(connection);
      break;
    }
    if (needs_more && !co_await receive(connection)) break;
  }
}

Task<> Worker::turn_away(Socket socket) {
  if (turned_away_ >= kTurnedAwayMax) co_return;
  ++turned_away_;
  Connection connection(std::move(socket), shared_.options.request);
  const Listing listing(*this, connection);
  error_code error;
  connection.socket.non_blocking(true, error);
  refuse(503, "Too many connections are open: try again soon, and keep yours.", 1);
  if (send_now(connection) == Sent::kAll) co_await linger(connection);
  --turned_away_;
}

void Worker::set_receive_deadline(Connection& connection) {
  const auto& o = shared_.options;
  const auto now = Steady::now();
  if (connection.reader.is_empty()) {
    connection.request_began.reset();
    connection.waiting = Waiting::kIdle;
    connection.deadline = now + o.idle_timeout;
    return;
  }
  if (!connection.request_began) connection.request_began = now;
  connection.waiting = Waiting::kRequest;
  connection.deadline = *connection.request_began +
                        (connection.reader.is_in_body() ? o.request_timeout : o.header_timeout);
}

// False when there is nobody to answer any more.
Task<bool> Worker::receive(Connection& connection) {
  set_receive_deadline(connection);
  if (is_stopping_ && connection.waiting == Waiting::kIdle) co_return false;
  const auto space = connection.reader.space();
  const auto [error, bytes] =
      co_await connection.socket.async_read_some(asio::buffer(space.data(), space.size()), kResume);
  if (connection.timed_out) co_return connection.socket.is_open();
  if (error) co_return false;
  connection.reader.received(bytes);
  co_return true;
}

Worker::Sent Worker::send_now(Connection& connection) {
  std::size_t sent = 0;
  const auto size = out_.size() + response_.body.size();
  error_code error;
  while (sent < size && !error) {
    const auto of_head = std::min(sent, out_.size());
    const auto of_body = sent - of_head;
    const std::array<asio::const_buffer, 2> rest = {asio::buffer(out_) + of_head,
                                                    asio::buffer(response_.body) + of_body};
    sent += connection.socket.write_some(rest, error);
  }
  const bool is_blocked = error == asio::error::would_block;
  if (is_blocked) {
    connection.unsent.assign(out_, std::min(sent, out_.size()));
    connection.unsent.append(response_.body, sent - std::min(sent, out_.size()));
  }
  out_.clear();
  response_.body.clear();
  if (is_blocked) return Sent::kSome;
  return error ? Sent::kFailed : Sent::kAll;
}

Task<bool> Worker::send_rest(Connection& connection) {
  const auto& unsent = connection.unsent;
  const auto stall = shared_.options.write_timeout;
  const auto latest =
      Steady::now() + stall + std::chrono::seconds{unsent.size() / kSlowestBytesPerSecond};
  connection.waiting = Waiting::kWrite;
  for (std::size_t sent = 0; sent < unsent.size();) {
    connection.deadline = std::min(Steady::now() + stall, latest);
    const auto [error, bytes] =
        co_await connection.socket.async_write_some(asio::buffer(unsent) + sent, kResume);
    if (error) co_return false;
    sent += bytes;
  }
  connection.unsent = {};
  co_return true;
}

// Closing with bytes unread would reset the connection, and the client could lose our answer.
Task<> Worker::linger(Connection& connection) {
  error_code error;
  connection.socket.shutdown(Socket::shutdown_send, error);
  if (error) co_return;
  connection.waiting = Waiting::kLinger;
  connection.deadline = Steady::now() + kLingerTime;
  std::array<char, 1024> ignored;
  for (std::size_t total = 0; total < kLingerBytesMax;) {
    const auto [failure, bytes] =
        co_await connection.socket.async_read_some(asio::buffer(ignored), kResume);
    if (failure) co_return;
    total += bytes;
  }
}

bool Worker::answer(Connection& connection) {
  const auto began = shared_.clock.mono();
  const auto& request = connection.reader.request();
  response_.clear();
  fill(connection, request);
  const bool keeps = connection.reader.keeps_connection() && !is_stopping_ &&
                     ++connection.requests < shared_.options.requests_per_connection;
  finish(request, {.keeps = keeps, .is_http_10 = connection.reader.is_http_10()});
  const std::chrono::duration<double> took = shared_.clock.mono() - began;
  shared_.metrics.count(response_.route, response_.status, took.count());
  return keeps;
}

void Worker::fill(Connection& connection, const HttpRequest& request) {
  if (const auto wait = shared_.limiter.refuse(connection.client, shared_.clock.mono())) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    answer_problem(response_,
                   {.status = 429,
                    .detail = fmt::format("More than {} requests a second from this address.",
                                          shared_.options.rate_limit),
                    .retry_after_seconds = static_cast<int>(seconds)},
                   request.target);
  } else if (request.has_body && request.method != HttpMethod::kOther) {
    answer_problem(response_, {.status = 400, .detail = "GET and HEAD take no body."},
                   request.target);
  } else {
    call_handler(request);
  }
}

void Worker::call_handler(const HttpRequest& request) {
  try {
    shared_.handler(request, response_);
    if (shared_.handling.is_failing()) shared_.handling.recovered("requests are answered again");
    return;
  } catch (const std::exception& failure) {
    shared_.handling.failing("a request failed, as may others", failure.what());
  }
  const auto route = response_.route;
  response_.clear();
  response_.route = route;
  answer_problem(response_, {.status = 500, .detail = "The server failed to answer: see its log."},
                 request.target);
}

// Always false: the connection ends.
bool Worker::refuse(int status, std::string detail, int retry_after_seconds) {
  response_.clear();
  answer_problem(
      response_,
      {.status = status, .detail = std::move(detail), .retry_after_seconds = retry_after_seconds},
      {});
  finish(HttpRequest{}, {.keeps = false});
  shared_.metrics.count(0, status, 0);
  return false;
}

void Worker::finish(const HttpRequest& request, AnswerWriter::Connection kind) {
  writer_.write(request, kind, shared_.clock.wall(), response_, out_);
  if (response_.body.size() > kCopiedBodyMax) return;
  out_ += response_.body;
  response_.body.clear();
}

std::string shown(const tcp::endpoint& endpoint) {
  const auto host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

std::unexpected<Error> cannot_listen(const tcp::endpoint& endpoint, const error_code& error) {
  const auto where = shown(endpoint);
  if (error == asio::error::address_in_use) {
    return fail(Errc::kUnavailable,
                fmt::format("address already in use: another program listens on {}; choose "
                            "another with --listen",
                            where));
  }
  if (error == asio::error::access_denied) {
    return fail(Errc::kInvalid,
                fmt::format("not allowed to listen on {}: ports below 1024 need a privilege; "
                            "choose another with --listen",
                            where));
  }
  if (error == boost::system::errc::address_not_available) {
    return fail(Errc::kInvalid,
                fmt::format("cannot listen on {}: no network interface of this machine has that "
                            "address; choose another with --listen",
                            where));
  }
  return fail(Errc::kUnavailable, fmt::format("cannot listen on {}: {}", where, error.message()));
}

Result<Acceptor> listen(asio::io_context& io, const HttpServerOptions& options) {
  error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) {
    return fail(Errc::kInvalid, fmt::format("cannot listen on '{}': it is not an IP address, such "
                                            "as 127.0.0.1, 0.0.0.0 or ::1",
                                            options.host));
  }
  const tcp::endpoint endpoint(address, options.port);
  Acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return cannot_listen(endpoint, error);
  return acceptor;
}

}  // namespace

struct HttpServer::State {
  State(HttpServerOptions options, HttpHandler handler, Metrics& metrics, Log& log,
        const Clock& clock)
      : shared(std::move(options), std::move(handler), metrics, log, clock) {
    const auto threads = std::max<std::size_t>(1, shared.options.threads);
    for (std::size_t i = 0; i < threads; ++i) workers.push_back(std::make_unique<Worker>(shared));
  }

  Shared shared;
  std::vector<std::unique_ptr<Worker>> workers;
  tcp::endpoint endpoint;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      HttpHandler handler, Metrics& metrics,
                                                      Log& log, const Clock& clock) {
  auto state = std::make_unique<State>(std::move(options), std::move(handler), metrics, log, clock);
  auto& first = *state->workers.front();
  auto acceptor = listen(first.io(), state->shared.options);
  if (!acceptor) return std::unexpected(acceptor.error());
  error_code ignored;
  state->endpoint = acceptor->local_endpoint(ignored);
  std::vector<Worker*> workers;
  for (const auto& worker : state->workers) workers.push_back(worker.get());
  first.accept_from(std::move(*acceptor), std::move(workers));
  for (const auto& worker : state->workers) worker->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::stop() {
  for (const auto& worker : state_->workers) worker->begin_stop();
  for (const auto& worker : state_->workers) worker->join();
}

std::uint16_t HttpServer::port() const { return state_->endpoint.port(); }

std::string HttpServer::address() const { return shown(state_->endpoint); }

}  // namespace ia
