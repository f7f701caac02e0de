#pragma once

// What ports/store.h promises, of every store. store_contract_test.cpp and
// postgres/postgres_contract_test.cpp run it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "ports/store.h"

namespace ia {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

inline constexpr days kRetention{30};
inline const Minute kNoon{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} + hours{12}};

inline InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

// Values that say where they belong: no two points of a test are alike by chance.
inline Counts counts_of(InfluencerId influencer, Minute minute) {
  const auto n = static_cast<std::int64_t>(number_of(influencer) % 1'000'003);
  const auto m = minute.time_since_epoch().count() % 100'003;
  return {1'000'000 + 7 * n + 13 * m, 1'000 + (3 * n + 5 * m) % 997};
}

inline PointBatch batch_of(Minute minute, std::vector<InfluencerId> ids,
                           std::vector<Miss> misses = {}) {
  PointBatch batch{.minute = minute,
                   .retrieved_at = minute + seconds{20},
                   .influencers = std::move(ids),
                   .followers = {},
                   .following = {},
                   .misses = std::move(misses),
                   .usernames = {}};
  for (const auto influencer : batch.influencers) {
    batch.followers.push_back(counts_of(influencer, minute).followers);
    batch.following.push_back(counts_of(influencer, minute).following);
  }
  return batch;
}

inline PointBatch values_of(PointBatch batch, std::int64_t followers, std::int64_t following) {
  std::ranges::fill(batch.followers, followers);
  std::ranges::fill(batch.following, following);
  return batch;
}

inline Registry registry_of(std::uint64_t epoch, const std::string& influencers) {
  return {.epoch = epoch,
          .schedule = {},
          .shard_size = 10,
          .influencers = InfluencerSet::parse(influencers).value()};
}

class Harness {
 public:
  virtual ~Harness() = default;
  virtual Store& store() = 0;
  // What a new process would see; a store in memory stays as it is.
  virtual void reopen() {}
};

using MakeHarness = std::unique_ptr<Harness> (*)();
using WhyNot = std::optional<std::string> (*)();

// Each test also runs with housekeeping and a new process after every step: nothing may change.
enum class Upkeep { kNone, kHousekeeping, kReopening };

struct Contract {
  std::string name;
  MakeHarness make;
  Upkeep upkeep;
  // Why the store cannot be had here: its tests are skipped then.
  WhyNot why_not = [] { return std::optional<std::string>(); };
};

// Without it, names of tests would hold bytes of memory.
inline void PrintTo(const Contract& contract, std::ostream* out) { *out << contract.name; }

class StoreContract : public ::testing::TestWithParam<Contract> {
 protected:
  void SetUp() override {
    if (const auto reason = GetParam().why_not()) GTEST_SKIP() << "SKIPPED: " << *reason;
    harness_ = GetParam().make();
  }

  Store& store() { return harness_->store(); }

  AppendResult append(std::vector<PointBatch> batches) {
    const auto result = store().append(batches).value();
    keep_up();
    return result;
  }
  void close(MinuteRange range, MissReason reason) {
    ASSERT_TRUE(store().close_minutes(range, reason));
    keep_up();
  }
  // Does all that there is to do by that time.
  void maintain(WallTime now) {
    upkeep_at_ = std::max(upkeep_at_, now);
    for (const auto at : {now - minutes{5}, now - minutes{2}, now}) {
      while (store().maintain(at).value()) {
      }
    }
  }
  void keep_up() {
    if (GetParam().upkeep == Upkeep::kNone) return;
    maintain(upkeep_at_);
    if (GetParam().upkeep == Upkeep::kReopening) harness_->reopen();
  }

  Series series(InfluencerId influencer, MinuteRange range) {
    return store().read_series(influencer, range).value();
  }
  Series series(InfluencerId influencer) {
    return series(influencer, {kNoon - days{40}, kNoon + days{40}});
  }
  MinuteColumns minute(Minute at) { return store().read_minute(at, {}).value(); }
  MinuteStats stats(Minute minute) {
    return store().read_minutes({minute, minute + minutes{1}}).value().at(0);
  }
  std::uint64_t missed(Minute minute, MissReason reason) {
    return stats(minute).missed[static_cast<std::size_t>(reason)];
  }

  std::unique_ptr<Harness> harness_;
  WallTime upkeep_at_ = kNoon + days{3};  // never back
};

TEST_P(StoreContract, GivesBackASeriesInTimeOrder) {
  for (const int minute : {3, 1, 70, 2, 1500}) {
    append({batch_of(kNoon + minutes{minute}, {id(5), id(7)})});
  }
  const auto found = series(id(7));
  EXPECT_THAT(found.minutes, ElementsAre(kNoon + minutes{1}, kNoon + minutes{2}, kNoon + minutes{3},
                                         kNoon + minutes{70}, kNoon + minutes{1500}));
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found.followers[i], counts_of(id(7), found.minutes[i]).followers);
    EXPECT_EQ(found.following[i], counts_of(id(7), found.minutes[i]).following);
  }
}

