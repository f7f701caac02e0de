#include "app/service/metrics_server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <utility>

#include "api/operation_answers.h"
#include "http/message.h"
#include "http/target.h"

namespace ia {
namespace {

constexpr std::size_t kConnectionsMax = 64;

void write_text(HttpResponse& response, int status, std::string text) {
  response.status = status;
  response.content_type = content_type::kText;
  response.cache_control = cache_control::kNever;
  response.body = std::move(text) + "\n";
}

// 200 when nothing is wrong.
void write_state(HttpResponse& response, const std::string& wrong, const char* fine) {
  if (wrong.empty()) return write_text(response, 200, fine);
  write_text(response, 503, wrong);
}

void answer(const HttpRequest& request, HttpResponse& response, const ProcessHealth& health,
            const Metrics& metrics) {
  const auto target = split_target(request.target);
  const auto path = target ? target->path : request.target;
  if (!is_read(request)) {
    response.headers = "Allow: GET, HEAD\r\n";
    return write_text(response, 405, "Use GET.");
  }
  if (path == "/healthz") {
    response.route = 1;
    return write_state(response, health.trouble(), "alive");
  }
  if (path == "/readyz") {
    response.route = 3;
    const auto reasons = health.not_ready_reasons();
    return write_state(response, fmt::format("{}", fmt::join(reasons, "\n")), "ready");
  }
  if (path != "/metrics") {
    return write_text(response, 404,
                      "Not found. This process serves /metrics, /healthz and /readyz.");
  }
  response.route = 2;
  response.cache_control = cache_control::kNever;
  answer_metrics(response, metrics);
}

}  // namespace

Result<std::unique_ptr<HttpServer>> start_metrics_server(const Address& listen,
                                                         ProcessHealth health, Metrics& metrics,
                                                         Log& log, const Clock& clock) {
  HttpServerOptions options{
      .host = listen.host, .port = listen.port, .connections_max = kConnectionsMax};
  options.routes = {"none", "healthz", "metrics", "readyz"};
  auto started = HttpServer::start(
      std::move(options),
      [health = std::move(health), &metrics](const HttpRequest& request, HttpResponse& response) {
        answer(request, response, health, metrics);
      },
      metrics, log, clock);
  if (!started) return fail("--metrics-listen " + format_address(listen), started.error());
  return started;
}

}  // namespace ia
