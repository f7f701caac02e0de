#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace ia {

using MetricLabels = std::map<std::string, std::string>;

// Handles are small, copied freely, valid as long as their Metrics, safe from any thread.
class CounterMetric {
 public:
  explicit CounterMetric(prometheus::Counter& counter) : counter_(&counter) {}
  void add(std::uint64_t count = 1);
  std::uint64_t value() const;

 private:
  prometheus::Counter* counter_;
};

class GaugeMetric {
 public:
  explicit GaugeMetric(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  void set(double value);
  double value() const;

 private:
  prometheus::Gauge* gauge_;
};

class HistogramMetric {
 public:
  explicit HistogramMetric(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  void observe(double value);

 private:
  prometheus::Histogram* histogram_;
};

// The process's metrics, in Prometheus' naming practice: prefix ia_, base units, _total for
// counters, closed sets of labels; gauges by "quantile" make a summary. Equal name, equal metric.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  CounterMetric counter(const std::string& name, const std::string& help,
                        const MetricLabels& labels = {});
  GaugeMetric gauge(const std::string& name, const std::string& help,
                    const MetricLabels& labels = {});
  HistogramMetric histogram(const std::string& name, const std::string& help,
                            const MetricLabels& labels, const std::vector<double>& bounds);

  // Called before each exposition, to set gauges that are cheap to read and costly to keep.
  void before_exposition(std::function<void()> refresh);
  // Prometheus text exposition format 0.0.4.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
