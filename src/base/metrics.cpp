#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

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

std::string Metrics::text() const {
  std::vector<std::function<void()>> refreshers;
  {
    const std::scoped_lock lock(state_->mutex);
    refreshers = state_->refreshers;
  }
  for (const auto& refresh : refreshers) refresh();
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace ia
