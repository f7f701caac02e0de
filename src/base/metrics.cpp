#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>

namespace ia {

void CounterMetric::add(std::uint64_t count) { counter_->Increment(static_cast<double>(count)); }
std::uint64_t CounterMetric::value() const { return static_cast<std::uint64_t>(counter_->Value()); }
void GaugeMetric::set(double value) { gauge_->Set(value); }
double GaugeMetric::value() const { return gauge_->Value(); }
void HistogramMetric::observe(double value) { histogram_->Observe(value); }

struct Metrics::State {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  std::mutex mutex;
  std::vector<std::function<void()>> refreshers;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

CounterMetric Metrics::counter(const std::string& name, const std::string& help,
                               const MetricLabels& labels) {
  return CounterMetric(
      prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry).Add(labels));
}

GaugeMetric Metrics::gauge(const std::string& name, const std::string& help,
                           const MetricLabels& labels) {
  return GaugeMetric(
      prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry).Add(labels));
}

HistogramMetric Metrics::histogram(const std::string& name, const std::string& help,
                                   const MetricLabels& labels, const std::vector<double>& bounds) {
  return HistogramMetric(prometheus::BuildHistogram()
                             .Name(name)
                             .Help(help)
                             .Register(state_->registry)
                             .Add(labels, bounds));
}

void Metrics::before_exposition(std::function<void()> refresh) {
  const std::scoped_lock lock(state_->mutex);
  state_->refreshers.push_back(std::move(refresh));
}

namespace {

// A family of gauges by "quantile" is what a summary without sum and count is.
bool is_summary(const prometheus::MetricFamily& family) {
  return family.type == prometheus::MetricType::Gauge &&
         std::ranges::all_of(family.metric, [](const auto& metric) {
           return std::ranges::any_of(metric.label,
                                      [](const auto& label) { return label.name == "quantile"; });
         });
}

}  // namespace

std::string Metrics::text() const {
  std::vector<std::function<void()>> refreshers;
  {
    const std::scoped_lock lock(state_->mutex);
    refreshers = state_->refreshers;
  }
  for (const auto& refresh : refreshers) refresh();
  const auto families = state_->registry.Collect();
  auto text = prometheus::TextSerializer().Serialize(families);
  for (const auto& family : families) {
    if (family.metric.empty() || !is_summary(family)) continue;
    const auto line = "# TYPE " + family.name + " ";
    const auto at = text.find(line + "gauge\n");
    if (at != std::string::npos) text.replace(at + line.size(), 5, "summary");
  }
  return text;
}

}  // namespace ia
