#include "http/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "http/worker.h"

namespace ia {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

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

Result<tcp::acceptor> listen(asio::io_context& io, const HttpServerOptions& options) {
  error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) {
    return fail(Errc::kInvalid, fmt::format("cannot listen on '{}': it is not an IP address, such "
                                            "as 127.0.0.1, 0.0.0.0 or ::1",
                                            options.host));
  }
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
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
    for (std::size_t i = 0; i < threads; ++i) {
      workers.push_back(std::make_unique<HttpWorker>(shared));
    }
  }

  HttpShared shared;
  std::vector<std::unique_ptr<HttpWorker>> workers;
  tcp::endpoint endpoint;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      HttpHandler handler, Metrics& metrics,
                                                      Log& log, const Clock& clock) {
  auto state = std::make_unique<State>(std::move(options), std::move(handler), metrics, log, clock);
  asio::io_context io;
  auto acceptor = listen(io, state->shared.options);
  if (!acceptor) return std::unexpected(acceptor.error());
  error_code ignored;
  state->endpoint = acceptor->local_endpoint(ignored);
  std::vector<HttpWorker*> workers;
  for (const auto& worker : state->workers) workers.push_back(worker.get());
  workers.front()->accept_from(acceptor->release(), state->endpoint.address().is_v6(), workers);
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
