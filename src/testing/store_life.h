#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "ports/store.h"
#include "testing/memory_store.h"

namespace ia {

inline constexpr std::chrono::days kStoreLifeRetention{2};

using NewestById = std::map<InfluencerId, std::tuple<WallTime, std::int64_t, std::int64_t>>;

inline NewestById newest_of(const Latest& latest) {
  NewestById values;
  const auto& columns = latest.values;
  for (std::size_t i = 0; i < columns.influencers.size(); ++i) {
    const auto is_new = values
                            .try_emplace(columns.influencers[i], columns.retrieved_at[i],
                                         columns.followers[i], columns.following[i])
                            .second;
    EXPECT_TRUE(is_new) << "an influencer has two latest values";
  }
  return values;
}

inline void apply_newest(const PointBatch& batch, NewestById& values) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto& known = values[batch.influencers[i]];
    known = std::max(known, {batch.retrieved_at, batch.followers[i], batch.following[i]});
  }
}

// A store and the obviously right one live through the same random days, and must never differ in
// what they answer. The store keeps kStoreLifeRetention.
class StoreLife {
 public:
  using Open = std::function<std::unique_ptr<Store>()>;

  StoreLife(std::uint64_t seed, Open open) : random_(seed), open_(std::move(open)) {
    for (std::uint64_t i = 0; i < 30; ++i) ids_.push_back(InfluencerId{1'000'000 + i});
    for (std::uint64_t i = 1; i < 10; ++i) ids_.push_back(InfluencerId{i * i * 777'777'777'777});
    ids_.push_back(InfluencerId{kInfluencerIdMax});
    reopen();
  }

  void step() {
    now_ += std::chrono::seconds{below(240)};
    if (below(300) == 0) now_ += std::chrono::hours{below(30)};
    switch (below(16)) {
      case 0:
        return close();
      case 1:
        return below(4) == 0 ? reopen() : follow();
      case 2:
        return below(4) == 0 ? register_some() : follow();
      case 3:
      case 4:
      case 5:
        return maintain(below(30));
      case 6:
        return maintain(1000);
      default:
        return append();
    }
  }

  void compare() {
    maintain(0);
    const MinuteRange always{minute_of(begin_) - std::chrono::days{9},
                             minute_of(now_) + std::chrono::days{9}};
    for (const auto id : ids_) {
      ASSERT_EQ(store_->read_series(id, always).value(), model_.read_series(id, always).value())
          << number_of(id);
      const auto range = any_range();
      ASSERT_EQ(store_->read_series(id, range).value(), model_.read_series(id, range).value());
    }
    for (int i = 0; i < 20; ++i) {
      const auto minute = any_range().begin;
      const auto wanted = model_.read_minute(minute, {}).value();
      ASSERT_EQ(store_->read_minute(minute, {}).value(), wanted);
      ASSERT_EQ(store_->read_minute(minute, hurried()).value(), wanted);
    }
    std::vector<Minute> minutes;
    for (auto at = any_range().begin; minutes.size() < 40; at += std::chrono::minutes{below(90)}) {
      if (minutes.empty() || minutes.back() < at) minutes.push_back(at);
    }
    for (const auto id : ids_) {
      ASSERT_EQ(store_->read_misses(id, minutes).value(), model_.read_misses(id, minutes).value());
    }
    for (const auto id : std::span(ids_).first(5)) {
      const auto wanted = model_.read_ranks(id, minutes, {}).value();
      ASSERT_EQ(store_->read_ranks(id, minutes, {}).value(), wanted);
      ASSERT_EQ(store_->read_ranks(id, minutes, hurried()).value(), wanted);
    }
    // Rows of minutes outlive their points.
    ASSERT_TRUE(store_->read_minutes(always).value() == model_.read_minutes(always).value())
        << "the accounts of a minute differ";
    const auto latest = store_->read_latest().value();
    const auto newest = newest_of(latest);
    ASSERT_EQ(newest, newest_of(model_.read_latest().value()));
    ASSERT_EQ(store_->registry().value(), model_.registry().value());
    ASSERT_EQ(store_->find_usernames("", 99).value(), model_.find_usernames("", 99).value());
    while (follow_once()) {
    }
    ASSERT_EQ(followed_, newest);
  }

 private:
  static GoOn hurried() {
    return {[] { return true; }, true};
  }
  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  MinuteRange any_range() {
    const Minute begin = minute_of(now_) - std::chrono::minutes{below(60 * 72)};
    return {begin, begin + std::chrono::minutes{below(60 * 40)}};
  }

  void reopen() {
    store_.reset();
    store_ = open_();
  }

  // One that is over: a store prefers values of the past to those of its future.
  Minute any_minute() {
    const auto back = below(8) == 0 ? below(60 * 60) : below(8) == 0 ? below(90) : below(3);
    return minute_of(now_) - std::chrono::minutes{1 + back};
  }

  PointBatch any_batch() {
    PointBatch batch{.minute = any_minute(),
                     .retrieved_at = {},
                     .influencers = {},
                     .followers = {},
                     .following = {},
                     .misses = {},
                     .usernames = {}};
    batch.retrieved_at = batch.minute + std::chrono::milliseconds{below(60'000)};
    const auto stored = below(101);
    const auto missed = below(101);
    const auto bits = below(54);
    const auto begin = below(ids_.size());
    const auto end = begin + below(ids_.size() - begin + 1);
    for (auto i = begin; i < end; ++i) {
      if (below(100) < stored) {
        batch.influencers.push_back(ids_[i]);
        const auto mask = (std::uint64_t{1} << bits) - 1;
        batch.followers.push_back(static_cast<std::int64_t>(random_() & mask));
        batch.following.push_back(static_cast<std::int64_t>(random_() & mask));
      } else if (below(100) < missed) {
        batch.misses.push_back({ids_[i], static_cast<MissReason>(below(kMissReasonCount))});
      }
      if (below(50) == 0) batch.usernames.push_back({ids_[i], std::to_string(below(99))});
    }
    return batch;
  }

  // Values of one influencer in the same millisecond have no order: give each time once.
  void make_time_unique(PointBatch& batch) {
    while (!times_.insert(batch.retrieved_at).second) {
      const auto next = batch.retrieved_at + std::chrono::milliseconds{1};
      batch.retrieved_at = minute_of(next) == batch.minute ? next : WallTime{batch.minute};
    }
  }

  void append() {
    std::vector<PointBatch> batches;
    for (auto count = below(4); count > 0; --count) {
      batches.push_back(any_batch());
      make_time_unique(batches.back());
      if (below(8) == 0) batches.push_back(batches.back());
    }
    const auto result = store_->append(batches).value();
    const auto expected = model_.append(batches).value();
    ASSERT_EQ(result.stored, expected.stored);
    ASSERT_EQ(result.repeats, expected.repeats);
    ASSERT_EQ(result.expired, expected.expired);
  }

  void close() {
    const Minute begin = any_minute();
    const MinuteRange range{begin, begin + std::chrono::minutes{below(4)}};
    const auto reason = static_cast<MissReason>(below(kMissReasonCount));
    ASSERT_TRUE(store_->close_minutes(range, reason));
    ASSERT_TRUE(model_.close_minutes(range, reason));
  }

  void register_some() {
    Registry registry{.epoch = ++epoch_, .schedule = {}, .influencers = {}};
    registry.schedule.interval = std::chrono::minutes{1 + below(3)};
    registry.shard_size = 7;
    const auto first = below(ids_.size());
    registry.influencers = InfluencerSet::of(std::span(ids_).subspan(first));
    ASSERT_TRUE(store_->put_registry(registry));
    ASSERT_TRUE(model_.put_registry(registry));
  }

  void maintain(std::uint64_t slices) {
    ASSERT_TRUE(model_.maintain(now_));
    horizon_ = std::max(horizon_, minute_of(now_) - kStoreLifeRetention);
    for (bool more = true; more; --slices) {
      more = store_->maintain(now_).value() && slices > 0;
    }
  }

  void follow() { follow_once(); }

  bool follow_once() {
    const auto tail = store_->read_tail(cursor_).value();
    for (const auto& batch : tail.batches) apply_newest(batch, followed_);
    cursor_ = tail.cursor;
    return !tail.batches.empty();
  }

  const WallTime begin_{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} +
                        std::chrono::hours{20}};
  std::mt19937_64 random_;
  std::vector<InfluencerId> ids_;
  Open open_;
  std::unique_ptr<Store> store_;
  MemoryStore model_{{.retention = kStoreLifeRetention}};
  WallTime now_ = begin_;
  Minute horizon_ = minute_of(begin_) - std::chrono::days{9};
  std::uint64_t epoch_ = 0;
  std::set<WallTime> times_;
  TailCursor cursor_;
  NewestById followed_;
};

// Lives through random days on a store that `open` gives, again and again on the same data, with
// housekeeping and new processes between. IA_TEST_SEED repeats a life.
inline void live_through_random_days(const StoreLife::Open& open_fresh, int steps) {
  const auto* chosen = std::getenv("IA_TEST_SEED");
  const auto seed = chosen != nullptr ? std::stoull(chosen) : std::random_device{}();
  SCOPED_TRACE("again with IA_TEST_SEED=" + std::to_string(seed));
  StoreLife life(seed, open_fresh);
  for (int i = 1; i <= steps; ++i) {
    life.step();
    if (i % 60 == 0) life.compare();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "step " << i;
  }
}

}  // namespace ia
