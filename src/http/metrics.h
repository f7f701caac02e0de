#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/metrics.h"

namespace ia {

// ia_http_requests_total{route,code} and ia_http_request_seconds{route}. Counters of the codes that
// alerts are made of exist from the start; others come into being with their first request. Each is
// looked up once. Safe to call from any thread.
class HttpMetrics {
 public:
  HttpMetrics(Metrics& metrics, std::vector<std::string> routes);
  ~HttpMetrics();
  HttpMetrics(const HttpMetrics&) = delete;
  HttpMetrics& operator=(const HttpMetrics&) = delete;

  void count(std::size_t route, int status, double seconds);

 private:
  struct Route;
  CounterMetric counter(Route& route, int status);

  Metrics& metrics_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace ia
