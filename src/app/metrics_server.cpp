#include "app/metrics_server.h"

#include <string_view>
#include <utility>

#include "api/http.h"

namespace ia {
namespace {

constexpr std::size_t kConnectionsMax = 64;

void write_text(HttpResponse& response, int status, std::string text) {
  response.status = status;
  response.content_type = content_type::kText;
  response.cache_control = cache_control::kNever;
  response.body = std::move(text) + "\n";
}

void answer(const HttpRequest& request, HttpResponse& response, const std::string& trouble,
            const Metrics& metrics) {
  const auto path = request.target.substr(0, request.target.find('?'));
  const bool is_read = request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
  if (!is_read) {
    response.headers = "Allow: GET, HEAD\r\n";
    return write_text(response, 405, "Use GET.");
  }
  if (path == "/healthz") {
    response.route = 1;
    if (trouble.empty()) return write_text(response, 200, "alive");
    return write_text(response, 503, trouble);
  }
  if (path != "/metrics") {
    return write_text(response, 404, "Not found. This process serves /metrics and /healthz.");
  }
  response.route = 2;
  response.content_type = content_type::kMetrics;
  response.cache_control = cache_control::kNever;
  response.body = metrics.text();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> start_metrics_server(const Address& listen,
                                                         std::function<std::string()> trouble,
                                                         Metrics& metrics, Log& log,
                                                         const Clock& clock) {
  HttpServerOptions options{
      .host = listen.host, .port = listen.port, .connections_max = kConnectionsMax};
  options.routes = {"none", "healthz", "metrics"};
  auto started = HttpServer::start(
      std::move(options),
      [trouble = std::move(trouble), &metrics](const HttpRequest& request, HttpResponse& response) {
        answer(request, response, trouble(), metrics);
      },
      metrics, log, clock);
  if (!started) return fail("--metrics-listen " + format_address(listen), started.error());
  return started;
}

}  // namespace ia
