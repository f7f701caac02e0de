#include "net/dialer.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "net/tunnel.h"

namespace ia {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> use_task{};
using Socket = asio::basic_stream_socket<tcp, Executor>;
using boost::system::error_code;

constexpr std::size_t kTunnelBytesMax = 32 * 1024;
constexpr milliseconds kResolveEvery{60'000}, kResolveAgain{5'000};

}  // namespace

class Dialer::Call {
 public:
  explicit Call(asio::io_context& io) : socket(io) {}

  Socket socket;
  std::unique_ptr<TlsSession> tls;
  bool is_over = false;
};

struct Dialer::State {
  State(Parts p, OnUnresolved f) : parts(std::move(p)), on_unresolved(std::move(f)) {}

  Parts parts;
  OnUnresolved on_unresolved;
  std::vector<tcp::endpoint> addresses;
  std::size_t next_address = 0;
  bool is_resolved = false, is_resolving = false;
  MonoTime resolve_at{};

  void resolve();
  void on_resolved(const error_code& error, const tcp::resolver::results_type& results);
  Task<error_code> connect(Call& call);
  Task<std::string> open_tunnel(Call& call);
  Task<std::string> shake_hands(Call& call);
  Task<std::string> reach(Call& call);
  static Wire take(Call& call);
};

void Dialer::State::resolve() {
  is_resolving = true;
  auto resolver = std::make_shared<asio::ip::basic_resolver<tcp, Executor>>(parts.io);
  const auto& proxy = parts.options.proxy;
  resolver->async_resolve(
      proxy ? proxy->host : parts.endpoint.host, proxy ? proxy->port : parts.endpoint.port,
      [this, resolver](const error_code& error, const tcp::resolver::results_type& results) {
        on_resolved(error, results);
      });
}

void Dialer::State::on_resolved(const error_code& error,
                                const tcp::resolver::results_type& results) {
  is_resolving = false;
  is_resolved = true;
  resolve_at = parts.clock.mono() + (error ? kResolveAgain : kResolveEvery);
  if (error) return on_unresolved(error.message());
  addresses.clear();
  for (const auto& entry : results) addresses.push_back(entry.endpoint());
}

// To the next address that lets us in. Others are left out until the name is resolved again.
Task<error_code> Dialer::State::connect(Call& call) {
  error_code error = asio::error::host_not_found;
  for (bool goes_on = !addresses.empty() && !call.is_over; goes_on;) {
    const auto address = addresses[next_address++ % addresses.size()];
    call.socket = Socket(parts.io);
    co_await call.socket.async_connect(address, asio::redirect_error(use_task, error));
    if (error && addresses.size() > 1) std::erase(addresses, address);
    goes_on = error && !call.is_over && addresses.front() != address;
  }
  co_return error;
}

// These three return why they failed, and nothing when they did not.
Task<std::string> Dialer::State::open_tunnel(Call& call) {
  const auto& proxy = *parts.options.proxy;
  const auto request = connect_request(parts.endpoint, proxy, parts.options.user_agent);
  error_code error;
  co_await asio::async_write(call.socket, asio::buffer(request),
                             asio::redirect_error(use_task, error));
  std::string reply;
  while (!error && reply.size() < kTunnelBytesMax) {
    char bytes[1024];
    const auto count = co_await call.socket.async_receive(asio::buffer(bytes),
                                                          asio::redirect_error(use_task, error));
    reply.append(bytes, count);
    if (auto trouble = tunnel_trouble(reply, proxy)) co_return *trouble;
  }
  co_return "no answer to CONNECT: " + (error ? error.message() : "its head does not end");
}

Task<std::string> Dialer::State::shake_hands(Call& call) {
  using Handshake = TlsSession::Handshake;
  call.tls = std::make_unique<TlsSession>(parts.clients, call.socket.native_handle(),
                                          parts.endpoint.host);
  error_code error;
  while (!error) {
    const auto state = call.tls->shake_hands();
    if (state == Handshake::kDone) co_return "";
    if (state == Handshake::kFailed) co_return call.tls->trouble();
    const auto direction =
        state == Handshake::kWaitsToRead ? Socket::wait_read : Socket::wait_write;
    co_await call.socket.async_wait(direction, asio::redirect_error(use_task, error));
  }
  co_return error.message();
}

Task<std::string> Dialer::State::reach(Call& call) {
  auto error = co_await connect(call);
  if (error) co_return error.message();
  call.socket.set_option(tcp::no_delay(true), error);
  call.socket.non_blocking(true, error);
  std::string trouble;
  const bool has_tls = parts.endpoint.tls;
  if (parts.options.proxy && has_tls) trouble = co_await open_tunnel(call);
  if (trouble.empty() && has_tls) trouble = co_await shake_hands(call);
  co_return trouble;
}

// The socket leaves Asio's reactor, which would be told of all that comes.
Wire Dialer::State::take(Call& call) {
  error_code error;
  const auto socket = call.socket.release(error);
  return error ? Wire{} : Wire(socket, std::move(call.tls));
}

Dialer::Dialer(Parts parts, OnUnresolved on_unresolved)
    : state_(std::make_unique<State>(std::move(parts), std::move(on_unresolved))) {}

Dialer::~Dialer() = default;

void Dialer::refresh(MonoTime now) {
  if (now >= state_->resolve_at && !state_->is_resolving) state_->resolve();
}

bool Dialer::is_ready() const { return state_->is_resolved; }

bool Dialer::has_addresses() const { return !state_->addresses.empty(); }

void Dialer::doubt_addresses() {
  state_->resolve_at = std::min(state_->resolve_at, state_->parts.clock.mono() + kResolveAgain);
}

std::shared_ptr<Dialer::Call> Dialer::dial(OnDialed on_dialed) {
  auto call = std::make_shared<Call>(state_->parts.io);
  auto ended = [call, done = std::move(on_dialed)](const std::exception_ptr& thrown,
                                                   const std::string& trouble) mutable {
    if (thrown) return done(Wire{}, "this machine cannot open a connection");
    if (!trouble.empty()) return done(Wire{}, trouble);
    done(State::take(*call), call->is_over ? "given up" : "");
  };
  asio::post(state_->parts.io, [state = state_.get(), call, ended = std::move(ended)]() mutable {
    asio::co_spawn(state->parts.io, state->reach(*call), std::move(ended));
  });
  return call;
}

void Dialer::hang_up(Call& call) {
  call.is_over = true;
  error_code ignored;
  call.socket.close(ignored);
}

}  // namespace ia
