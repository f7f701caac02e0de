#include "promql/evaluator.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>

#include "promql/fold.h"

namespace ia {
namespace {

// The bits by which Prometheus marks the end of a series.
constexpr std::uint64_t kAbsentBits = 0x7ff0000000000002;
constexpr std::size_t kWorkMax = 50'000'000;  // samples looked at

using Kind = PromExpression::Kind;
constexpr std::string_view kName = "__name__";

PromLabels without_name(PromLabels labels) {
  std::erase_if(labels, [](const auto& label) { return label.first == kName; });
  return labels;
}

double apply(PromBinary binary, double a, double b) {
  switch (binary) {
    case PromBinary::kAdd:
      return a + b;
    case PromBinary::kSubtract:
      return a - b;
    case PromBinary::kMultiply:
      return a * b;
    case PromBinary::kDivide:
      return a / b;
    case PromBinary::kModulo:
      return std::fmod(a, b);
    case PromBinary::kEqual:
      return a == b ? 1 : 0;
    case PromBinary::kNotEqual:
      return a != b ? 1 : 0;
    case PromBinary::kLess:
      return a < b ? 1 : 0;
    case PromBinary::kLessOrEqual:
      return a <= b ? 1 : 0;
    case PromBinary::kGreater:
      return a > b ? 1 : 0;
    case PromBinary::kGreaterOrEqual:
      return a >= b ? 1 : 0;
  }
  return std::nan("");
}

bool compares(PromBinary binary) { return binary >= PromBinary::kEqual; }

// From what was when the window began to what is at its end.
bool is_change(PromFunction function) {
  return function == PromFunction::kDelta || function == PromFunction::kRate;
}

class Evaluation {
 public:
  Evaluation(const PromTimes& at, PromSource& source)
      : times_(at.times), look_back_(at.look_back), source_(source) {}

  PromResult<PromValue> of(const PromExpression& expression) {
    switch (expression.kind) {
      case Kind::kNumber:
        return scalar(expression.number);
      case Kind::kString:
        return PromValue{.type = PromType::kString, .series = {}, .text = expression.text};
      case Kind::kSelector:
        return of_selector(expression.selector);
      case Kind::kNegation:
        return mapped(*expression.operands[0], [](double value) { return -value; });
      case Kind::kCall:
        return of_call(expression);
      case Kind::kAggregation:
        return of_aggregation(expression);
      case Kind::kBinary:
        return of_binary(expression);
    }
    return PromValue{};
  }

 private:
  PromValue scalar(double number) const {
    return {.type = PromType::kScalar,
            .series = {{{}, std::vector<double>(times_.size(), number)}}};
  }

  PromResult<PromValue> of_selector(const PromSelector& selector) {
    if (selector.window.count() > 0) return of_window(selector);
    auto samples = read(selector, look_back_);
    if (!samples) return std::unexpected(samples.error());
    return sampled(*samples, selector.offset);
  }

  PromResult<PromValue> of_window(const PromSelector& selector) {
    if (times_.size() > 1) {
      return std::unexpected(
          PromError{400, "bad_data",
                    "a metric over a time needs a function here, such as delta(" + selector.metric +
                        "[1h])"});
    }
    auto samples = read(selector, selector.window);
    if (!samples) return std::unexpected(samples.error());
    std::erase_if(*samples, [](const PromSamples& one) { return one.times.empty(); });
    return PromValue{.type = PromType::kMatrix, .series = {}, .matrix = std::move(*samples)};
  }

  PromResult<std::vector<PromSamples>> read(const PromSelector& selector,
                                            std::chrono::milliseconds window) {
    return source_.select(selector, times_.front() - selector.offset - window,
                          times_.back() - selector.offset);
  }

  // The newest value of each look-back.
  PromValue sampled(std::span<PromSamples> samples, std::chrono::milliseconds offset) const {
    PromValue result;
    for (auto& one : samples) {
      PromSeries series{std::move(one.labels), {}};
      series.values.reserve(times_.size());
      std::size_t behind = 0;
      for (const auto time : times_) {
        const auto at = time - offset;
        while (behind < one.times.size() && one.times[behind] <= at) ++behind;
        const bool is_fresh = behind > 0 && one.times[behind - 1] > at - look_back_;
        series.values.push_back(is_fresh ? one.values[behind - 1] : absent_value());
      }
      result.series.push_back(std::move(series));
    }
    return result;
  }

  PromResult<PromValue> mapped(const PromExpression& operand,
                               const std::function<double(double)>& change) {
    auto value = of(operand);
    if (!value) return value;
    for (auto& series : value->series) {
      series.labels = without_name(std::move(series.labels));
      for (auto& number : series.values) {
        if (!is_absent(number)) number = change(number);
      }
    }
    return value;
  }

