#include "simulator/mockstagram_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "simulator/responder.h"
#include "simulator/session.h"

namespace ia {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Named executors: a type-erased one costs 0.5 us a request.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kSweepLeast{5};
constexpr std::chrono::milliseconds kSweepMost{500};
constexpr std::string_view kName = "mockstagram";

class Connection;

// What connections share.
struct Host {
  const Clock& clock;
  Responder& responder;
  std::unordered_set<std::shared_ptr<Connection>> connections;

  MonoTime set_time() {
    const auto now = clock.mono();
    responder.set_time(clock.wall(), now);
    return now;
  }
};

// Reads, answers, writes, in turn; while a write does not get through, nothing is read.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Host& host, Socket socket)
      : host_(host),
        socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        session_(host.responder) {}

  void start() {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    last_active_ = host_.clock.mono();
    host_.responder.tally().opened();
    read();
  }

  void close() {
    if (!socket_.is_open()) return;
    error_code ignored;
    timer_.cancel();
    host_.responder.tally().closed();  // first: a client that sees the end may ask for the counts
    socket_.close(ignored);
    host_.connections.erase(shared_from_this());
  }

  struct Patience {
    std::chrono::milliseconds keep_alive;
    std::chrono::milliseconds request;
  };
  void close_if_idle(MonoTime now, const Patience& patience) {
    const auto idle = now - last_active_;
    if (writing_) {
      if (idle >= patience.request) close();
    } else if (session_.waiting() == Session::Waiting::kNextRequest) {
      if (idle >= patience.keep_alive) close();
    } else if (session_.waiting() == Session::Waiting::kRequest && idle >= patience.request) {
      session_.give_up(out_);
      flush();
    }
  }

 private:
  void read() {
    if (reading_ || ended_) return;
    reading_ = true;
    socket_.async_read_some(asio::buffer(in_),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              self->reading_ = false;
                              self->on_read(error, size);
                            });
  }

  void on_read(error_code error, std::size_t size) {
    if (!socket_.is_open()) return;
    if (error == asio::error::eof) return on_end();
    if (error) return close();
    last_active_ = host_.set_time();
    session_.receive({in_.data(), size}, last_active_, out_);
    flush();
  }

  // The client has said all: it still gets what it is owed.
  void on_end() {
    ended_ = true;
    const bool owed = session_.next_due().has_value() || writing_;
    if (!owed || session_.dumb()) close();
  }

  void flush() {
    if (writing_) return;
    error_code error;
    const auto sent = out_.empty() ? 0 : socket_.write_some(asio::buffer(out_), error);
    if (error && error != asio::error::would_block) return close();
    if (sent < out_.size()) return write_rest(sent);
    out_.clear();
    proceed();
  }

  void write_rest(std::size_t sent) {
    writing_ = true;
    unsent_ = out_.substr(sent);
    out_.clear();
    asio::async_write(socket_, asio::buffer(unsent_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (!self->socket_.is_open()) return;
                        if (error) return self->close();
                        self->last_active_ = self->host_.clock.mono();
                        self->flush();
                      });
  }

  void proceed() {
    const auto due = session_.next_due();
    if (session_.closing() || (ended_ && !due)) return close();
    if (due) wait_until(*due);
    if (!session_.full()) read();
  }

  void wait_until(MonoTime due) {
    if (waiting_for_ == due) return;
    waiting_for_ = due;
    timer_.expires_at(due);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (error || !self->socket_.is_open()) return;
      self->on_due();
    });
  }

  void on_due() {
    waiting_for_.reset();
    last_active_ = host_.set_time();
    session_.take_due(last_active_, out_);
    flush();
  }

  Host& host_;
  Socket socket_;
  Timer timer_;
  Session session_;
  std::array<char, kReadBytes> in_;
  std::string out_;
  std::string unsent_;  // under way in a write
  MonoTime last_active_{};
  std::optional<MonoTime> waiting_for_;
  bool reading_ = false;
  bool writing_ = false;
  bool ended_ = false;
};

