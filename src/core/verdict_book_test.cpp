#include "core/verdict_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

const InfluencerSet kWatched{{{InfluencerId{0}, InfluencerId{1'000'000}}}};

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

const WallTime kNoon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 5} + hours{12}};

Verdict verdict(std::uint64_t id, bool suspicious, WallTime checked, WallTime changed) {
  return {.influencer = InfluencerId{id},
          .suspicious = suspicious,
          .judged = {},
          .checked_at = checked,
          .changed_at = changed};
}

auto is(std::uint64_t id) { return Field(&Verdict::influencer, InfluencerId{id}); }

TEST(VerdictBook, KnowsNobodyAtFirst) {
  const VerdictBook book;
  EXPECT_EQ(book.find(InfluencerId{1}), std::nullopt);
  EXPECT_EQ(book.counts(kNoon, kWatched).checked, 0u);
  EXPECT_EQ(book.counts(kNoon, kWatched).oldest_checked_at, std::nullopt);
}

TEST(VerdictBook, HasTheNewestOfEach) {
  VerdictBook book;
  book.apply(std::vector{verdict(1, true, kNoon, kNoon - hours{3})});
  book.apply(std::vector{verdict(2, false, kNoon, kNoon)});
  const auto one = book.find(InfluencerId{1});
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->suspicious);
  EXPECT_EQ(one->checked_at, kNoon);
  EXPECT_EQ(one->changed_at, kNoon - hours{3});

  book.apply(std::vector{verdict(1, false, kNoon + hours{1}, kNoon + hours{1})});
  EXPECT_FALSE(book.find(InfluencerId{1})->suspicious);
}

TEST(VerdictBook, CountsWhoIsSuspiciousAndWhatIsFresh) {
  VerdictBook book;
  book.apply(std::vector{verdict(1, true, kNoon - hours{30}, kNoon - hours{30}),
                         verdict(2, true, kNoon, kNoon), verdict(3, false, kNoon, kNoon)});
  auto counts = book.counts(kNoon, kWatched);
  EXPECT_EQ(counts.checked, 3u);
  EXPECT_EQ(counts.suspicious, 2u);
  EXPECT_EQ(counts.checked_last_day, 2u);
  EXPECT_EQ(counts.oldest_checked_at, kNoon - hours{30});

  book.apply(std::vector{verdict(1, false, kNoon, kNoon)});
  counts = book.counts(kNoon, kWatched);
  EXPECT_EQ(counts.suspicious, 1u);
  EXPECT_EQ(counts.checked, 3u);
  EXPECT_EQ(counts.oldest_checked_at, kNoon);
}

TEST(VerdictBook, ListsWhoTurnedSuspiciousLast) {
  VerdictBook book;
  book.apply(std::vector{verdict(1, true, kNoon, kNoon - seconds{30}),
                         verdict(2, true, kNoon, kNoon - seconds{10}),
                         verdict(3, false, kNoon, kNoon)});
  EXPECT_THAT(book.newly_suspicious(10), ElementsAre(is(2), is(1)));
  EXPECT_THAT(book.newly_suspicious(1), ElementsAre(is(2)));

  // Checked again, and suspicious since the same time as before; the other one is cleared.
  book.apply(std::vector{verdict(1, true, kNoon + hours{1}, kNoon - seconds{30}),
                         verdict(2, false, kNoon + hours{1}, kNoon + hours{1})});
  EXPECT_THAT(book.newly_suspicious(10), ElementsAre(is(1)));
}

TEST(VerdictBook, RemembersABoundedNumberOfThem) {
  VerdictBook book;
  for (std::uint64_t id = 0; id < VerdictBook::kNewestMax + 5; ++id) {
    const auto at = kNoon + seconds{id};
    book.apply(std::vector{verdict(id, true, at, at)});
  }
  const auto newest = book.newly_suspicious(10'000);
  EXPECT_EQ(newest.size(), VerdictBook::kNewestMax);
  EXPECT_EQ(newest.back().influencer, InfluencerId{5});
}

}  // namespace
}  // namespace ia
