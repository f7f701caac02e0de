#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "promql/parser.h"

namespace ia {

// Ascending by name.
using PromLabels = std::vector<std::pair<std::string, std::string>>;

// As Prometheus answers: 400 "bad_data" for what was asked wrongly, 422 "execution" for what cannot
// be answered.
struct PromError {
  int status = 422;
  std::string_view type = "execution";  // a literal
  std::string message{};
};
template <class T>
using PromResult = std::expected<T, PromError>;

// What is stored of one series: times ascend strictly.
struct PromSamples {
  PromLabels labels;
  std::vector<WallTime> times;
  std::vector<double> values;
};

struct PromTimes {
  std::span<const WallTime> times;  // at least one, ascending
  std::chrono::milliseconds
      look_back;  // an instant takes the newest sample that is younger than this
};

// Where an expression's metrics come from.
class PromSource {
 public:
  virtual ~PromSource() = default;
  // Samples in (after, through] of every series that the selector names.
  virtual PromResult<std::vector<PromSamples>> select(const PromSelector& selector, WallTime after,
                                                      WallTime through) = 0;
  // An aggregation without labels over more series than can be named, at the times less the
  // selector's offset; nullopt when it is to be made of what `select` gives. Of topk and bottomk,
  // whose number is `count`: candidates that hold the best ones of each time.
  virtual PromResult<std::optional<std::vector<PromSamples>>> select_of_all(
      const PromExpression& aggregation, double count, const PromTimes& at) = 0;
};

// A value at each of the times; is_absent() where there is none.
struct PromSeries {
  PromLabels labels;
  std::vector<double> values;
};
bool is_absent(double value);
double absent_value();

struct PromValue {
  PromType type = PromType::kVector;
  std::vector<PromSeries> series;  // of kVector; of kScalar one without labels
  std::vector<PromSamples> matrix{};
  std::string text{};
};

// Of topk and bottomk at one time the best come first. A selector over a time and a text are values
// only on their own, and the former at one time only.
// Differs from Prometheus in that delta() is the difference of the last sample and the one that
// stood when the window began (or the first one, where there was none), without extrapolation.
PromResult<PromValue> evaluate(const PromExpression& expression, const PromTimes& at,
                               PromSource& source);

}  // namespace ia
