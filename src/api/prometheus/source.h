#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/observed.h"
#include "promql/evaluator.h"

namespace ia {

// A metric of ours as Prometheus would see it. All are gauges. docs/grafana.md lists them.
struct PromMetric {
  std::string_view name;
  std::string_view help;
  bool is_each = false;  // one series an influencer, labels id and username; else of everybody
};
std::span<const PromMetric> prom_metrics();

// From `start` to `end`, both included.
struct PromSpan {
  WallTime start = WallTime::min();
  WallTime end = WallTime::max();
};

// What is watched, as metrics. A query names at most kInfluencersMax influencers, by id or
// username, or asks for something of everybody that is known without reading everybody.
class PrometheusSource final : public PromSource {
 public:
  static constexpr std::size_t kInfluencersMax = 100;
  static constexpr std::size_t kCandidatesMax = 1'000;

  PrometheusSource(const ApiContext& context, Observed& observed)
      : context_(context), observed_(observed) {}

  PromResult<std::vector<PromSamples>> select(const PromSelector& selector, WallTime after,
                                              WallTime through) override;
  // sum, avg and count of followers and of following; topk and bottomk of followers. Their
  // candidates are taken in the order of the newest values, which is a warning, until each time has
  // as many samples as are wanted, and at most kCandidatesMax series are read, and no more minutes
  // of them than of named ones.
  PromResult<std::optional<std::vector<PromSamples>>> select_of_all(
      const PromExpression& aggregation, double count, const PromTimes& at) override;
  // Whether the store has values that may be in the span.
  PromResult<bool> may_have_samples(const PromSpan& span);
  // The label sets of a selector, without reading values: those that may have a sample in the span,
  // by the store's oldest minute and the influencer's newest one. Series of a selector that names
  // no influencer are left out: their metrics are in unlisted() then, their values in
  // add_unlisted().
  PromResult<std::vector<PromLabels>> series(const PromSelector& selector, const PromSpan& span);
  const std::set<std::string_view>& unlisted() const { return unlisted_; }
  // Adds what the label is in the series that were left out, until there are more than `limit`
  // values; of the 100,000 with most followers at most.
  void add_unlisted(std::string_view label, std::size_t limit, std::set<std::string>& values) const;

  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  PromResult<std::vector<InfluencerId>> influencers_of(const PromSelector& selector);
  PromResult<std::vector<InfluencerId>> named(const PromMatcher& matcher);
  PromResult<std::vector<PromSamples>> select_each(const PromSelector& selector,
                                                   std::span<const InfluencerId> influencers,
                                                   MinuteRange range);
  std::vector<PromSamples> newest(const PromSelector& selector,
                                  std::span<const InfluencerId> influencers, WallTime after,
                                  WallTime through);
  PromResult<std::vector<PromSamples>> select_minutes(const PromSelector& selector,
                                                      MinuteRange range);
  PromResult<PromSamples> of_everybody(const PromExpression& aggregation, MinuteRange range);
  PromResult<std::vector<PromSamples>> best(const PromExpression& aggregation, double count,
                                            const PromTimes& at);
  PromResult<std::vector<std::size_t>> wanted_at(double count, const PromTimes& at);
  // Whether the influencer has values that may be in the span.
  bool may_have_samples(std::string_view metric, InfluencerId influencer,
                        const PromSpan& span) const;

  const ApiContext& context_;
  Observed& observed_;
  void warn_of_damage();
  std::vector<std::string> warnings_;
  std::set<std::string_view> unlisted_;
  std::vector<PromSelector> of_nobody_;  // the selectors that named nobody
};

}  // namespace ia
