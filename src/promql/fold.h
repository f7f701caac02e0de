#pragma once

#include <span>

#include "base/clock.h"
#include "promql/parser.h"

namespace ia {

// One number of many, as Prometheus makes them. All take at least one value.

double prom_sum(std::span<const double> values);      // compensated: no digits are lost on the way
double prom_average(std::span<const double> values);  // also where the sum is beyond a double
// The largest, or the smallest; NaN only when all are.
double prom_extreme(std::span<const double> values, bool is_most);
// What a function over a window makes of its samples; absent_value() where it needs two.
double prom_fold(PromFunction function, std::span<const WallTime> times,
                 std::span<const double> values);

}  // namespace ia
