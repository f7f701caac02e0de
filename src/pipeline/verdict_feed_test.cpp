#include "pipeline/verdict_feed.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_verdict_store.h"

namespace ia {
namespace {

TEST(VerdictFeed, FollowsTheStore) {
  Log log(LogLevel::kError, LogFormat::kText, [](std::string_view) {});
  MemoryVerdictStore store;
  const ManualClock clock;
  VerdictFeed feed(store, clock, log);
  ASSERT_TRUE(feed.step());
  EXPECT_EQ(feed.book().find(InfluencerId{3}), std::nullopt);

  Verdict verdict{.influencer = InfluencerId{3},
                  .suspicious = true,
                  .judged = {},
                  .checked_at = WallTime{std::chrono::hours{5}},
                  .changed_at = {}};
  ASSERT_TRUE(store.put({&verdict, 1}));
  ASSERT_TRUE(feed.step());
  EXPECT_TRUE(feed.book().find(InfluencerId{3})->suspicious);

  verdict.checked_at += std::chrono::hours{1};
  verdict.suspicious = false;
  ASSERT_TRUE(store.put({&verdict, 1}));
  ASSERT_TRUE(feed.step());
  EXPECT_FALSE(feed.book().find(InfluencerId{3})->suspicious);
}

}  // namespace
}  // namespace ia
