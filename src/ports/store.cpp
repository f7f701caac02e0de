#include "ports/store.h"

#include <algorithm>
#include <numeric>

namespace ia {

Status check_go_on(const GoOn& go_on) {
  if (go_on()) return {};
  return fail(Errc::kCancelled, "a long read was abandoned");
}

std::vector<RankAt> ranks_to_count(const Series& series, std::span<const Minute> minutes) {
  std::vector<RankAt> ranks;
  std::size_t at = 0;
  for (const auto minute : minutes) {
    while (at < series.size() && series.minutes[at] < minute) ++at;
    if (at == series.size()) break;
    if (series.minutes[at] != minute) continue;
    ranks.push_back({.minute = minute, .followers = series.followers[at]});
  }
  return ranks;
}

void sort_by_influencer(MinuteColumns& columns) {
  if (std::ranges::is_sorted(columns.influencers)) return;
  std::vector<std::size_t> order(columns.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return columns.influencers[i]; });
  const auto reorder = [&](auto& column) {
    auto sorted = column;
    for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = column[order[i]];
    column = std::move(sorted);
  };
  reorder(columns.influencers);
  reorder(columns.followers);
  reorder(columns.following);
}

std::uint64_t MinuteStats::missed_total() const {
  return std::accumulate(missed.begin(), missed.end(), std::uint64_t{0});
}

std::uint64_t MinuteStats::open() const {
  const auto settled = stored + missed_total();
  return due > settled ? due - settled : 0;
}

double MinuteStats::coverage() const {
  return due == 0 ? 1.0 : static_cast<double>(stored) / static_cast<double>(due);
}

}  // namespace ia