  PromResult<PromValue> of_call(const PromExpression& call) {
    const auto& operand = *call.operands[0];
    if (call.function == PromFunction::kAbs) {
      return mapped(operand, [](double number) { return std::abs(number); });
    }
    const auto& selector = operand.selector;
    const auto before = is_change(call.function) ? look_back_ : std::chrono::milliseconds{0};
    auto samples = read(selector, selector.window + before);
    if (!samples) return std::unexpected(samples.error());
    PromValue result;
    for (auto& one : *samples) {
      auto series = over_time(call.function, selector, one);
      if (!series) return std::unexpected(series.error());
      result.series.push_back(std::move(*series));
    }
    return result;
  }

  PromResult<PromSeries> over_time(PromFunction function, const PromSelector& selector,
                                   PromSamples& samples) {
    PromSeries series{function == PromFunction::kLastOverTime
                          ? std::move(samples.labels)
                          : without_name(std::move(samples.labels)),
                      {}};
    std::size_t begin = 0;
    std::size_t end = 0;
    for (const auto time : times_) {
      const auto at = time - selector.offset;
      while (end < samples.times.size() && samples.times[end] <= at) ++end;
      while (begin < end && samples.times[begin] <= at - selector.window) ++begin;
      auto first = begin;
      const bool stood = first > 0 && samples.times[first - 1] > at - selector.window - look_back_;
      if (is_change(function) && stood && begin < end) --first;
      work_ += end - first;
      if (work_ > kWorkMax) {
        return std::unexpected(
            PromError{.message = "too much to compute: ask for a longer step, a shorter time or "
                                 "fewer influencers"});
      }
      series.values.push_back(
          first == end ? absent_value()
                       : prom_fold(function, std::span(samples.times).subspan(first, end - first),
                                   std::span(samples.values).subspan(first, end - first)));
    }
    return series;
  }

  // How many topk and bottomk keep; 0 of other aggregations.
  PromResult<double> count_of(const PromExpression& node) {
    if (node.operands.size() < 2) return 0;
    const auto count = of(*node.operands[1]);
    if (!count) return std::unexpected(count.error());
    const auto number = count->series[0].values[0];
    if (std::abs(number) < 0x1p63) return number;
    return std::unexpected(PromError{.message = "topk and bottomk need a whole number, got " +
                                                std::to_string(number)});
  }

  PromResult<PromValue> of_aggregation(const PromExpression& node) {
    const auto& operand = *node.operands[0];
    const auto count = count_of(node);
    if (!count) return std::unexpected(count.error());
    const bool is_best = node.aggregation >= PromAggregation::kTopk;
    if (operand.kind == Kind::kSelector) {
      auto all = source_.select_of_all(node, *count, {times_, look_back_});
      if (!all) return std::unexpected(all.error());
      if (*all) {
        auto value = sampled(**all, operand.selector.offset);
        return is_best ? grouped(node, *count, std::move(value)) : std::move(value);
      }
    }
    auto value = of(operand);
    if (!value) return value;
    return grouped(node, *count, std::move(*value));
  }

  PromValue grouped(const PromExpression& node, double count, PromValue value) const {
    std::map<PromLabels, std::size_t> places;
    std::vector<std::pair<PromLabels, std::vector<PromSeries*>>> groups;  // as they are met first
    for (auto& series : value.series) {
      const auto labels = group_of(node, series.labels);
      const auto place = places.emplace(labels, groups.size()).first->second;
      if (place == groups.size()) groups.push_back({labels, {}});
      groups[place].second.push_back(&series);
    }
    PromValue result;
    for (auto& [labels, members] : groups) {
      if (node.aggregation >= PromAggregation::kTopk) {
        keep_best(node, count, members);
        for (auto* member : members) result.series.push_back(std::move(*member));
      } else {
        result.series.push_back(merged(node.aggregation, labels, members));
      }
    }
    return result;
  }

  static PromLabels group_of(const PromExpression& node, const PromLabels& labels) {
    PromLabels group;
    for (const auto& label : labels) {
      const bool is_named = std::ranges::find(node.grouping, label.first) != node.grouping.end();
      const bool is_dropped = node.is_without && label.first == kName;
      if (is_named != node.is_without && !is_dropped) group.push_back(label);
    }
    return group;
  }

