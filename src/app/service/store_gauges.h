#pragma once

#include "base/metrics.h"
#include "ports/job_health.h"
#include "ports/store.h"

namespace ia {

// ia_store_bytes and the like, and how the jobs of the store's database fare, 0 where `jobs` is
// empty; read before each exposition. The store must outlive the metrics.
void add_store_gauges(Metrics& metrics, const Store& store, AskJobHealth jobs);

}  // namespace ia
