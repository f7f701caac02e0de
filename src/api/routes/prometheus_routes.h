#pragma once

#include "api/observed.h"
#include "api/routes/routes.h"

namespace ia {

// The Prometheus HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/) as far as
// Grafana calls it, so that its Prometheus data source reads us: docs/grafana.md. Parameters come
// in the query or in a form; unknown ones are ignored, as Prometheus does. Errors have Prometheus's
// form. Reads only: a POST needs no token.
class PrometheusRoutes {
 public:
  PrometheusRoutes(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}
  Answer query(const RouteRequest& request, HttpResponse& response);
  Answer query_range(const RouteRequest& request, HttpResponse& response);
  Answer labels(const RouteRequest& request, HttpResponse& response);
  Answer label_values(const RouteRequest& request, HttpResponse& response);
  Answer series(const RouteRequest& request, HttpResponse& response);
  Answer metadata(const RouteRequest& request, HttpResponse& response);
  // There are none; Grafana asks.
  Answer rules(const RouteRequest& request, HttpResponse& response);
  Answer alerts(const RouteRequest& request, HttpResponse& response);
  Answer exemplars(const RouteRequest& request, HttpResponse& response);
  Answer build_info(const RouteRequest& request, HttpResponse& response);

 private:
  const ApiContext& context_;
  Observed& observed_;
};

}  // namespace ia
