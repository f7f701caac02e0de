#pragma once

// Everyone's counts, moved on minute by minute as the mock network does, and their entropy.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "core/point_batch.h"

namespace ia::bench {

inline constexpr std::size_t kBatchSize = 1000;

// A million neighbours, or as many that are scattered below 2^53, as the ids of real networks are.
inline std::vector<InfluencerId> make_ids(std::size_t count, bool is_scattered) {
  std::mt19937_64 random(53);
  std::vector<InfluencerId> ids;
  while (ids.size() < count) {
    for (auto i = ids.size(); i < count; ++i) {
      ids.push_back(InfluencerId{is_scattered ? random() >> 11 : 1'000'000 + i});
    }
    std::ranges::sort(ids);
    const auto twice = std::ranges::unique(ids);
    ids.erase(twice.begin(), twice.end());
  }
  return ids;
}

class Walk {
 public:
  explicit Walk(std::vector<InfluencerId> ids)
      : ids_(std::move(ids)), followers_(ids_.size()), following_(ids_.size()) {
    std::normal_distribution<double> normal;
    for (auto& step : normals_) step = normal(random_);
    for (auto& value : followers_) value = moved(0, 100'000, 100'000, 5'000);
    for (auto& value : following_) value = moved(0, 1'000, 1'000, 50);
  }

  void step() {
    for (auto& value : followers_) value = moved(value, 0, 10'000, 5'000);
    for (auto& value : following_) value = moved(value, 0, 100, 50);
  }

  const std::vector<InfluencerId>& ids() const { return ids_; }
  std::int64_t followers(std::size_t index) const { return followers_[index]; }
  std::int64_t following(std::size_t index) const { return following_[index]; }

  PointBatch batch(std::size_t first, Minute minute) const {
    const auto end = std::min(first + kBatchSize, followers_.size());
    const auto part = static_cast<double>(first) / static_cast<double>(followers_.size());
    PointBatch batch{.minute = minute,
                     .retrieved_at = minute + std::chrono::milliseconds{2'000 + int(part * 55'000)},
                     .influencers = {},
                     .followers = {},
                     .following = {},
                     .misses = {},
                     .usernames = {}};
    for (auto i = first; i < end; ++i) {
      batch.influencers.push_back(ids_[i]);
      batch.followers.push_back(followers_[i]);
      batch.following.push_back(following_[i]);
    }
    return batch;
  }

 private:
  std::int64_t moved(std::int64_t from, double by, double deviation, std::int64_t floor) {
    const auto normal = normals_[random_() % normals_.size()];
    return std::max<std::int64_t>(from + std::llround(by + deviation * normal), floor);
  }

  std::mt19937_64 random_{1};
  std::vector<double> normals_ = std::vector<double>(1 << 18);
  std::vector<InfluencerId> ids_;
  std::vector<std::int64_t> followers_;
  std::vector<std::int64_t> following_;
};

// Of the changes from minute to minute: what no codec without knowledge of the source can beat.
class Entropy {
 public:
  void add(std::int64_t change) {
    ++counts_[change];
    ++total_;
  }
  double bits() const {
    double sum = 0;
    for (const auto& [change, count] : counts_) {
      const auto share = static_cast<double>(count) / static_cast<double>(total_);
      sum -= share * std::log2(share);
    }
    return sum;
  }

 private:
  std::map<std::int64_t, std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace ia::bench
