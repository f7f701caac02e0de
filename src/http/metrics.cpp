#include "http/metrics.h"

#include <array>
#include <optional>

namespace ia {
namespace {

constexpr std::size_t kCodes = 600;
const std::vector<double> kSecondsBounds = {0.00005, 0.0001, 0.00025, 0.001, 0.0025,
                                            0.01,    0.05,   0.25,    1};

}  // namespace

struct HttpMetrics::Route {
  Route(std::string name_in, HistogramMetric seconds_in)
      : name(std::move(name_in)), seconds(seconds_in) {}

  std::string name;
  HistogramMetric seconds;
  // Written once under the mutex, then read without it.
  std::array<std::atomic<const CounterMetric*>, kCodes> by_code{};
  std::vector<std::unique_ptr<const CounterMetric>> owned;
};

HttpMetrics::HttpMetrics(Metrics& metrics, std::vector<std::string> routes) : metrics_(metrics) {
  for (auto& name : routes) {
    auto seconds = metrics.histogram("ia_http_request_seconds",
                                     "From the whole request to the answer ready to be sent.",
                                     {{"route", name}}, kSecondsBounds);
    routes_.push_back(std::make_unique<Route>(std::move(name), seconds));
    for (const int code : {200, 500, 503}) counter(*routes_.back(), code);
  }
}

HttpMetrics::~HttpMetrics() = default;

CounterMetric HttpMetrics::counter(Route& route, int status) {
  auto& slot = route.by_code[static_cast<std::size_t>(status) % kCodes];
  if (const auto* known = slot.load(std::memory_order_acquire)) return *known;
  const std::scoped_lock lock(mutex_);
  auto made = std::make_unique<const CounterMetric>(
      metrics_.counter("ia_http_requests_total", "Requests that were answered.",
                       {{"route", route.name}, {"code", std::to_string(status)}}));
  const auto* pointer = made.get();
  route.owned.push_back(std::move(made));
  slot.store(pointer, std::memory_order_release);
  return *pointer;
}

void HttpMetrics::count(std::size_t route, int status, double seconds) {
  auto& entry = *routes_[route < routes_.size() ? route : 0];
  counter(entry, status).add();
  entry.seconds.observe(seconds);
}

}  // namespace ia
