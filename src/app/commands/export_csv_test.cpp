#include "app/commands/export_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "testing/memory_store.h"
#include "testing/memory_verdict_store.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

constexpr WallTime kNoon =
    std::chrono::sys_days{std::chrono::year{2026} / 1 / 1} + std::chrono::hours{12};
const InfluencerSet kOneToThree{{{InfluencerId{1}, InfluencerId{3}}}};

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ExportCsv, WritesARowAPoint) {
  MemoryStore store;
  PointBatch batch;
  batch.minute = minute_of(kNoon);
  batch.retrieved_at = kNoon;
  batch.influencers = {InfluencerId{1}, InfluencerId{2}};
  batch.followers = {1'000, 5};
  batch.following = {8, 0};
  ASSERT_TRUE(store.append({&batch, 1}));
  TempDir dir;
  const auto file = dir.path() / "series.csv";
  const MinuteRange range{batch.minute, batch.minute + std::chrono::minutes{1}};
  EXPECT_EQ(export_csv(store, kOneToThree, range, file.string()).value(), 2u);
  EXPECT_EQ(content_of(file),
            "influencer_id,minute,follower_count,following_count,follower_ratio\r\n"
            "1,2026-01-01T12:00:00Z,1000,8,125.0\r\n"
            "2,2026-01-01T12:00:00Z,5,0,\r\n");
}

class ExportOfOpenMinutes : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(store.put_registry({.epoch = 1, .influencers = kOneToThree}));
    for (int i = 0; i < 3; ++i) {
      PointBatch batch;
      batch.minute = first + std::chrono::minutes{i};
      batch.retrieved_at = batch.minute;
      batch.influencers = {InfluencerId{1}, InfluencerId{2}};
      batch.followers = {1'000 + i, 5};
      batch.following = {8, 1};
      batch.usernames = {};
      ASSERT_TRUE(store.append({&batch, 1}));
    }
    ASSERT_TRUE(store.close_minutes({first, first + std::chrono::minutes{2}}, {}));
  }
  std::string exported(std::span<const MinuteStats> without) {
    const auto file = dir.path() / "series.csv";
    EXPECT_TRUE(export_csv(store, kOneToThree, kAll, file.string(), without));
    return content_of(file);
  }

  const Minute first = minute_of(kNoon);
  const MinuteRange kAll{first - std::chrono::days{900}, first + std::chrono::days{30}};
  MemoryStore store;
  TempDir dir;
};

TEST_F(ExportOfOpenMinutes, LeavesThemOutOrNamesThem) {
  const auto open = open_minutes(store, kAll);
  ASSERT_TRUE(open);
  ASSERT_EQ(open->size(), 1u);
  EXPECT_THAT(open_lines(*open, false),
              ::testing::ElementsAre("left out: 2026-01-01T12:02:00Z is still open, with 2 of 3 "
                                     "values so far; --partial on exports it, too"));
  EXPECT_THAT(open_lines(*open, true),
              ::testing::ElementsAre("partial: 2026-01-01T12:02:00Z is still open, with 2 of 3 "
                                     "values so far"));
  const std::string whole = "1,2026-01-01T12:00:00Z,1000,8,125.0\r\n1,2026-01-01T12:01:00Z,1001,8,";
  EXPECT_THAT(exported(*open), ::testing::HasSubstr(whole));
  EXPECT_THAT(exported(*open), ::testing::Not(::testing::HasSubstr("12:02:00Z")));
  EXPECT_THAT(exported({}), ::testing::HasSubstr("1,2026-01-01T12:02:00Z,1002,8,"));
}

TEST_F(ExportOfOpenMinutes, KnowsNoneOnceTheyAreClosed) {
  ASSERT_TRUE(store.close_minutes(kAll, {}));
  EXPECT_EQ(open_minutes(store, kAll)->size(), 0u);
}

// A program that ended long ago has not closed its last minute.
TEST_F(ExportOfOpenMinutes, FindsThoseOfLongAgo) {
  const MinuteRange until_now{first, first + std::chrono::days{3'000}};
  EXPECT_EQ(open_minutes(store, until_now)->size(), 1u);
}

// Times to the second and ratios as short as they can be, whichever library formats them.
TEST(ExportCsv, WritesTimesAndRatiosToTheLetter) {
  Series series;
  series.minutes = {minute_of(kNoon), minute_of(kNoon) + std::chrono::minutes{1'441}};
  series.followers = {1, 1};
  series.following = {3, 2'000'000'000};
  EXPECT_EQ(csv_rows(InfluencerId{7}, series),
            "7,2026-01-01T12:00:00Z,1,3,0.33333333\r\n"
            "7,2026-01-02T12:01:00Z,1,2000000000,0.0\r\n");
  series.minutes = {minute_of(kNoon)};
  series.followers = {123'456'789'012'345'678};
  series.following = {1};
  EXPECT_EQ(csv_rows(InfluencerId{7}, series),
            "7,2026-01-01T12:00:00Z,123456789012345678,1,123456789012345680\r\n");
}

TEST(ExportCsv, WritesTheNewestVerdictOnEach) {
  MemoryVerdictStore store;
  const auto say = [&](std::uint64_t id, bool suspicious, int minute) {
    const Verdict verdict{.influencer = InfluencerId{id},
                          .suspicious = suspicious,
                          .judged = {1'000, 8},
                          .checked_at = kNoon + std::chrono::minutes{minute},
                          .changed_at = {}};
    ASSERT_TRUE(store.put({&verdict, 1}));
  };
  say(3, false, 0);
  say(1, true, 1);
  say(4, true, 2);
  say(3, false, 9);
  TempDir dir;
  const auto file = dir.path() / "verdicts.csv";
  EXPECT_EQ(export_verdicts_csv(store, kOneToThree, file.string()).value(), 2u);
  EXPECT_EQ(content_of(file),
            "influencer_id,suspicious,checked_at,changed_at,follower_count,following_count\r\n"
            "1,true,2026-01-01T12:01:00Z,2026-01-01T12:01:00Z,1000,8\r\n"
            "3,false,2026-01-01T12:09:00Z,2026-01-01T12:00:00Z,1000,8\r\n");
}

TEST(ExportCsv, LeavesNoPartOfAFileThatCannotBeWritten) {
  MemoryVerdictStore store;
  TempDir dir;
  const auto folder = dir.path() / "taken.csv";  // a file cannot take its name
  std::filesystem::create_directories(folder / "by");
  const auto failed = export_verdicts_csv(store, kOneToThree, folder.string());
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, ::testing::HasSubstr(folder.string()));
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "taken.csv.part"));
}

}  // namespace
}  // namespace ia
