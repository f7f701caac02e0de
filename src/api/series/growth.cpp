#include "api/series/growth.h"

#include <algorithm>
#include <iterator>

namespace ia {

namespace {

// Of the minute itself there is a value: what is missing in it would not change the answer.
bool has_damage_after(const Series& series, Minute minute) {
  return !series.damaged.empty() && series.damaged.back().end > minute + std::chrono::minutes{1};
}

}  // namespace

std::optional<Growth> growth_of(const Series& series, Minute now, std::chrono::minutes length,
                                std::chrono::minutes slack) {
  const auto begin = now - length;
  const auto& minutes = series.minutes;
  const auto inside = std::ranges::upper_bound(minutes, begin);
  const bool is_whole = inside != minutes.begin() && *std::prev(inside) >= begin - slack;
  if (inside == minutes.end()) return std::nullopt;
  const auto first = static_cast<std::size_t>(inside - minutes.begin()) - (is_whole ? 1 : 0);
  Growth growth{.since = minutes[first],
                .is_whole = is_whole,
                .is_damaged = has_damage_after(series, is_whole ? minutes[first] : begin - slack),
                .before = series.followers[first],
                .now = series.followers.back(),
                .values = series.size() - first};
  for (auto i = first + 1; i < series.size(); ++i) {
    const auto step = series.followers[i] - series.followers[i - 1];
    (step > 0 ? growth.ups : growth.downs) += step;
  }
  return growth;
}

}  // namespace ia
