#pragma once

#include "base/metrics.h"
#include "ports/provider.h"

namespace ia {

// A lane's health as metrics. Set from totals now and then, so that a reply costs nothing here.
class LaneMetrics {
 public:
  explicit LaneMetrics(Metrics& metrics)
      : requests_(metrics.counter("ia_fetch_requests_total", "Requests sent, retries included.")),
        retries_(metrics.counter("ia_fetch_retries_total", "Requests repeated after a failure.")),
        in_flight_(metrics.gauge("ia_fetch_in_flight", "Requests without a reply yet.")),
        limit_(metrics.gauge("ia_fetch_limit", "The adaptive limit of requests in flight.")),
        connections_(metrics.gauge("ia_fetch_connections", "Open connections.")),
        p50_(metrics.gauge("ia_fetch_reply_seconds", "Reply times.", {{"quantile", "0.5"}})),
        p99_(metrics.gauge("ia_fetch_reply_seconds", "Reply times.", {{"quantile", "0.99"}})) {}

  void set(const ProviderHealth& health) {
    requests_.add(health.requests_total - requests_.value());
    retries_.add(health.retries_total - retries_.value());
    in_flight_.set(static_cast<double>(health.in_flight));
    limit_.set(static_cast<double>(health.in_flight_limit));
    connections_.set(static_cast<double>(health.connections));
    p50_.set(std::chrono::duration<double>(health.p50).count());
    p99_.set(std::chrono::duration<double>(health.p99).count());
  }

 private:
  CounterMetric requests_, retries_;
  GaugeMetric in_flight_, limit_, connections_, p50_, p99_;
};

}  // namespace ia
