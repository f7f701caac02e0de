#include "api/series/buckets.h"

#include <algorithm>

namespace ia {
namespace {

using std::chrono::minutes;

double combine(double so_far, double value, Aggregate how) {
  switch (how) {
    case Aggregate::kMax:
      return std::max(so_far, value);
    case Aggregate::kMin:
      return std::min(so_far, value);
    case Aggregate::kAvg:
      return so_far + value;
    case Aggregate::kLast:
      break;
  }
  return value;
}

// One column's aggregates over [begin, end) of the series.
double over(const std::vector<std::int64_t>& column, std::size_t begin, std::size_t end,
            Aggregate how) {
  auto value = static_cast<double>(column[begin]);
  for (auto i = begin + 1; i < end; ++i) {
    value = combine(value, static_cast<double>(column[i]), how);
  }
  return how == Aggregate::kAvg ? value / static_cast<double>(end - begin) : value;
}

}  // namespace

Minute bucket_of(Minute minute, minutes step) {
  const auto since_epoch = minute.time_since_epoch();
  return minute - since_epoch % step;
}

std::uint64_t bucket_count(MinuteRange range, minutes step) {
  if (range.begin >= range.end) return 0;
  const auto first = bucket_of(range.begin, step);
  const auto last = bucket_of(range.end - minutes{1}, step);
  return static_cast<std::uint64_t>((last - first) / step) + 1;
}

minutes smallest_step(MinuteRange range, std::uint64_t count_max) {
  const auto length = static_cast<std::uint64_t>((range.end - range.begin).count());
  auto step = minutes{static_cast<std::int64_t>((length + count_max - 1) / count_max)};
  step = std::max(step, minutes{1});
  while (bucket_count(range, step) > count_max) ++step;
  return step;
}

Buckets aggregate(const Series& series, minutes step, Aggregate how) {
  Buckets buckets;
  for (std::size_t begin = 0; begin < series.size();) {
    const auto bucket = bucket_of(series.minutes[begin], step);
    auto end = begin + 1;
    while (end < series.size() && series.minutes[end] < bucket + step) ++end;
    buckets.begins.push_back(bucket);
    buckets.followers.push_back(over(series.followers, begin, end, how));
    buckets.following.push_back(over(series.following, begin, end, how));
    begin = end;
  }
  return buckets;
}

}  // namespace ia