TEST_P(StoreContract, CutsASeriesToTheRange) {
  for (int minute = 0; minute < 10; ++minute) append({batch_of(kNoon + minutes{minute}, {id(1)})});
  EXPECT_THAT(series(id(1), {kNoon + minutes{3}, kNoon + minutes{5}}).minutes,
              ElementsAre(kNoon + minutes{3}, kNoon + minutes{4}));
  EXPECT_THAT(series(id(1), {kNoon + minutes{5}, kNoon + minutes{5}}).minutes, IsEmpty());
  EXPECT_THAT(series(id(1), {kNoon + minutes{5}, kNoon + minutes{3}}).minutes, IsEmpty());
}

TEST_P(StoreContract, GivesAnEmptySeriesForTheUnknown) {
  EXPECT_EQ(series(id(1)), Series{});
  append({batch_of(kNoon, {id(1)})});
  EXPECT_EQ(series(id(2)), Series{});
}

TEST_P(StoreContract, KeepsTheFirstValueAndCountsRepeats) {
  EXPECT_EQ(append({values_of(batch_of(kNoon, {id(1), id(2)}), 10, 1)}).stored, 2u);
  const auto again = append({values_of(batch_of(kNoon, {id(1), id(2), id(3)}), 20, 2)});

  EXPECT_EQ(again.stored, 1u);
  EXPECT_EQ(again.repeats, 2u);
  EXPECT_THAT(series(id(1)).followers, ElementsAre(10));
  EXPECT_THAT(series(id(3)).followers, ElementsAre(20));
  EXPECT_EQ(stats(kNoon).stored, 3u);
  EXPECT_EQ(stats(kNoon).repeats, 2u);
  EXPECT_EQ(stats(kNoon).followers_sum, 10 + 10 + 20);
  EXPECT_EQ(stats(kNoon).following_sum, 1 + 1 + 2);
}

TEST_P(StoreContract, FindsRepeatsWithinOneCall) {
  const auto batch = batch_of(kNoon, {id(1)});
  const auto result = append({batch, batch});
  EXPECT_EQ(result.stored, 1u);
  EXPECT_EQ(result.repeats, 1u);
  EXPECT_THAT(series(id(1)).minutes, SizeIs(1));
}

TEST_P(StoreContract, AcceptsNothing) {
  EXPECT_EQ(append({}).stored, 0u);
  EXPECT_EQ(append({batch_of(kNoon, {})}).stored, 0u);
}

TEST_P(StoreContract, KeepsTheSmallestAndLargestNumbers) {
  const auto low = id(0);
  const auto high = id(kInfluencerIdMax);
  append({values_of(batch_of(kNoon, {low, high}), kCountMax, 0),
          values_of(batch_of(kNoon + minutes{1}, {low, high}), 0, kCountMax),
          values_of(batch_of(kNoon + minutes{2}, {low, high}), kCountMax, kCountMax)});
  EXPECT_THAT(series(low).followers, ElementsAre(kCountMax, 0, kCountMax));
  EXPECT_THAT(series(high).following, ElementsAre(0, kCountMax, kCountMax));
}

