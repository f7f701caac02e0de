#include "http/worker.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "http/answers.h"
#include "http/client_address.h"
#include "http/client_socket.h"
#include "http/connection_table.h"
#include "http/fair_queue.h"
#include "http/late_answer.h"
#include "http/server_problems.h"
#include "http/thread_priority.h"

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
constexpr asio::use_awaitable_t<Executor> kGoOn;
constexpr auto kResume = asio::as_tuple(kGoOn);

// Answers to pipelined requests are sent together up to here.
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t kFlushBytes = 64 * 1024;
// The rest of an answer goes when other connections have had their turn.
constexpr std::size_t kSentAtOnce = 512 * 1024;
constexpr std::size_t kSlowestBytesPerSecond = 16 * 1024;
constexpr milliseconds kLingerTime{1'000};
constexpr std::size_t kLingerBytesMax = 256 * 1024;
constexpr std::size_t kTurnedAwayMax = 64;
constexpr milliseconds kAcceptPause{100};
constexpr milliseconds kStoppingTick{10};
// What waits in the kernel for one stream. It takes twice as much.
constexpr int kStreamSendBuffer = 32 * 1024;
// Late answers that go on at a time: between two such lots the others are served.
constexpr std::size_t kWokenAtOnce = 64;

struct Connection : ConnectionState {
  Connection(Socket socket_in, const RequestLimits& limits)
      : ConnectionState(limits), socket(std::move(socket_in)) {}

  Socket socket;
  std::shared_ptr<Timer> news;  // cancelled when the late answer has some
};

Connection& whole(ConnectionState& state) { return static_cast<Connection&>(state); }

// One thread with its connections. At every suspension `answers_` has nothing to send, so the
// connections of a thread share it.
class Worker {
 public:
  explicit Worker(HttpShared& shared)
      : shared_(shared), connections_(shared.options), answers_(shared), io_(1), timer_(io_) {}

  void start() {
    asio::co_spawn(io_, sweep(), asio::detached);
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "api");
      lower_priority(HttpServer::kThreadNice);
      io_.run();
    });
  }

  void accept_from(int listening_socket, bool is_v6, std::vector<Worker*> workers) {
    Acceptor acceptor(io_, is_v6 ? tcp::v6() : tcp::v4(), listening_socket);
    asio::co_spawn(io_, accept(std::move(acceptor), std::move(workers)), asio::detached);
  }

  void begin_stop() {
    asio::post(io_, [this] {
      is_stopping_ = true;
      stop_deadline_ = Steady::now() + shared_.options.stop_timeout;
      if (stop_accepting_) stop_accepting_();
      for (auto* connection : connections_.all()) {
        const bool is_stream = connection->waiting == Waiting::kStream;
        if (is_stream || connection->waiting == Waiting::kIdle) close(whole(*connection));
      }
      timer_.cancel();
    });
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  enum class Sent : std::uint8_t { kAll, kSome, kFailed };

  Task<> accept(Acceptor acceptor, std::vector<Worker*> workers);
  Task<> sweep();
  Task<> serve(Socket socket, Tally::Part counted);
  Task<> turn_away(Connection& connection);
  Task<bool> receive(Connection& connection);
  Task<bool> send_rest(Connection& connection);
  Task<bool> settle(Connection& connection);
  Task<> stream(Connection& connection);
  Task<> linger(Connection& connection);

  auto turn_of(std::uint64_t client);
  void give_turns();
  std::uint64_t client_of(Connection& connection);
  bool make_room(const Connection& newcomer);
  void fill(Connection& connection);
  bool complete(Connection& connection, MonoTime began);
  void take_late(Connection& connection, std::size_t route);
  Sent send_now(Connection& connection);
  void attach(Connection& connection);
  void wake(std::weak_ptr<Timer> news);
  void wake_some();
  void close_abandoned();
  void drop(Connection& connection);
  static void close(Connection& connection);
  milliseconds tick() const;

  HttpShared& shared_;
  ConnectionTable connections_;
  std::size_t turned_away_ = 0;
  HttpAnswers answers_;
  bool is_stopping_ = false;
  MonoTime stop_deadline_ = MonoTime::max();
  std::function<void()> stop_accepting_;
  std::mutex woken_mutex_;
  std::deque<std::weak_ptr<Timer>> woken_;
  // Behind all that its coroutines use: they die with it.
  asio::io_context io_;
  FairQueue<std::move_only_function<void()>> turns_;  // what is in it are coroutines, too
  bool are_turns_given_ = false;
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
    Tally::Part counted(shared_.connections);
    asio::co_spawn(worker.io_, worker.serve(std::move(socket), std::move(counted)),
                   asio::detached);
  }
  stop_accepting_ = nullptr;
}

