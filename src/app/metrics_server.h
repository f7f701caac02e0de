#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/http_server.h"
#include "app/setting_values.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"

namespace ia {

// Serves /metrics and /healthz of a process that has no API. /healthz answers 200 while `trouble`
// returns an empty string, and 503 with its text otherwise. `trouble` is called from the server's
// thread; it and `metrics` must outlive the server.
Result<std::unique_ptr<HttpServer>> start_metrics_server(const Address& listen,
                                                         std::function<std::string()> trouble,
                                                         Metrics& metrics, Log& log,
                                                         const Clock& clock);

}  // namespace ia