TEST_P(StoreContract, KeepsScatteredInfluencersApart) {
  std::vector<InfluencerId> ids;
  for (std::uint64_t i = 1; i < 200; ++i) ids.push_back(id(i * i * 1'000'003));
  append({batch_of(kNoon, ids), batch_of(kNoon + minutes{1}, ids)});
  for (const auto influencer : ids) {
    EXPECT_THAT(series(influencer).followers,
                ElementsAre(counts_of(influencer, kNoon).followers,
                            counts_of(influencer, kNoon + minutes{1}).followers));
  }
}

TEST_P(StoreContract, RefusesABatchThatIsNotSound) {
  auto unsorted = batch_of(kNoon, {id(2), id(1)});
  auto uneven = batch_of(kNoon, {id(1), id(2)});
  uneven.following.pop_back();
  const auto negative = values_of(batch_of(kNoon, {id(1)}), -1, 0);
  const auto huge = values_of(batch_of(kNoon, {id(1)}), 0, kCountMax + 1);
  const auto both = batch_of(kNoon, {id(1)}, {{id(1), MissReason::kTimeout}});
  auto elsewhere = batch_of(kNoon, {id(1)});
  elsewhere.retrieved_at = kNoon + minutes{1};
  for (const auto& batch : {unsorted, uneven, negative, huge, both, elsewhere}) {
    const std::vector batches{batch_of(kNoon, {id(9)}), batch};
    const auto result = store().append(batches);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kInvalid);
  }
  EXPECT_EQ(series(id(9)), Series{});  // all or none
}

TEST_P(StoreContract, CountsWhatIsDueFromTheRegistry) {
  ASSERT_TRUE(store().put_registry(registry_of(1, "1-10")));
  append({batch_of(kNoon, {id(1), id(2)}, {{id(3), MissReason::kTimeout}})});
  EXPECT_EQ(stats(kNoon).due, 10u);
  EXPECT_EQ(stats(kNoon).open(), 7u);
  EXPECT_EQ(missed(kNoon, MissReason::kTimeout), 1u);
}

TEST_P(StoreContract, LeavesWhatWasDueInAMinuteWhenTheRegistryChangesLater) {
  ASSERT_TRUE(store().put_registry(registry_of(1, "1-10")));
  append({batch_of(kNoon, {id(1)})});
  ASSERT_TRUE(store().put_registry(registry_of(2, "1-20")));
  append({batch_of(kNoon, {id(2)}), batch_of(kNoon + minutes{1}, {id(2)})});
  EXPECT_EQ(stats(kNoon).due, 10u);
  EXPECT_EQ(stats(kNoon + minutes{1}).due, 20u);
}

TEST_P(StoreContract, StoresInfluencersThatWereNeverRegistered) {
  ASSERT_TRUE(store().put_registry(registry_of(1, "1")));
  append({batch_of(kNoon, {id(1), id(99)})});
  EXPECT_THAT(series(id(99)).minutes, SizeIs(1));
  EXPECT_EQ(stats(kNoon).due, 2u);
}

TEST_P(StoreContract, CountsAMissOnlyWhileThereIsNoValue) {
  append({batch_of(kNoon, {id(1)})});
  append({batch_of(kNoon, {}, {{id(1), MissReason::kTimeout}, {id(2), MissReason::kTimeout}})});
  append({batch_of(kNoon, {}, {{id(2), MissReason::kServerError}})});
  EXPECT_EQ(stats(kNoon).missed_total(), 1u);
  EXPECT_EQ(missed(kNoon, MissReason::kTimeout), 1u);

  append({batch_of(kNoon, {id(2)})});
  EXPECT_EQ(stats(kNoon).missed_total(), 0u);
  EXPECT_EQ(stats(kNoon).stored, 2u);
}

