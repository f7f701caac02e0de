#include "app/service/api_port.h"

#include "app/config/cli.h"

namespace ia {

ApiPort::ApiPort(Metrics& metrics) : gate_(metrics, version_number()) {}

Result<std::unique_ptr<ApiPort>> ApiPort::open(const Config& config, Metrics& metrics, Log& log,
                                               const Clock& clock) {
  std::unique_ptr<ApiPort> port(new ApiPort(metrics));
  HttpServerOptions options{.host = config.listen.host,
                            .port = config.listen.port,
                            .threads = config.api_threads,
                            .connections_max = config.api_max_connections,
                            .streams_max = config.api_max_streams,
                            .rate_limit = config.api_rate_limit,
                            .trusted_proxies = config.trusted_proxies,
                            .allowed_hosts = config.allowed_hosts};
  options.routes = api_route_names();
  const auto answer = [&gate = port->gate_](const HttpRequest& request, HttpResponse& response) {
    gate.answer(request, response);
  };
  auto started = HttpServer::start(std::move(options), answer, metrics, log, clock);
  if (!started) return std::unexpected(started.error());
  port->server_ = std::move(*started);
  return port;
}

}  // namespace ia