std::unexpected<Error> bad_listen(const std::string& listen) {
  return fail(Errc::kInvalid, "'" + listen +
                                  "' is not a place to listen at: write an address of this machine "
                                  "and a port, like 127.0.0.1:3000 or [::1]:3000");
}

Result<tcp::endpoint> parse_listen(const std::string& listen) {
  const auto colon = listen.rfind(':');
  if (colon == listen.npos) return bad_listen(listen);
  auto host = listen.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* const end = listen.data() + listen.size();
  const auto [after, wrong] = std::from_chars(listen.data() + colon + 1, end, port);
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || wrong != std::errc{} || after != end) return bad_listen(listen);
  return tcp::endpoint(address, port);
}

Status check(const SimulatorOptions& options) {
  if (options.influencers.empty()) {
    return fail(Errc::kInvalid, "there are no influencers to simulate: give some ids");
  }
  if (options.influencers.size() > kInfluencersMax) {
    return fail(Errc::kInvalid, std::to_string(options.influencers.size()) +
                                    " influencers are too many to simulate: at most " +
                                    std::to_string(kInfluencersMax));
  }
  if (options.keep_alive.count() <= 0 || options.request_timeout.count() <= 0) {
    return fail(Errc::kInvalid, "keep_alive and request_timeout must be longer than 0");
  }
  return check(options.faults);
}

}  // namespace

struct MockstagramServer::Impl {
  Impl(SimulatorOptions given, const Clock& used_clock, Log& used_log)
      : options(std::move(given)),
        log(used_log),
        accepting(used_log, std::string(kName)),
        responder(options),
        host{used_clock, responder, {}},
        acceptor(io),
        accept_timer(io),
        outage_timer(io),
        sweep_timer(io) {}

  Status listen(const tcp::endpoint& at) {
    error_code error;
    acceptor.open(at.protocol(), error);
    if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(at, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) return {};
    error_code ignored;
    acceptor.close(ignored);
    return fail(Errc::kUnavailable, "cannot listen on " + at.address().to_string() + ":" +
                                        std::to_string(at.port()) + ": " + error.message() +
                                        "; stop what uses the port, or listen on another one");
  }

  void accept() {
    acceptor.async_accept([this](error_code error, Socket socket) {
      if (!acceptor.is_open() || error == asio::error::operation_aborted) return;
      if (error) return pause_accepting(error);
      accepting.recovered("connections are accepted again");
      const auto connection = std::make_shared<Connection>(host, std::move(socket));
      host.connections.insert(connection);
      connection->start();
      accept();
    });
  }

  // Mostly too many open files: it passes when connections close.
  void pause_accepting(error_code error) {
    accepting.failing("cannot accept connections", error.message());
    accept_timer.expires_after(kAcceptPause);
    accept_timer.async_wait([this](error_code cancelled) {
      if (!cancelled && acceptor.is_open()) accept();
    });
  }

  void close_connections() {
    // Closing takes them out of the set.
    const auto all = std::vector(host.connections.begin(), host.connections.end());
    for (const auto& connection : all) connection->close();
  }

  void sweep() {
    const auto period = std::clamp(options.keep_alive / 10, kSweepLeast, kSweepMost);
    sweep_timer.expires_after(period);
    sweep_timer.async_wait([this](error_code error) {
      if (error) return;
      const auto now = host.set_time();
      const auto all = std::vector(host.connections.begin(), host.connections.end());
      for (const auto& connection : all) {
        connection->close_if_idle(now, {options.keep_alive, options.request_timeout});
      }
      sweep();
    });
  }

  void apply(const Faults& faults) {
    faults_since = host.clock.mono();
    responder.set_faults(faults, faults_since);
    follow_outages();
  }

