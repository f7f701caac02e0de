#include "promql/fold.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "promql/evaluator.h"

namespace ia {
namespace {

// Of values a second, by least squares.
double slope_of(std::span<const WallTime> times, std::span<const double> values) {
  double sum_x = 0, sum_y = 0, sum_xy = 0, sum_xx = 0;
  const auto count = static_cast<double>(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto x = std::chrono::duration<double>(times[i] - times[0]).count();
    const auto y = values[i] - values[0];
    sum_x += x;
    sum_y += y;
    sum_xy += x * y;
    sum_xx += x * x;
  }
  return (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x);
}

}  // namespace

double prom_sum(std::span<const double> values) {
  double sum = 0;
  double rest = 0;
  for (const auto value : values) {
    const auto total = sum + value;
    if (std::isinf(total)) {
      rest = 0;
    } else {
      rest += std::abs(sum) >= std::abs(value) ? (sum - total) + value : (value - total) + sum;
    }
    sum = total;
  }
  return sum + rest;
}

double prom_average(std::span<const double> values) {
  const auto count = static_cast<double>(values.size());
  const auto average = prom_sum(values) / count;
  const bool overflows = std::isinf(average) && std::ranges::none_of(values, [](double value) {
                           return std::isinf(value);
                         });
  if (!overflows) return average;
  double sum = 0;
  for (const auto value : values) sum += value / count;
  return sum;
}

double prom_extreme(std::span<const double> values, bool is_most) {
  auto best = values.front();
  for (const auto value : values) {
    if (std::isnan(best) || (is_most ? value > best : value < best)) best = value;
  }
  return best;
}

double prom_fold(PromFunction function, std::span<const WallTime> times,
                 std::span<const double> values) {
  switch (function) {
    case PromFunction::kDelta:
      return values.size() < 2 ? absent_value() : values.back() - values.front();
    case PromFunction::kRate:
      return values.size() < 2
                 ? absent_value()
                 : (values.back() - values.front()) /
                       std::chrono::duration<double>(times.back() - times.front()).count();
    case PromFunction::kDeriv:
      return values.size() < 2 ? absent_value() : slope_of(times, values);
    case PromFunction::kMinOverTime:
      return prom_extreme(values, false);
    case PromFunction::kMaxOverTime:
      return prom_extreme(values, true);
    case PromFunction::kSumOverTime:
      return prom_sum(values);
    case PromFunction::kAvgOverTime:
      return prom_average(values);
    case PromFunction::kCountOverTime:
      return static_cast<double>(values.size());
    case PromFunction::kLastOverTime:
      return values.back();
    case PromFunction::kAbs:
      break;
  }
  return absent_value();
}

}  // namespace ia
