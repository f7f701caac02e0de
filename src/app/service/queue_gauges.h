#pragma once

#include <string>

#include "base/metrics.h"
#include "ports/queue.h"

namespace ia {

// ia_queue_..._messages{queue} and ia_queue_oldest_seconds{queue}, read before each exposition. The
// queue must outlive the metrics.
void add_queue_gauges(Metrics& metrics, const std::string& name, const Queue& queue);

}  // namespace ia
