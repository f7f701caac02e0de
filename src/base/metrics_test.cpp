#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, ExposesCountersInPrometheusText) {
  Metrics metrics;
  metrics.counter("ia_points_stored_total", "Points stored.").add(3);

  EXPECT_THAT(metrics.text(), HasSubstr("# TYPE ia_points_stored_total counter"));
  EXPECT_THAT(metrics.text(), HasSubstr("ia_points_stored_total 3"));
}

TEST(Metrics, GivesTheSameCounterForTheSameNameAndLabels) {
  Metrics metrics;
  metrics.counter("ia_missed_total", "Missed.", {{"reason", "timeout"}}).add(1);
  metrics.counter("ia_missed_total", "Missed.", {{"reason", "timeout"}}).add(1);

  EXPECT_THAT(metrics.text(), HasSubstr("ia_missed_total{reason=\"timeout\"} 2"));
}

TEST(Metrics, AsksForFreshGaugesBeforeAnExposition) {
  Metrics metrics;
  auto gauge = metrics.gauge("ia_queue_visible_messages", "Visible.");
  metrics.before_exposition([&] { gauge.set(7); });

  EXPECT_THAT(metrics.text(), HasSubstr("ia_queue_visible_messages 7"));
}

}  // namespace
}  // namespace ia
