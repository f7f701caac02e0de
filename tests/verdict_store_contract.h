#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "ports/verdict_store.h"

namespace ia {

// A way to make an empty store, and the name of what it makes.
struct VerdictStoreKind {
  const char* name;
  std::function<std::unique_ptr<VerdictStore>()> make;
};

// What every VerdictStore does. Suites that instantiate it give the kinds.
class VerdictStoreContract : public ::testing::TestWithParam<VerdictStoreKind> {
 protected:
  void SetUp() override {
    store_ = GetParam().make();
    if (!store_) GTEST_SKIP() << "SKIPPED: " << GetParam().name << " is not installed";
  }

  static Verdict verdict(std::uint64_t id, bool suspicious, int at_seconds) {
    const WallTime at{std::chrono::sys_days{std::chrono::year{2026} / 3 / 5} +
                      std::chrono::seconds{at_seconds}};
    return {.influencer = InfluencerId{id},
            .suspicious = suspicious,
            .judged = {static_cast<std::int64_t>(id) * 100 + at_seconds, 7},
            .checked_at = at,
            .changed_at = at};
  }
  static Verdict since(Verdict verdict, int at_seconds) {
    verdict.changed_at = VerdictStoreContract::verdict(0, false, at_seconds).checked_at;
    return verdict;
  }
  void put(std::vector<Verdict> verdicts) { ASSERT_TRUE(store_->put(verdicts)); }
  std::vector<Verdict> all() {
    auto page = store_->read({}, 1'000'000);
    EXPECT_TRUE(page) << page.error().message;
    return page ? page->verdicts : std::vector<Verdict>{};
  }

  std::unique_ptr<VerdictStore> store_;
};

TEST_P(VerdictStoreContract, BeginsEmpty) {
  const auto page = store_->read({}, 10);
  ASSERT_TRUE(page);
  EXPECT_THAT(page->verdicts, ::testing::IsEmpty());
}

TEST_P(VerdictStoreContract, GivesBackWhatWasPut) {
  put({verdict(5, true, 1), verdict(3, false, 2)});
  EXPECT_THAT(all(), ::testing::UnorderedElementsAre(verdict(5, true, 1), verdict(3, false, 2)));
}

TEST_P(VerdictStoreContract, KeepsTheNewestOfEach) {
  put({verdict(5, true, 10)});
  put({verdict(5, false, 20)});
  EXPECT_THAT(all(), ::testing::ElementsAre(verdict(5, false, 20)));
  put({verdict(5, true, 15)});
  EXPECT_THAT(all(), ::testing::ElementsAre(verdict(5, false, 20)));
}

TEST_P(VerdictStoreContract, KeepsTheNewestOfEachOfOnePut) {
  put({verdict(5, true, 10), verdict(6, true, 10), verdict(5, false, 30)});
  ASSERT_EQ(all().size(), 2u);
  for (const auto& one : all()) EXPECT_EQ(one.suspicious, one.influencer == InfluencerId{6});
}

TEST_P(VerdictStoreContract, KnowsSinceWhenAVerdictStands) {
  put({verdict(5, true, 10)});
  put({verdict(5, true, 20)});
  EXPECT_THAT(all(), ::testing::ElementsAre(since(verdict(5, true, 20), 10)));
  put({verdict(5, false, 30)});
  EXPECT_THAT(all(), ::testing::ElementsAre(verdict(5, false, 30)));
}

TEST_P(VerdictStoreContract, IsHarmedByNoRepetition) {
  put({verdict(5, true, 10)});
  const auto before = store_->read({}, 10);
  put({verdict(5, true, 10)});
  const auto after = store_->read(before->cursor, 10);
  ASSERT_TRUE(after);
  EXPECT_THAT(after->verdicts, ::testing::IsEmpty());
}

TEST_P(VerdictStoreContract, CanBeFollowed) {
  put({verdict(1, false, 1), verdict(2, false, 1), verdict(3, false, 1)});
  auto page = store_->read({}, 2);
  ASSERT_TRUE(page);
  EXPECT_THAT(page->verdicts, ::testing::SizeIs(2));
  page = store_->read(page->cursor, 2);
  EXPECT_THAT(page->verdicts, ::testing::SizeIs(1));
  const auto cursor = page->cursor;
  EXPECT_THAT(store_->read(cursor, 2)->verdicts, ::testing::IsEmpty());

  put({verdict(2, true, 5)});
  page = store_->read(cursor, 2);
  EXPECT_THAT(page->verdicts, ::testing::ElementsAre(verdict(2, true, 5)));
}

TEST_P(VerdictStoreContract, TakesNothingFromAnEmptyPut) { put({}); }

}  // namespace ia