milliseconds Worker::tick() const {
  if (is_stopping_) return kStoppingTick;
  const auto& o = shared_.options;
  const auto shortest = std::min(
      {o.header_timeout, o.request_timeout, o.idle_timeout, o.write_timeout, o.answer_timeout});
  return std::clamp(shortest / 4, milliseconds{5}, milliseconds{250});
}

Task<> Worker::sweep() {
  while (!is_stopping_ || !connections_.all().empty()) {
    timer_.expires_after(tick());
    co_await timer_.async_wait(kResume);
    const auto now = Steady::now();
    for (auto* connection : connections_.all()) {
      if (now >= stop_deadline_) {
        close(whole(*connection));
      } else if (now >= connection->deadline) {
        drop(whole(*connection));
      }
    }
    close_abandoned();
    shared_.gate.tell(shared_.clock.mono());
  }
}

// Nobody reads from those who wait for us, so nobody would see them go.
void Worker::close_abandoned() {
  std::vector<Connection*> waiting;
  std::vector<int> sockets;
  for (auto* listed : connections_.all()) {
    const auto what = listed->waiting;
    if (what != Waiting::kAnswer && what != Waiting::kStream) continue;
    auto& connection = whole(*listed);
    if (!connection.socket.is_open()) continue;
    waiting.push_back(&connection);
    sockets.push_back(connection.socket.native_handle());
  }
  for (const auto i : abandoned(sockets)) close(*waiting[i]);
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
    case Waiting::kTurn:
    case Waiting::kLinger:
    case Waiting::kStream:
      break;
    case Waiting::kAnswer:
      shared_.slow_answer.add();
      connection.timed_out = true;
      connection.news->cancel();
      return;
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
  connection.is_closed = true;
  error_code ignored;
  connection.socket.close(ignored);
  if (connection.news) connection.news->cancel();
}

// The client whose share a request takes of.
std::uint64_t Worker::client_of(Connection& connection) {
  if (!connection.is_proxy) return connection.client;
  const auto& request = connection.reader->request();
  const ForwardedFields said{.x_forwarded_for = request.forwarded_for,
                             .forwarded = request.forwarded};
  return client_behind(connection.peer, said, shared_.options.trusted_proxies).limit_key();
}

// Waits for the client's turn among those that have requests.
auto Worker::turn_of(std::uint64_t client) {
  return asio::async_initiate<decltype(kGoOn), void()>(
      [this, client](auto go_on) {
        turns_.push(client, std::move(go_on));
        if (std::exchange(are_turns_given_, true)) return;
        asio::post(io_, [this] { give_turns(); });
      },
      kGoOn);
}

void Worker::give_turns() {
  const auto until = Steady::now() + shared_.options.turns_time;
  do {
    auto next = turns_.pop();
    if (!next) {
      are_turns_given_ = false;
      return;
    }
    (*next)();
  } while (Steady::now() < until);
  asio::post(io_, [this] { give_turns(); });
}

bool Worker::make_room(const Connection& newcomer) {
  const auto room = connections_.room_for(newcomer, shared_.connections.count());
  if (room.gives_way != nullptr) {
    shared_.crowded.add();
    close(whole(*room.gives_way));
  }
  return room.may_stay;
}

void Worker::fill(Connection& connection) {
  auto& request = connection.reader->request();
  if (const auto problem = connections_.too_much_unsent(connection)) {
    answers_.response.clear();
    answers_.respond(*problem, request.target);
  } else {
    answers_.fill(connection.peer, request);
  }
}