TEST_P(StoreContract, CountsTheRestAsMissedWhenMinutesAreClosed) {
  ASSERT_TRUE(store().put_registry(registry_of(1, "1-10")));
  append({batch_of(kNoon, {id(1)}, {{id(2), MissReason::kTimeout}})});
  close({kNoon, kNoon + minutes{2}}, MissReason::kDown);

  EXPECT_TRUE(stats(kNoon).closed);
  EXPECT_EQ(stats(kNoon).open(), 0u);
  EXPECT_EQ(missed(kNoon, MissReason::kDown), 8u);
  EXPECT_EQ(missed(kNoon, MissReason::kTimeout), 1u);
  EXPECT_EQ(missed(kNoon + minutes{1}, MissReason::kDown), 10u);
  EXPECT_EQ(stats(kNoon + minutes{1}).due, 10u);
}

TEST_P(StoreContract, ClosesAMinuteOnce) {
  ASSERT_TRUE(store().put_registry(registry_of(1, "1-10")));
  close({kNoon, kNoon + minutes{1}}, MissReason::kDown);
  close({kNoon, kNoon + minutes{1}}, MissReason::kClock);
  EXPECT_EQ(missed(kNoon, MissReason::kDown), 10u);
  EXPECT_EQ(missed(kNoon, MissReason::kClock), 0u);
}

TEST_P(StoreContract, TakesMissesBackAfterTheMinuteWasClosed) {
  ASSERT_TRUE(store().put_registry(registry_of(1, "1-10")));
  append({batch_of(kNoon, {id(1)}, {{id(2), MissReason::kTimeout}})});
  close({kNoon, kNoon + minutes{1}}, MissReason::kOverrun);
  append({batch_of(kNoon, {id(2), id(3)})});

  EXPECT_EQ(stats(kNoon).stored, 3u);
  EXPECT_EQ(missed(kNoon, MissReason::kTimeout), 0u);
  EXPECT_EQ(missed(kNoon, MissReason::kOverrun), 7u);
  EXPECT_EQ(stats(kNoon).due, 10u);

  append({batch_of(kNoon, {}, {{id(4), MissReason::kRateLimited}})});
  EXPECT_EQ(missed(kNoon, MissReason::kOverrun), 6u);
  EXPECT_EQ(missed(kNoon, MissReason::kRateLimited), 1u);
}

TEST_P(StoreContract, KnowsWhyAnInfluencerHasNoValue) {
  constexpr auto kTimeout = MissReason::kTimeout;
  const auto later = kNoon + minutes{70};
  const auto next_day = kNoon + minutes{1500};
  ASSERT_TRUE(store().put_registry(registry_of(1, "1-10")));
  append({batch_of(kNoon, {id(1)}, {{id(2), kTimeout}, {id(3), kTimeout}})});
  append({batch_of(later, {id(1)}, {{id(2), MissReason::kNotFound}})});
  append({batch_of(next_day, {id(1)}, {{id(2), MissReason::kClock}})});
  append({batch_of(kNoon, {id(3)}, {{id(4), MissReason::kServerError}})});
  close({kNoon, kNoon + minutes{1}}, MissReason::kDown);

  const std::vector wanted{kNoon - days{60}, kNoon, kNoon + minutes{1}, later, next_day};
  const auto misses = [&](std::uint64_t number) {
    return store().read_misses(id(number), wanted).value();
  };
  EXPECT_THAT(misses(2), ElementsAre(MissAt{kNoon, kTimeout}, MissAt{later, MissReason::kNotFound},
                                     MissAt{next_day, MissReason::kClock}));
  EXPECT_THAT(store().read_misses(id(2), std::vector{later}).value(),
              ElementsAre(MissAt{later, MissReason::kNotFound}));
  EXPECT_THAT(misses(1), IsEmpty());
  EXPECT_THAT(misses(3), IsEmpty());  // taken back
  EXPECT_THAT(misses(4), ElementsAre(MissAt{kNoon, MissReason::kServerError}));
  EXPECT_THAT(misses(5), IsEmpty());  // of the rest
  EXPECT_THAT(store().read_misses(id(2), {}).value(), IsEmpty());
  EXPECT_EQ(stats(kNoon).rest, 6u);
  EXPECT_EQ(stats(kNoon).rest_reason, MissReason::kDown);
  EXPECT_EQ(stats(later).rest, 0u);
}