  // All but the largest, or smallest, at each time become absent; at one time the best come first.
  void keep_best(const PromExpression& node, double wanted, std::span<PromSeries*> members) const {
    const bool is_top = node.aggregation == PromAggregation::kTopk;
    const auto count =
        wanted >= 1 ? static_cast<std::size_t>(std::min(wanted, 1e9)) : std::size_t{0};
    const auto place_at = [is_top](std::size_t i) {
      return [is_top, i](const PromSeries* one) {
        const auto value = one->values[i];
        const bool is_nan = std::isnan(value);  // no value is worse
        return std::tuple(is_nan, is_nan ? 0 : (is_top ? -value : value));
      };
    };
    std::vector<PromSeries*> present;
    for (std::size_t i = 0; i < times_.size(); ++i) {
      present.clear();
      std::ranges::copy_if(members, std::back_inserter(present),
                           [i](const PromSeries* one) { return !is_absent(one->values[i]); });
      if (present.size() <= count) continue;
      std::ranges::stable_sort(present, {}, place_at(i));
      for (auto* other : std::span(present).subspan(count)) other->values[i] = absent_value();
    }
    if (times_.size() == 1) std::ranges::stable_sort(members, {}, place_at(0));
  }

  PromSeries merged(PromAggregation aggregation, const PromLabels& labels,
                    std::span<PromSeries* const> members) const {
    PromSeries series{labels, std::vector<double>(times_.size(), absent_value())};
    std::vector<double> present;
    for (std::size_t i = 0; i < times_.size(); ++i) {
      present.clear();
      for (const auto* member : members) {
        if (!is_absent(member->values[i])) present.push_back(member->values[i]);
      }
      if (!present.empty()) series.values[i] = merged(aggregation, present);
    }
    return series;
  }
  static double merged(PromAggregation aggregation, std::span<const double> values) {
    switch (aggregation) {
      case PromAggregation::kSum:
        return prom_sum(values);
      case PromAggregation::kAvg:
        return prom_average(values);
      case PromAggregation::kMin:
        return prom_extreme(values, false);
      case PromAggregation::kMax:
        return prom_extreme(values, true);
      default:
        return static_cast<double>(values.size());
    }
  }

  PromResult<PromValue> of_binary(const PromExpression& node) {
    auto left = of(*node.operands[0]);
    if (!left) return left;
    auto right = of(*node.operands[1]);
    if (!right) return right;
    const bool left_is_scalar = left->type == PromType::kScalar;
    const bool right_is_scalar = right->type == PromType::kScalar;
    if (!left_is_scalar && !right_is_scalar) return matched(node, *left, *right);
    PromValue result{.type = node.type, .series = {}};
    auto& many = left_is_scalar ? right->series : left->series;
    for (auto& one : many) {
      const auto& a = left_is_scalar ? left->series[0] : one;
      const auto& b = right_is_scalar ? right->series[0] : one;
      result.series.push_back(combined(node, one, a, b));
    }
    return result;
  }

  // `labelled` gives the labels, and the values that a comparison keeps.
  PromSeries combined(const PromExpression& node, const PromSeries& labelled, const PromSeries& a,
                      const PromSeries& b) const {
    const bool filters = compares(node.binary) && !node.returns_bool;
    PromSeries series{filters ? labelled.labels : without_name(labelled.labels), {}};
    series.values.reserve(times_.size());
    for (std::size_t i = 0; i < times_.size(); ++i) {
      if (is_absent(a.values[i]) || is_absent(b.values[i])) {
        series.values.push_back(absent_value());
        continue;
      }
      const auto value = apply(node.binary, a.values[i], b.values[i]);
      if (filters) {
        series.values.push_back(value != 0 ? labelled.values[i] : absent_value());
      } else {
        series.values.push_back(value);
      }
    }
    return series;
  }

  // One to one, by all labels but the name.
  PromResult<PromValue> matched(const PromExpression& node, const PromValue& left,
                                const PromValue& right) const {
    std::map<PromLabels, const PromSeries*> by_labels;
    for (const auto& series : right.series) {
      if (by_labels.emplace(without_name(series.labels), &series).second) continue;
      return std::unexpected(PromError{.message = "several series on the right have equal labels"});
    }
    PromValue result;
    for (const auto& series : left.series) {
      const auto other = by_labels.find(without_name(series.labels));
      if (other == by_labels.end()) continue;
      result.series.push_back(combined(node, series, series, *other->second));
    }
    return result;
  }

  const std::span<const WallTime> times_;
  const std::chrono::milliseconds look_back_;
  PromSource& source_;
  std::size_t work_ = 0;
};

}  // namespace

double absent_value() { return std::bit_cast<double>(kAbsentBits); }
bool is_absent(double value) { return std::bit_cast<std::uint64_t>(value) == kAbsentBits; }

PromResult<PromValue> evaluate(const PromExpression& expression, const PromTimes& at,
                               PromSource& source) {
  auto value = Evaluation(at, source).of(expression);
  if (!value || value->type != PromType::kVector) return value;
  std::erase_if(value->series, [](const PromSeries& series) {
    return std::ranges::all_of(series.values, is_absent);
  });
  return value;
}

}  // namespace ia