  // Opens or closes the port as the outages say now, and comes back when that changes.
  void follow_outages() {
    const auto since = host.clock.mono() - faults_since;
    std::optional<std::chrono::nanoseconds> next;
    bool refusing = false;
    for (const auto& outage : responder.faults().outages) {
      if (outage.kind != Outage::Kind::kRefuse) continue;
      refusing = refusing || outage.covers(since);
      for (const std::chrono::nanoseconds change : {outage.begin, outage.end}) {
        if (change > since && (!next || change < *next)) next = change;
      }
    }
    if (refusing != !acceptor.is_open()) refusing ? refuse() : reopen(next);
    outage_timer.cancel();
    if (next) follow_outages_at(faults_since + *next);
  }

  void follow_outages_at(MonoTime time) {
    outage_timer.expires_at(time);
    outage_timer.async_wait([this](error_code error) {
      if (!error) follow_outages();
    });
  }

  void refuse() {
    log.info(kName, "outage begins: connections are refused");
    error_code ignored;
    acceptor.close(ignored);
    close_connections();
  }

  void reopen(std::optional<std::chrono::nanoseconds>& next) {
    if (const auto listening = listen(endpoint); !listening) {
      log.warning(kName, "the outage goes on", {{"cause", listening.error().message}});
      next = host.clock.mono() - faults_since + kAcceptPause;
      return;
    }
    log.info(kName, "outage ends: connections are accepted");
    accept();
  }

  void stop() {
    const std::lock_guard lock(control);
    if (!thread.joinable()) return;
    asio::post(io, [this] {
      error_code ignored;
      acceptor.close(ignored);
      close_connections();
      io.stop();
    });
    thread.join();
  }

  SimulatorOptions options;
  Log& log;
  StateLog accepting;
  Responder responder;
  asio::io_context io{1};
  Host host;
  Acceptor acceptor;
  Timer accept_timer;
  Timer outage_timer;
  Timer sweep_timer;
  tcp::endpoint endpoint;  // constant once the thread runs
  MonoTime faults_since{};
  std::mutex control;  // stop and set_faults
  std::thread thread;
};

MockstagramServer::MockstagramServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MockstagramServer::~MockstagramServer() { stop(); }

Result<std::unique_ptr<MockstagramServer>> MockstagramServer::start(SimulatorOptions options,
                                                                    const Clock& clock, Log& log) {
  if (const auto sound = check(options); !sound) return std::unexpected(sound.error());
  const auto at = parse_listen(options.listen);
  if (!at) return std::unexpected(at.error());
  auto impl = std::make_unique<Impl>(std::move(options), clock, log);
  if (const auto listening = impl->listen(*at); !listening) {
    return std::unexpected(listening.error());
  }
  impl->endpoint = impl->acceptor.local_endpoint();
  impl->accept();
  impl->sweep();
  impl->apply(impl->options.faults);
  impl->thread = std::thread([raw = impl.get()] { raw->io.run(); });
  return std::unique_ptr<MockstagramServer>(new MockstagramServer(std::move(impl)));
}

std::uint16_t MockstagramServer::port() const { return impl_->endpoint.port(); }

std::string MockstagramServer::url() const {
  auto address = impl_->endpoint.address();
  if (address.is_unspecified()) {
    if (address.is_v4()) address = asio::ip::address_v4::loopback();
    if (address.is_v6()) address = asio::ip::address_v6::loopback();
  }
  const auto host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return "http://" + host + ":" + std::to_string(port());
}

void MockstagramServer::stop() { impl_->stop(); }

Status MockstagramServer::set_faults(const Faults& faults) {
  if (const auto sound = ia::check(faults); !sound) return sound;
  const std::lock_guard lock(impl_->control);
  if (!impl_->thread.joinable()) return fail(Errc::kCancelled, "the simulator was stopped");
  std::promise<void> done;
  asio::post(impl_->io, [&] {
    impl_->apply(faults);
    done.set_value();
  });
  done.get_future().wait();
  return {};
}

SimulatorCounters MockstagramServer::counters() const {
  return impl_->responder.tally().counters();
}

const AnswerLog& MockstagramServer::answers() const { return impl_->responder.answers(); }

}  // namespace ia
