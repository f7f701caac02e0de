#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "base/process_metrics.h"

namespace ia {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, ExposesCountersInPrometheusText) {
  Metrics metrics;
  metrics.counter("ia_points_stored_total", "Points stored.").add(3);

  EXPECT_THAT(metrics.text(), HasSubstr("# TYPE ia_points_stored_total counter"));
  EXPECT_THAT(metrics.text(), HasSubstr("ia_points_stored_total 3"));
}

// As every version of prometheus-cpp has to write them.
TEST(Metrics, WritesNumbersToTheLetter) {
  Metrics metrics;
  metrics.gauge("a", "A.").set(0.1);
  metrics.gauge("b", "B.").set(1e18);
  metrics.counter("c", "C.", {{"l", "x\n\"\\"}}).add(1'234'567'890'123);
  metrics.gauge("d", "D.").set(-2.5);
  metrics.histogram("h", "H.", {}, {0.005, 0.25, 10}).observe(0.2);

  metrics.gauge("e", "E.").set(1.0 / 3);

  EXPECT_EQ(metrics.text(),
            "# HELP c C.\n# TYPE c counter\nc{l=\"x\\n\\\"\\\\\"} 1234567890123\n"
            "# HELP a A.\n# TYPE a gauge\na 0.1\n"
            "# HELP b B.\n# TYPE b gauge\nb 1e+18\n"
            "# HELP d D.\n# TYPE d gauge\nd -2.5\n"
            "# HELP e E.\n# TYPE e gauge\ne 0.3333333333333333\n"
            "# HELP h H.\n# TYPE h histogram\nh_count 1\nh_sum 0.2\n"
            "h_bucket{le=\"0.005\"} 0\nh_bucket{le=\"0.25\"} 1\nh_bucket{le=\"10\"} 1\n"
            "h_bucket{le=\"+Inf\"} 1\n");
}

TEST(Metrics, ExposesQuantilesAsASummary) {
  Metrics metrics;
  metrics.gauge("s_seconds", "S.", {{"quantile", "0.5"}}).set(0.25);
  metrics.gauge("s_seconds_more", "Not S.").set(1);
  EXPECT_EQ(metrics.text(),
            "# HELP s_seconds S.\n# TYPE s_seconds summary\ns_seconds{quantile=\"0.5\"} 0.25\n"
            "# HELP s_seconds_more Not S.\n# TYPE s_seconds_more gauge\ns_seconds_more 1\n");
}

TEST(ProcessMetrics, AreThoseOfEveryClientLibrary) {
  const auto value_of = [text = process_metrics_text()](const std::string& name) {
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  };
  EXPECT_GT(value_of("process_open_fds"), 2);
  EXPECT_GE(value_of("process_max_fds"), value_of("process_open_fds"));
  EXPECT_GT(value_of("process_resident_memory_bytes"), 1e6);
  EXPECT_GE(value_of("process_virtual_memory_bytes"), value_of("process_resident_memory_bytes"));
  EXPECT_GE(value_of("process_cpu_seconds_total"), 0);
  EXPECT_GT(value_of("process_start_time_seconds"), 1.7e9);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_LE(value_of("process_start_time_seconds"), std::chrono::duration<double>(now).count() + 1);
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
