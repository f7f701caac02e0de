#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config/setting_values.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/server.h"

namespace ia {

// What a process says of itself. Called from the server's thread.
struct ProcessHealth {
  std::function<std::string()> trouble;  // why it does its work no more; empty when it does
  // Why what it does is of no use right now, as its queue or its store is away.
  std::function<std::vector<std::string>()> not_ready_reasons;
};

// Serves /metrics, /healthz and /readyz of a process, beside its API if it has one. /healthz
// answers 200, or 503 with the trouble; /readyz 200, or 503 with a reason per line. `metrics` and
// what `health` uses must outlive the server.
Result<std::unique_ptr<HttpServer>> start_metrics_server(const Address& listen,
                                                         ProcessHealth health, Metrics& metrics,
                                                         Log& log, const Clock& clock);

}  // namespace ia