TEST_P(StoreContract, KnowsWhenTheFirstAndLastStoredValuesWereRetrieved) {
  auto early = batch_of(kNoon, {id(1)});
  early.retrieved_at = kNoon + seconds{5};
  auto late = batch_of(kNoon, {id(2)});
  late.retrieved_at = kNoon + seconds{55};
  auto repeat = batch_of(kNoon, {id(2)});
  repeat.retrieved_at = kNoon + seconds{59};
  append({late, early, repeat});
  EXPECT_EQ(stats(kNoon).first_retrieved_at, kNoon + seconds{5});
  EXPECT_EQ(stats(kNoon).last_retrieved_at, kNoon + seconds{55});
}

TEST_P(StoreContract, GivesEveryonesValueOfAMinuteByAscendingInfluencer) {
  append({batch_of(kNoon, {id(30), id(40)}, {{id(35), MissReason::kTimeout}}),
          batch_of(kNoon, {id(7), id(50)}), batch_of(kNoon + minutes{1}, {id(1), id(40)}),
          values_of(batch_of(kNoon, {id(40), id(45)}), 8, 9)});
  const auto noon = minute(kNoon);
  EXPECT_THAT(noon.influencers, ElementsAre(id(7), id(30), id(40), id(45), id(50)));
  EXPECT_THAT(
      noon.followers,
      ElementsAre(counts_of(id(7), kNoon).followers, counts_of(id(30), kNoon).followers,
                  counts_of(id(40), kNoon).followers, 8, counts_of(id(50), kNoon).followers));
  EXPECT_THAT(
      noon.following,
      ElementsAre(counts_of(id(7), kNoon).following, counts_of(id(30), kNoon).following,
                  counts_of(id(40), kNoon).following, 9, counts_of(id(50), kNoon).following));
  EXPECT_THAT(minute(kNoon + minutes{1}).influencers, ElementsAre(id(1), id(40)));
  EXPECT_EQ(minute(kNoon - minutes{1}), MinuteColumns{});
  EXPECT_EQ(minute(kNoon + minutes{2}), MinuteColumns{});
  EXPECT_EQ(minute(kNoon - days{5'000}), MinuteColumns{});
}

// An hour, and then a day, that was settled before the late values came.
TEST_P(StoreContract, GivesAMinuteWithWhatCameLate) {
  for (const auto settled : {hours{2}, hours{72}}) {
    const auto at = kNoon - settled;
    append({batch_of(at, {id(2), id(4)}), batch_of(at + minutes{59}, {id(4)})});
    maintain(kNoon + days{3});
    append({batch_of(at, {id(1), id(3), id(5)}), values_of(batch_of(at, {id(2)}), 0, 0)});
    const auto found = minute(at);
    ASSERT_THAT(found.influencers, ElementsAre(id(1), id(2), id(3), id(4), id(5)));
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found.followers[i], counts_of(found.influencers[i], at).followers);
      EXPECT_EQ(found.following[i], counts_of(found.influencers[i], at).following);
    }
    EXPECT_THAT(minute(at + minutes{59}).influencers, ElementsAre(id(4)));
  }
}

// Noon is settled with its day and has late values, the last minute is not settled.
TEST_P(StoreContract, RanksAnInfluencerInMinutesThatItHasAValueIn) {
  const auto value = [&](Minute at, std::uint64_t influencer, std::int64_t followers) {
    return values_of(batch_of(at, {id(influencer)}), followers, 1);
  };
  const auto last = kNoon + days{4};
  append({value(kNoon, 1, 50), value(kNoon, 2, 50), value(kNoon, 3, 60), value(kNoon, 4, 40),
          value(kNoon + minutes{1}, 1, 7), value(kNoon + minutes{2}, 2, 8),
          value(kNoon + minutes{59}, 1, 1), value(kNoon + minutes{59}, 2, 2)});
  maintain(kNoon + days{3});
  append({value(kNoon, 5, 70), value(last, 1, 9), value(last, 2, 8)});
  const std::vector wanted{kNoon - minutes{1},  kNoon, kNoon + minutes{1}, kNoon + minutes{2},
                           kNoon + minutes{59}, last};
  EXPECT_THAT(store().read_ranks(id(1), wanted, {}).value(),
              ElementsAre(RankAt{kNoon, 50, 3, 5}, RankAt{kNoon + minutes{1}, 7, 1, 1},
                          RankAt{kNoon + minutes{59}, 1, 2, 2}, RankAt{last, 9, 1, 2}));
  EXPECT_THAT(store().read_ranks(id(5), wanted, {}).value(), ElementsAre(RankAt{kNoon, 70, 1, 5}));
  EXPECT_THAT(store().read_ranks(id(6), wanted, {}).value(), IsEmpty());
  EXPECT_THAT(store().read_ranks(id(1), {}, {}).value(), IsEmpty());
  const auto abandoned = store().read_ranks(id(1), wanted, [] { return false; });
  ASSERT_FALSE(abandoned);
  EXPECT_EQ(abandoned.error().code, Errc::kCancelled);
}

TEST_P(StoreContract, AbandonsTheReadOfAMinuteWhenToldTo) {
  std::vector<InfluencerId> many;
  for (std::uint64_t i = 0; i < 3'000; ++i) many.push_back(id(i));
  append({batch_of(kNoon, many)});
  EXPECT_EQ(store().read_minute(kNoon, [] { return false; }).error().code, Errc::kCancelled);
  int asked = 0;
  const auto whole = store().read_minute(kNoon, [&asked] { return ++asked > 0; });
  EXPECT_THAT(whole->influencers, SizeIs(3'000));
  EXPECT_GT(asked, 0);
  maintain(kNoon + days{3});
  const GoOn hurried([] { return true; }, true);
  EXPECT_EQ(store().read_minute(kNoon, hurried).value(), *whole);
  EXPECT_EQ(store().read_ranks(id(1), std::vector{kNoon}, hurried).value().at(0).of, 3'000u);
  EXPECT_FALSE(store().read_minute(kNoon, GoOn([] { return false; }, true)));
  const GoOn throwing([]() -> bool { throw std::bad_alloc(); }, true);
  EXPECT_THROW((void)store().read_minute(kNoon, throwing), std::bad_alloc);
}

TEST_P(StoreContract, GivesMinutesOldestFirstAndOnlyThoseTouched) {
  for (const int minute : {5, 1, 3}) append({batch_of(kNoon + minutes{minute}, {id(1)})});
  const auto rows = store().read_minutes({kNoon, kNoon + minutes{5}}).value();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].minute, kNoon + minutes{1});
  EXPECT_EQ(rows[1].minute, kNoon + minutes{3});
}

TEST_P(StoreContract, AcceptsValuesOfAnHourThatWasSettled) {
  append({batch_of(kNoon, {id(1), id(2), id(4)}, {{id(3), MissReason::kTimeout}}),
          batch_of(kNoon + hours{1}, {id(1)})});
  maintain(kNoon + hours{2});
  const auto late = append({values_of(batch_of(kNoon, {id(1), id(3), id(5)}), 7, 7),
                            batch_of(kNoon + minutes{1}, {id(1)})});
  EXPECT_EQ(late.stored, 3u);
  EXPECT_EQ(late.repeats, 1u);
  EXPECT_EQ(stats(kNoon).missed_total(), 0u);
  maintain(kNoon + days{3});
  harness_->reopen();

  EXPECT_THAT(series(id(1)).minutes, ElementsAre(kNoon, kNoon + minutes{1}, kNoon + hours{1}));
  EXPECT_EQ(series(id(1)).followers[0], counts_of(id(1), kNoon).followers);
  EXPECT_THAT(series(id(3)).followers, ElementsAre(7));
  EXPECT_THAT(series(id(5)).followers, ElementsAre(7));
  EXPECT_EQ(append({batch_of(kNoon, {id(1), id(2), id(3), id(4), id(5)})}).repeats, 5u);
}

TEST_P(StoreContract, DropsWhatIsOlderThanTheRetention) {
  append({batch_of(kNoon, {id(1)}), batch_of(kNoon + hours{2}, {id(1)})});
  maintain(kNoon + hours{3});
  maintain(kNoon + hours{1} + kRetention);
  EXPECT_THAT(series(id(1)).minutes, ElementsAre(kNoon + hours{2}));
  EXPECT_EQ(minute(kNoon), MinuteColumns{});
  EXPECT_EQ(store().horizon().value(), kNoon + hours{1});

  const auto late = append({batch_of(kNoon + minutes{1}, {id(1), id(2)})});
  EXPECT_EQ(late.stored, 0u);
  EXPECT_EQ(late.expired, 2u);
  EXPECT_THAT(series(id(1)).minutes, ElementsAre(kNoon + hours{2}));
  EXPECT_EQ(series(id(2)), Series{});
}

TEST_P(StoreContract, KnowsTheLatestValueEvenWhenItsMinuteIsGone) {
  append({batch_of(kNoon, {id(1), id(2)}), batch_of(kNoon + hours{2}, {id(2)})});
  maintain(kNoon + hours{3});
  maintain(kNoon + days{2} + kRetention);
  harness_->reopen();
  const auto latest = store().read_latest().value();
  EXPECT_THAT(latest.values.influencers, UnorderedElementsAre(id(1), id(2)));
}

TEST_P(StoreContract, GivesTheNewestValueOfEveryone) {
  append({batch_of(kNoon + minutes{1}, {id(1), id(2)}), batch_of(kNoon + minutes{2}, {id(2)})});
  append({batch_of(kNoon, {id(1), id(2), id(3)})});

  const auto latest = store().read_latest().value();
  ASSERT_THAT(latest.values.influencers, UnorderedElementsAre(id(1), id(2), id(3)));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto influencer = latest.values.influencers[i];
    const auto minute = kNoon + minutes{influencer == id(1) ? 1 : influencer == id(2) ? 2 : 0};
    EXPECT_EQ(latest.values.retrieved_at[i], minute + seconds{20});
    EXPECT_EQ(latest.values.followers[i], counts_of(influencer, minute).followers);
    EXPECT_EQ(latest.values.following[i], counts_of(influencer, minute).following);
  }
}

TEST_P(StoreContract, FollowsOnFromTheLatestValues) {
  append({batch_of(kNoon, {id(1)})});
  const auto latest = store().read_latest().value();
  EXPECT_THAT(store().read_tail(latest.cursor)->batches, IsEmpty());

  append({batch_of(kNoon, {id(1), id(2)}), batch_of(kNoon + minutes{1}, {id(3)})});
  const auto tail = store().read_tail(latest.cursor).value();
  std::vector<InfluencerId> seen;
  for (const auto& batch : tail.batches) {
    seen.insert(seen.end(), batch.influencers.begin(), batch.influencers.end());
  }
  EXPECT_THAT(seen, ::testing::IsSupersetOf({id(2), id(3)}));
  EXPECT_THAT(store().read_tail(tail.cursor)->batches, IsEmpty());
}

TEST_P(StoreContract, LeadsWhoeverFollowsFromTheBeginningToTheLatestValues) {
  for (int minute = 0; minute < 300; ++minute) {
    append({batch_of(kNoon + minutes{minute}, {id(1), id(2 + static_cast<unsigned>(minute) % 5)})});
  }
  maintain(kNoon + days{2});
  std::map<InfluencerId, WallTime> newest;
  TailCursor cursor;
  for (;;) {
    const auto tail = store().read_tail(cursor).value();
    if (tail.batches.empty()) break;
    cursor = tail.cursor;
    for (const auto& batch : tail.batches) {
      for (const auto influencer : batch.influencers) {
        newest[influencer] = std::max(newest[influencer], batch.retrieved_at);
      }
    }
  }
  const auto latest = store().read_latest().value();
  ASSERT_EQ(newest.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(newest[latest.values.influencers[i]], latest.values.retrieved_at[i]);
  }
}

TEST_P(StoreContract, FindsUsernamesByTheirBeginning) {
  auto batch = batch_of(kNoon, {id(1), id(2), id(3)});
  batch.usernames = {{id(1), "Bea"}, {id(2), "anna_b"}, {id(3), "ANNA"}, {id(4), "\xc3\x84nne"}};
  append({batch});
  const auto names = [&](std::string_view prefix, std::size_t count_max) {
    std::vector<std::string> found;
    const auto usernames = store().find_usernames(prefix, count_max).value();
    for (const auto& username : usernames) {
      found.push_back(username.name);
    }
    return found;
  };
  EXPECT_THAT(names("an", 10), ElementsAre("ANNA", "anna_b"));
  EXPECT_THAT(names("ANNA_", 10), ElementsAre("anna_b"));
  EXPECT_THAT(names("", 10), ElementsAre("ANNA", "anna_b", "Bea", "\xc3\x84nne"));
  EXPECT_THAT(names("", 2), ElementsAre("ANNA", "anna_b"));
  EXPECT_THAT(names("%", 10), IsEmpty());
  EXPECT_THAT(names("c", 10), IsEmpty());
}

TEST_P(StoreContract, KeepsTheUsernameThatWasSeenLast) {
  const auto named = [&](Minute minute, const char* name) {
    auto batch = batch_of(minute, {});
    batch.usernames = {{id(1), name}};
    return batch;
  };
  append({named(kNoon + minutes{1}, "new")});
  append({named(kNoon, "old")});
  EXPECT_THAT(store().find_usernames("old", 9).value(), IsEmpty());
  append({named(kNoon + minutes{2}, "newest")});
  EXPECT_THAT(store().find_usernames("", 9).value(), ElementsAre(Username{id(1), "newest"}));
  EXPECT_THAT(store().read_latest()->usernames, ElementsAre(Username{id(1), "newest"}));
}

TEST_P(StoreContract, KeepsTheRegistryOfTheNewestEpoch) {
  EXPECT_EQ(store().registry()->epoch, 0u);
  auto registry = registry_of(3, "1-10,50,70-90");
  registry.schedule = {.interval = minutes{5}, .spread = seconds{40}};
  registry.watched = WatchHistory(kNoon).followed_by({}, registry.influencers, kNoon);
  ASSERT_TRUE(store().put_registry(registry));
  harness_->reopen();
  EXPECT_EQ(store().registry().value(), registry);
  for (const auto epoch : {std::uint64_t{1}, std::uint64_t{3}}) {
    const auto stale = store().put_registry(registry_of(epoch, "1"));
    ASSERT_FALSE(stale);
    EXPECT_EQ(stale.error().code, Errc::kInvalid);
  }
  EXPECT_EQ(store().registry().value(), registry);
}

TEST_P(StoreContract, KnowsItsSize) {
  EXPECT_EQ(store().size()->points, 0u);
  append({batch_of(kNoon + minutes{1}, {id(1)}), batch_of(kNoon, {id(1), id(2)})});
  EXPECT_EQ(store().size()->points, 3u);
  EXPECT_EQ(store().size()->oldest_minute, kNoon);
  EXPECT_GT(store().size()->bytes, 0u);
  EXPECT_GT(store().size()->free_bytes, 0u);
}

inline std::string name_of_contract(const ::testing::TestParamInfo<Contract>& info) {
  return info.param.name;
}

}  // namespace ia
