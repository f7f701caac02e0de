#pragma once

#include <string>
#include <string_view>

#include "base/metrics.h"
#include "http/message.h"
#include "http/problem.h"

namespace ia {

// What operators are answered, also while the process is still starting.

// {"status": ..., "version": ...}
void answer_status(HttpResponse& response, std::string_view status, std::string_view version);
// All metrics, with those of the process itself.
void answer_metrics(HttpResponse& response, const Metrics& metrics);
// 503, to be tried again in a few seconds.
Problem not_ready(std::string detail);

}  // namespace ia
