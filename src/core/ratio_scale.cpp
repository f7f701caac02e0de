#include "core/ratio_scale.h"

#include <bit>

namespace ia {
namespace {

// The bits of a float that is not negative ascend with it: 8 of the exponent, 10 of the fraction.
constexpr int kBitsLeftOut = 13;
constexpr std::size_t kClasses = std::size_t{1} << 18;

std::size_t class_of(double ratio) {
  return std::bit_cast<std::uint32_t>(static_cast<float>(ratio)) >> kBitsLeftOut;
}

}  // namespace

RatioScale::RatioScale(std::span<const Counts> counts) : not_above_(kClasses) {
  for (const auto& one : counts) {
    const auto ratio = follower_ratio(one);
    if (!ratio) continue;
    ++not_above_[class_of(*ratio)];
    ++size_;
  }
  std::uint32_t below = 0;
  for (auto& count : not_above_) below = count += below;
}

RatioStanding RatioScale::standing_of(double ratio) const {
  if (size_ == 0) return {};
  const auto count = not_above_[class_of(ratio)];
  return {.percentile = 100 * static_cast<double>(count) / static_cast<double>(size_), .of = size_};
}

}  // namespace ia
