// A query: never a crash, and what is accepted can be evaluated.
#include <array>
#include <cstdint>

#include "promql/evaluator.h"

namespace {

using namespace ia;

constexpr WallTime kNow{std::chrono::days{20'000}};

class OneSeries final : public PromSource {
 public:
  PromResult<std::vector<PromSamples>> select(const PromSelector& selector, WallTime after,
                                              WallTime through) override {
    PromSamples samples{{{"__name__", selector.metric}, {"id", "1"}}, {}, {}};
    for (auto time = kNow - std::chrono::minutes{10}; time <= kNow;
         time += std::chrono::minutes{1}) {
      if (time <= after || time > through) continue;
      samples.times.push_back(time);
      samples.values.push_back(static_cast<double>(samples.times.size()));
    }
    return std::vector{samples};
  }
  PromResult<std::optional<std::vector<PromSamples>>> select_of_all(const PromExpression&, double,
                                                                    const PromTimes&) override {
    return std::nullopt;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse_promql({reinterpret_cast<const char*>(data), size});
  if (!parsed) {
    if (parsed.error().empty()) __builtin_trap();
    return 0;
  }
  constexpr std::array kTimes = {kNow - std::chrono::minutes{5}, kNow};
  OneSeries source;
  const auto value = evaluate(**parsed, {kTimes, std::chrono::minutes{5}}, source);
  if (!value) return 0;
  for (const auto& series : value->series) {
    if (series.values.size() != kTimes.size()) __builtin_trap();
  }
  return 0;
}
