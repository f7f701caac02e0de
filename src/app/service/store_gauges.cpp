#include "app/service/store_gauges.h"

#include <cmath>
#include <limits>
#include <utility>

namespace ia {
namespace {

void add_job_gauges(Metrics& metrics, AskJobHealth jobs) {
  auto failed = metrics.gauge("ia_store_failed_jobs",
                              "Jobs of the store's database that failed when they last ran.");
  auto uncompressed =
      metrics.gauge("ia_store_uncompressed_seconds",
                    "Time since the oldest chunk that is not compressed was complete.");
  if (!jobs) return;
  metrics.before_exposition([=, ask = std::move(jobs)]() mutable {
    const auto health = ask();
    if (!health) return;
    failed.set(static_cast<double>(health->failed));
    uncompressed.set(static_cast<double>(health->uncompressed.count()));
  });
}

}  // namespace

void add_store_gauges(Metrics& metrics, const Store& store, AskJobHealth jobs) {
  auto bytes = metrics.gauge("ia_store_bytes", "Size of the store on disk.");
  auto free_bytes = metrics.gauge("ia_disk_free_bytes", "Space left on the store's disk.");
  auto damaged = metrics.gauge("ia_store_damaged_places", "Places with damaged bytes, left out.");
  metrics.before_exposition([=, &store]() mutable {
    const auto size = store.size();
    if (!size) return;
    bytes.set(static_cast<double>(size->bytes));
    damaged.set(static_cast<double>(size->damaged));
    const bool is_known = size->free_bytes != std::numeric_limits<std::uint64_t>::max();
    free_bytes.set(is_known ? static_cast<double>(size->free_bytes) : std::nan(""));
  });
  add_job_gauges(metrics, std::move(jobs));
}

}  // namespace ia
