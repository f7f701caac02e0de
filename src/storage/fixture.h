#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "storage/embedded_store.h"
#include "testing/temp_dir.h"

namespace ia {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

inline const Minute kMidnight{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};
inline const MinuteRange kAlways{kMidnight - days{30}, kMidnight + days{30}};

inline InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

inline PointBatch batch_of(Minute minute, std::uint64_t first, std::uint64_t count) {
  PointBatch batch{.minute = minute,
                   .retrieved_at = minute + seconds{7},
                   .influencers = {},
                   .followers = {},
                   .following = {},
                   .misses = {},
                   .usernames = {}};
  std::mt19937_64 random(number_of(id(first)) +
                         static_cast<std::uint64_t>(minute.time_since_epoch().count()));
  for (auto i = first; i < first + count; ++i) {
    batch.influencers.push_back(id(i));
    batch.followers.push_back(static_cast<std::int64_t>(random() % 1'000'000));
    batch.following.push_back(static_cast<std::int64_t>(random() % 10'000));
  }
  return batch;
}

inline std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

inline std::string contents_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// As a power cut leaves it, but for what was not synced: -shm is memory.
inline void copy_as_killed(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
  fs::remove(to / "store.db-shm");
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Store>> try_open(const fs::path& path, bool read_only = false) {
    return open_sqlite_store({.directory = path, .retention = days{30}, .read_only = read_only},
                             log_);
  }
  std::unique_ptr<Store> open(const fs::path& path, bool read_only = false) {
    auto store = try_open(path, read_only);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::unique_ptr<Store> open() { return open(data()); }
  fs::path data() const { return directory_.path() / "data"; }
  fs::path segments() const { return data() / "segments"; }

  static AppendResult append(Store& store, const PointBatch& batch) {
    return store.append(std::span(&batch, 1)).value();
  }
  // All that there is to do by that time.
  static void maintain(Store& store, WallTime now) {
    for (const auto at : {now - minutes{5}, now - minutes{2}, now}) {
      while (store.maintain(at).value()) {
      }
    }
  }
  // Twelve minutes an hour of `count` influencers, and one of the hour behind them.
  static void fill(Store& store, int hour_count, std::uint64_t count) {
    for (int minute = 0; minute <= hour_count * 60; minute += 5) {
      append(store, batch_of(kMidnight + minutes{minute}, 1, count));
    }
  }
  // That the store has exactly what `fill` put into it, and its accounts say so.
  static void expect_filled(const Store& store, int hour_count, std::uint64_t count) {
    for (std::uint64_t i = 1; i <= count; i += std::max<std::uint64_t>(1, count / 7)) {
      const auto series = store.read_series(id(i), kAlways).value();
      ASSERT_EQ(series.size(), static_cast<std::size_t>(hour_count) * 12 + 1) << i;
      for (std::size_t at = 0; at < series.size(); ++at) {
        const auto batch = batch_of(series.minutes[at], 1, count);
        ASSERT_EQ(series.followers[at], batch.followers[i - 1]);
        ASSERT_EQ(series.following[at], batch.following[i - 1]);
      }
    }
    const auto rows = store.read_minutes(kAlways).value();
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(hour_count) * 12 + 1);
    for (const auto& row : rows) ASSERT_EQ(row.stored, count);
    ASSERT_EQ(store.read_latest()->values.influencers.size(), count);
  }

  TempDir directory_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
};

}  // namespace ia