Task<> Worker::serve(Socket socket, Tally::Part counted) {
  Connection connection(std::move(socket), shared_.options.request);
  connection.counted = std::move(counted);
  connection.peer = IpAddress::of_peer(connection.socket.native_handle());
  connection.client = connection.peer.limit_key();
  connection.is_proxy = is_in(shared_.options.trusted_proxies, connection.peer);
  const ConnectionTable::Listing listing(connections_, connection);
  error_code error;
  connection.socket.non_blocking(true, error);
  connection.socket.set_option(tcp::no_delay(true), error);
  if (!make_room(connection)) {
    co_await turn_away(connection);
    co_return;
  }
  for (;;) {
    const auto event = connection.reader->next();
    bool keeps = true;
    bool lingers = false;
    if (event == HttpRequestReader::Event::kRequest) {
      const auto began = shared_.clock.mono();
      connection.wait_for(Waiting::kTurn);
      if (!answers_.out.empty()) connection.unsent.swap(answers_.out);
      co_await turn_of(client_of(connection));
      if (!connection.unsent.empty()) answers_.out.swap(connection.unsent);
      fill(connection);
      if (answers_.response.late && !co_await settle(connection)) break;
      keeps = complete(connection, began);
      lingers = connection.reader->keeps_connection() || connection.reader->request().has_body;
    } else if (event == HttpRequestReader::Event::kRefused || connection.timed_out) {
      const auto refusal =
          connection.timed_out
              ? HttpRequestReader::Refusal{408, "The request did not come in time."}
              : connection.reader->refusal();
      answers_.refuse({.status = refusal.status, .detail = refusal.detail});
      keeps = false;
      lingers = true;
    }
    const bool needs_more = event == HttpRequestReader::Event::kMore;
    if (needs_more && connection.reader->wants_continue()) answers_.out += kContinue;
    const bool is_small = answers_.response.body.empty() && answers_.out.size() < kFlushBytes;
    if (keeps && !needs_more && is_small) continue;
    const auto sent = send_now(connection);
    if (sent == Sent::kFailed) break;
    if (sent == Sent::kSome && !co_await send_rest(connection)) break;
    if (connection.late) {
      co_await stream(connection);
      break;
    }
    if (!keeps) {
      if (lingers) co_await linger(connection);
      break;
    }
    if (needs_more && !co_await receive(connection)) break;
  }
}

Task<> Worker::turn_away(Connection& connection) {
  shared_.full.add();
  connection.counted.reset();
  if (turned_away_ >= kTurnedAwayMax) co_return;
  ++turned_away_;
  answers_.refuse(too_many_connections());
  if (send_now(connection) == Sent::kAll) co_await linger(connection);
  --turned_away_;
}

// False when there is nobody to answer any more.
Task<bool> Worker::receive(Connection& connection) {
  connection.expect_bytes(shared_.options, Steady::now());
  if (is_stopping_ && connection.waiting == Waiting::kIdle) co_return false;
  const auto space = connection.reader->space();
  const auto [error, bytes] =
      co_await connection.socket.async_read_some(asio::buffer(space.data(), space.size()), kResume);
  if (connection.timed_out) co_return connection.socket.is_open();
  if (error) co_return false;
  connection.reader->received(bytes);
  co_return true;
}

Worker::Sent Worker::send_now(Connection& connection) {
  auto& head = answers_.out;
  auto& body = answers_.response.body;
  std::size_t sent = 0;
  const auto size = head.size() + body.size();
  error_code error;
  while (sent < std::min(size, kSentAtOnce) && !error) {
    const auto of_head = std::min(sent, head.size());
    const auto of_body = sent - of_head;
    const std::array<asio::const_buffer, 2> rest = {asio::buffer(head) + of_head,
                                                    asio::buffer(body) + of_body};
    sent += connection.socket.write_some(rest, error);
  }
  const bool is_blocked = error == asio::error::would_block || (!error && sent < size);
  if (is_blocked) connection.unsent_from = answers_.take_rest(sent, connection.unsent);
  head.clear();
  body.clear();
  if (is_blocked) return Sent::kSome;
  return error ? Sent::kFailed : Sent::kAll;
}

