#include "app/service/queue_gauges.h"

#include <chrono>

namespace ia {

void add_queue_gauges(Metrics& metrics, const std::string& name, const Queue& queue) {
  const MetricLabels labels{{"queue", name}};
  auto visible = metrics.gauge("ia_queue_visible_messages", "Messages to be received.", labels);
  auto in_flight = metrics.gauge("ia_queue_in_flight_messages", "Messages in hands.", labels);
  auto delayed = metrics.gauge("ia_queue_delayed_messages", "Messages not due yet.", labels);
  auto dead = metrics.gauge("ia_queue_dead_messages", "Messages in the dead letters.", labels);
  auto oldest = metrics.gauge("ia_queue_oldest_seconds", "Age of the oldest visible.", labels);
  metrics.before_exposition([=, &queue]() mutable {
    const auto depth = queue.depth();
    if (!depth) return;
    visible.set(static_cast<double>(depth->visible));
    in_flight.set(static_cast<double>(depth->in_flight));
    delayed.set(static_cast<double>(depth->delayed));
    dead.set(static_cast<double>(depth->dead));
    oldest.set(std::chrono::duration<double>(depth->oldest_age).count());
  });
}

}  // namespace ia
