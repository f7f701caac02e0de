#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace ia {

// Reply times in buckets of a quarter octave of microseconds; halved now and then, so that it
// speaks of the last minute or so.
class ReplyTimes {
 public:
  void add(std::chrono::nanoseconds time) {
    const auto us = std::max<double>(1, std::chrono::duration<double, std::micro>(time).count());
    const auto bucket = static_cast<std::size_t>(std::log2(us) * 4);
    ++counts_[std::min(bucket, counts_.size() - 1)];
    ++total_;
  }
  std::chrono::microseconds quantile(double share) const {
    const auto wanted = static_cast<double>(total_) * share;
    double seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += static_cast<double>(counts_[i]);
      if (seen >= wanted && total_ > 0) {
        return std::chrono::microseconds{
            static_cast<std::int64_t>(std::exp2((static_cast<double>(i) + 0.5) / 4))};
      }
    }
    return std::chrono::microseconds{0};
  }
  void fade() {
    total_ = 0;
    for (auto& count : counts_) total_ += count /= 2;
  }

 private:
  std::array<std::uint64_t, 112> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace ia
