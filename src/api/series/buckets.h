#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/point.h"
#include "ports/store.h"

namespace ia {

enum class Aggregate : std::uint8_t { kMax, kMin, kAvg, kLast };

// How series are cut into buckets.
struct SeriesCut {
  MinuteRange range{};
  std::chrono::minutes step{1};
  Aggregate how = Aggregate::kMax;
  std::string_view aggregate_name{};  // a literal
};

// A series cut into steps that begin at multiples of the step since the epoch. Buckets without a
// value are not there. A bucket at the end of a range holds only the minutes of the range.
struct Buckets {
  std::vector<Minute> begins;
  std::vector<double> followers;  // whole numbers, but for kAvg
  std::vector<double> following;
  std::size_t size() const { return begins.size(); }
};

Buckets aggregate(const Series& series, std::chrono::minutes step, Aggregate how);

// The begin of the bucket that holds the minute.
Minute bucket_of(Minute minute, std::chrono::minutes step);
// How many buckets a range touches.
std::uint64_t bucket_count(MinuteRange range, std::chrono::minutes step);
// The smallest step that cuts the range into at most `count_max` buckets.
std::chrono::minutes smallest_step(MinuteRange range, std::uint64_t count_max);

}  // namespace ia
