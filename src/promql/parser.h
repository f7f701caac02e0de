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

// What an expression's value is.
enum class PromType : std::uint8_t { kScalar, kVector, kMatrix, kString };

struct PromExpression {
  enum class Kind : std::uint8_t {
    kNumber,
    kString,
    kSelector,
    kNegation,
    kBinary,
    kAggregation,
    kCall
  };
  Kind kind = Kind::kNumber;
  PromType type = PromType::kScalar;
  double number = 0;
  std::string text{};  // of kString
  PromSelector selector{};
  PromBinary binary{};
  bool returns_bool = false;  // of a comparison
  PromAggregation aggregation{};
  bool is_grouped = false;  // "by" or "without" was given
  bool is_without = false;
  std::vector<std::string> grouping{};  // by these labels, or without them
  PromFunction function{};
  // None of kNumber, kString and kSelector; one of others, but two of kBinary, and of topk and
  // bottomk, whose second one is how many.
  std::vector<std::unique_ptr<PromExpression>> operands{};
};

// Types are checked: every operand is one that its operator takes. The error is for people: what is
// wrong, where, and what is understood. Work and depth are bounded by the text's length, which may
// be 8 KiB.
std::expected<std::unique_ptr<PromExpression>, std::string> parse_promql(std::string_view text);

}  // namespace ia