Task<bool> Worker::send_rest(Connection& connection) {
  const auto& unsent = connection.unsent;
  const auto held = connections_.hold_unsent(connection);
  const auto stall = shared_.options.write_timeout;
  const auto latest =
      Steady::now() + stall + std::chrono::seconds{unsent.size() / kSlowestBytesPerSecond};
  connection.waiting = Waiting::kWrite;
  for (auto sent = std::exchange(connection.unsent_from, 0); sent < unsent.size();) {
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

void Worker::attach(Connection& connection) {
  connection.late = std::exchange(answers_.response.late, nullptr);
  connection.news = std::make_shared<Timer>(io_, MonoTime::max());
  connection.late->attach([this, news = std::weak_ptr(connection.news)] { wake(news); });
}

void Worker::wake(std::weak_ptr<Timer> news) {
  const std::scoped_lock lock(woken_mutex_);
  woken_.push_back(std::move(news));
  if (woken_.size() == 1) asio::post(io_, [this] { wake_some(); });
}

void Worker::wake_some() {
  const std::scoped_lock lock(woken_mutex_);
  for (std::size_t i = 0; i < kWokenAtOnce && !woken_.empty(); ++i) {
    if (const auto news = woken_.front().lock()) news->cancel();
    woken_.pop_front();
  }
  if (!woken_.empty()) asio::post(io_, [this] { wake_some(); });
}

// Waits for the late answer and makes it the response; connection.late stays when it is a stream.
// False when there is nobody to answer any more.
Task<bool> Worker::settle(Connection& connection) {
  const auto route = answers_.response.route;
  attach(connection);
  if (!connection.late->is_answered()) {
    const auto sent = send_now(connection);
    if (sent == Sent::kFailed) co_return false;
    if (sent == Sent::kSome && !co_await send_rest(connection)) co_return false;
    connection.waiting = Waiting::kAnswer;
    connection.deadline = Steady::now() + shared_.options.answer_timeout;
    while (connection.socket.is_open() && !connection.timed_out &&
           !connection.late->is_answered()) {
      co_await connection.news->async_wait(kResume);
    }
    connection.deadline = MonoTime::max();
    if (!connection.socket.is_open()) co_return false;
  }
  take_late(connection, route);
  co_return true;
}

void Worker::take_late(Connection& connection, std::size_t route) {
  const auto& request = connection.reader->request();
  connection.timed_out = false;
  if (connection.late->is_answered()) {
    answers_.response = connection.late->take_answer();
    answers_.response.late.reset();
    const auto unread = connections_.too_much_unsent(connection);
    if (unread) answers_.respond(*unread, request.target);
  } else {
    answers_.respond(answer_too_late(), request.target);
  }
  answers_.response.route = route;
  const bool is_stream = answers_.response.is_stream && request.method == HttpMethod::kGet;
  if (is_stream && shared_.streams.count() < shared_.options.streams_max) {
    connection.count_as(shared_.streams);
    return;
  }
  connection.forget_late();
  if (!is_stream) return;
  shared_.full.add();
  answers_.respond(too_many_streams(), request.target);
}

// Sends what the stream has until it ends or its client leaves.
Task<> Worker::stream(Connection& connection) {
  auto& late = *connection.late;
  error_code ignored;
  connection.socket.set_option(asio::socket_base::send_buffer_size(kStreamSendBuffer), ignored);
  connection.reader.reset();
  while (connection.socket.is_open() && !is_stopping_) {
    const auto state = late.take(answers_.out);
    if (state == LateAnswer::State::kOverrun) {
      shared_.slow_reader.add();
      answers_.out.clear();
      break;
    }
    if (!answers_.out.empty()) {
      const auto sent = send_now(connection);
      if (sent == Sent::kFailed) break;
      if (sent == Sent::kSome && !co_await send_rest(connection)) break;
    } else if (state == LateAnswer::State::kEnded) {
      co_await linger(connection);
      break;
    } else {
      connection.waiting = Waiting::kStream;
      connection.deadline = MonoTime::max();
      co_await connection.news->async_wait(kResume);
    }
  }
}

bool Worker::complete(Connection& connection, MonoTime began) {
  auto& reader = *connection.reader;
  const bool keeps = reader.keeps_connection() && !is_stopping_ && !connection.late &&
                     ++connection.requests < shared_.options.requests_per_connection;
  answers_.complete(reader.request(), {.keeps = keeps, .is_http_10 = reader.is_http_10()}, began);
  return keeps;
}

}  // namespace

struct HttpWorker::State {
  explicit State(HttpShared& shared) : worker(shared) {}
  Worker worker;
};

HttpWorker::HttpWorker(HttpShared& shared) : state_(std::make_unique<State>(shared)) {}
HttpWorker::~HttpWorker() = default;

void HttpWorker::accept_from(int listening_socket, bool is_v6, std::vector<HttpWorker*> workers) {
  std::vector<Worker*> inner;
  for (const auto* worker : workers) inner.push_back(&worker->state_->worker);
  state_->worker.accept_from(listening_socket, is_v6, std::move(inner));
}

void HttpWorker::start() { state_->worker.start(); }
void HttpWorker::begin_stop() { state_->worker.begin_stop(); }
void HttpWorker::join() { state_->worker.join(); }

}  // namespace ia
