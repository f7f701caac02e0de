#include "core/minute_board.h"

#include <algorithm>
#include <numeric>

namespace ia {

MinuteBoard::MinuteBoard(Minute minute, std::vector<InfluencerId> influencers,
                         std::vector<std::int64_t> followers, std::vector<std::int64_t> following)
    : minute_(minute),
      followers_total_(std::accumulate(followers.begin(), followers.end(), std::int64_t{0})),
      following_total_(std::accumulate(following.begin(), following.end(), std::int64_t{0})),
      influencers_(std::move(influencers)),
      followers_(std::move(followers)),
      following_(std::move(following)) {
  struct Key {
    std::int64_t followers;
    std::uint32_t index;  // ascends as the ids do
  };
  std::vector<Key> keys(size());
  for (std::uint32_t i = 0; i < size(); ++i) keys[i] = {followers_[i], i};
  std::ranges::sort(keys, [](const Key& a, const Key& b) {
    return a.followers != b.followers ? a.followers > b.followers : a.index < b.index;
  });
  order_.resize(size());
  dense_ranks_.resize(size());
  std::uint32_t dense_rank = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (i == 0 || keys[i].followers != keys[i - 1].followers) ++dense_rank;
    order_[i] = keys[i].index;
    dense_ranks_[i] = dense_rank;
  }
}

std::optional<double> MinuteBoard::followers_average() const {
  if (size() == 0) return std::nullopt;
  return static_cast<double>(followers_total_) / static_cast<double>(size());
}

std::optional<double> MinuteBoard::followers_median() const {
  if (size() == 0) return std::nullopt;
  const auto upper = followers_[order_[size() / 2]];
  const auto lower = followers_[order_[(size() - 1) / 2]];
  return (static_cast<double>(upper) + static_cast<double>(lower)) / 2;
}

Standing MinuteBoard::standing(std::uint32_t index) const {
  const auto followers = followers_[index];
  const auto first = std::ranges::partition_point(
      order_, [&](std::uint32_t other) { return followers_[other] > followers; });
  const auto position = static_cast<std::size_t>(first - order_.begin());
  return {.influencer = influencers_[index],
          .username = {},
          .counts = {followers, following_[index]},
          .retrieved_at = {},
          .rank = static_cast<std::uint32_t>(position + 1),
          .dense_rank = dense_ranks_[position]};
}

std::optional<Standing> MinuteBoard::find(InfluencerId id) const {
  const auto found = std::ranges::lower_bound(influencers_, id);
  if (found == influencers_.end() || *found != id) return std::nullopt;
  return standing(static_cast<std::uint32_t>(found - influencers_.begin()));
}

Standing MinuteBoard::at_position(std::size_t position) const { return standing(order_[position]); }

std::size_t MinuteBoard::position_after(std::int64_t followers, InfluencerId id) const {
  const auto is_not_behind = [&](std::uint32_t index) {
    const auto own = followers_[index];
    return own > followers || (own == followers && influencers_[index] <= id);
  };
  const auto first = std::ranges::partition_point(order_, is_not_behind);
  return static_cast<std::size_t>(first - order_.begin());
}

}  // namespace ia
