#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ia {

// The part of PromQL (https://prometheus.io/docs/prometheus/latest/querying/) that Grafana's panels
// and variables are made of; docs/grafana.md has the list. What is outside of it is an error that
// says so. Nothing here knows of influencers.

// A label's condition. Of regular expressions, those that are words with "|" between them.
struct PromMatcher {
  std::string label;
  bool wanted = true;               // =, =~; false: !=, !~
  std::vector<std::string> values;  // any of them
  bool is_anything = false;         // =~".*" or ".+": any value, or for .+ a value at all
  bool holds(std::string_view value) const;
};

struct PromSelector {
  std::string metric;
  std::vector<PromMatcher> matchers;    // without __name__
  std::chrono::milliseconds window{0};  // of "[5m]"; 0: none
  std::chrono::milliseconds offset{0};  // back in time
};

enum class PromBinary : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
};
enum class PromAggregation : std::uint8_t { kSum, kAvg, kMin, kMax, kCount, kTopk, kBottomk };
enum class PromFunction : std::uint8_t {
  kAbs,
  kDelta,  // "delta" and "increase": a fall is a fall, as no metric here is a counter
  kRate,   // the same a second
  kDeriv,
  kAvgOverTime,
  kMinOverTime,
  kMaxOverTime,
  kSumOverTime,
  kCountOverTime,
  kLastOverTime,
};

struct PromExpression {
  enum class Kind : std::uint8_t { kNumber, kSelector, kNegation, kBinary, kAggregation, kCall };
  Kind kind = Kind::kNumber;
  double number = 0;
  PromSelector selector{};
  PromBinary binary{};
  bool returns_bool = false;  // of a comparison
  PromAggregation aggregation{};
  double parameter = 0;  // of topk and bottomk
  bool is_without = false;
  std::vector<std::string> grouping{};  // by these labels, or without them
  PromFunction function{};
  // One, but for two of kBinary; none of kNumber and kSelector.
  std::vector<std::unique_ptr<PromExpression>> operands{};
};

// The error is for people: what is wrong, where, and what is understood. Work and depth are bounded
// by the text's length, which may be 8 KiB.
std::expected<std::unique_ptr<PromExpression>, std::string> parse_promql(std::string_view text);

// "5m", "1h30m", "90": seconds without a unit. Nothing for anything else, and beyond 100 years.
std::expected<std::chrono::milliseconds, std::string> parse_prom_duration(std::string_view text);

}  // namespace ia
