#include "pipeline/vanished.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

std::vector<InfluencerId> ids(std::uint64_t count) {
  std::vector<InfluencerId> ids;
  for (std::uint64_t i = 1; i <= count; ++i) ids.push_back(id(i));
  return ids;
}

// How the network answers one request.
enum class Says { kValue, kNoSuch, kBare404, k500 };

class VanishedInfluencersTest : public ::testing::Test {
 protected:
  using Network = std::function<Says(InfluencerId)>;

  // One minute of all, in fetches of `size`; what was missed.
  std::vector<Miss> minute(const Network& network, std::uint64_t count, std::size_t size = 1000) {
    std::vector<Miss> missed;
    requested_.clear();
    const auto all = ids(count);
    for (std::size_t begin = 0; begin < all.size(); begin += size) {
      const auto end = std::min(all.size(), begin + size);
      auto split = vanished_.split({all.begin() + static_cast<std::ptrdiff_t>(begin),
                                    all.begin() + static_cast<std::ptrdiff_t>(end)},
                                   now_);
      auto fetch = fetch_of(split.to_fetch, network);
      if (!split.to_fetch.empty()) vanished_.note(fetch, now_);
      missed.insert(missed.end(), fetch.misses.begin(), fetch.misses.end());
      missed.insert(missed.end(), split.skipped.begin(), split.skipped.end());
      requested_.insert(split.to_fetch.begin(), split.to_fetch.end());
    }
    now_ += minutes{1};
    return missed;
  }
  static FinishedFetch fetch_of(const std::vector<InfluencerId>& influencers,
                                const Network& network) {
    FinishedFetch fetch;
    for (const auto influencer : influencers) {
      const auto says = network(influencer);
      if (says == Says::kValue) {
        fetch.values.push_back({influencer, {}, {1, 1}});
      } else {
        fetch.misses.push_back(
            {influencer, says == Says::k500 ? MissReason::kServerError : MissReason::kNotFound});
      }
      if (says == Says::kNoSuch) fetch.denied.push_back(influencer);
    }
    return fetch;
  }
  static Network everybody(Says says) {
    return [says](InfluencerId) { return says; };
  }
  static Network all_but(InfluencerId gone, Says says) {
    return [=](InfluencerId influencer) { return influencer == gone ? says : Says::kValue; };
  }

  VanishedInfluencers vanished_;
  std::set<InfluencerId> requested_;  // in the last minute
  MonoTime now_{seconds{1'000'000}};
};

TEST_F(VanishedInfluencersTest, ADeniedOneIsRequestedOncePerHourUntilItHasAValue) {
  const auto gone = all_but(id(3), Says::kNoSuch);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(minute(gone, 10), SizeIs(1));
  EXPECT_EQ(vanished_.flagged(), 1u);
  int requests = 0;
  for (int i = 0; i < 120; ++i) {
    EXPECT_THAT(minute(gone, 10), Each(Field(&Miss::reason, MissReason::kNotFound)));
    requests += static_cast<int>(requested_.count(id(3)));
  }
  EXPECT_EQ(requests, 2);
  for (int i = 0; i < 60; ++i) minute(everybody(Says::kValue), 10);
  EXPECT_EQ(vanished_.flagged(), 0u);
  EXPECT_THAT(minute(everybody(Says::kValue), 10), IsEmpty());
}

TEST_F(VanishedInfluencersTest, ABareNotFoundCountsWhileTheOthersAreAnswered) {
  for (const std::size_t size : {1000u, 1u}) {
    vanished_ = {};
    for (int i = 0; i < 5; ++i) {
      EXPECT_THAT(minute(all_but(id(3), Says::kBare404), 200, size),
                  Each(Field(&Miss::reason, MissReason::kNotFound)));
    }
    EXPECT_EQ(vanished_.flagged(), 1u) << "in fetches of " << size;
  }
}

TEST_F(VanishedInfluencersTest, AGatewaysNotFoundForEverybodyDeniesNobody) {
  for (const std::size_t size : {1000u, 100u, 2u, 1u}) {
    vanished_ = {};
    for (int i = 0; i < 3; ++i) minute(everybody(Says::kValue), 600, size);
    for (int i = 0; i < 60; ++i) {
      const auto missed = minute(everybody(Says::kBare404), 600, size);
      EXPECT_THAT(missed, SizeIs(600));
      // In the first minute the outage is not yet to be told from what was before.
      if (i < 2) continue;
      EXPECT_THAT(missed, Each(Field(&Miss::reason, MissReason::kServerError)));
    }
    EXPECT_EQ(vanished_.flagged(), 0u) << "in fetches of " << size;
    EXPECT_THAT(minute(everybody(Says::kValue), 600, size), IsEmpty());
  }
}

// As while one of three gateways has lost its configuration.
TEST_F(VanishedInfluencersTest, AGatewaysNotFoundForSomeRequestsFlagsNobody) {
  std::mt19937_64 random(7);
  for (const double share : {0.1, 0.3, 0.5, 0.8}) {
    std::bernoulli_distribution fails(share);
    for (int i = 0; i < 60; ++i) {
      minute([&](InfluencerId) { return fails(random) ? Says::kBare404 : Says::kValue; }, 2000);
    }
    EXPECT_EQ(vanished_.flagged(), 0u) << share;
  }
}

TEST_F(VanishedInfluencersTest, AServersErrorNeverFlagsHoweverOften) {
  for (int i = 0; i < 200; ++i) {
    EXPECT_THAT(minute(all_but(id(3), Says::k500), 10),
                Each(Field(&Miss::reason, MissReason::kServerError)));
  }
  EXPECT_EQ(vanished_.flagged(), 0u);
  std::mt19937_64 random(7);
  std::bernoulli_distribution fails(0.9);
  for (int i = 0; i < 60; ++i) {
    minute([&](InfluencerId) { return fails(random) ? Says::k500 : Says::kValue; }, 2000);
  }
  EXPECT_EQ(vanished_.flagged(), 0u);
}

TEST_F(VanishedInfluencersTest, OneWithoutOthersIsNeverFlaggedByABareNotFound) {
  for (int i = 0; i < 60; ++i) {
    EXPECT_THAT(minute(everybody(Says::kBare404), 1),
                Each(Field(&Miss::reason, MissReason::kNotFound)));
  }
  EXPECT_EQ(vanished_.flagged(), 0u);
}

// Its database was empty for a while: everybody is denied in its own words.
TEST_F(VanishedInfluencersTest, AfterTheNetworkDeniedEverybodyForAWhileAllAreRequestedAtOnce) {
  for (const std::size_t size : {1000u, 200u}) {
    vanished_ = {};
    for (int i = 0; i < 8; ++i) minute(everybody(Says::kNoSuch), 600, size);
    EXPECT_EQ(vanished_.flagged(), 600u);
    minute(everybody(Says::kNoSuch), 600, size);
    EXPECT_EQ(requested_.size(), 600 / std::min<std::size_t>(size, 600)) << "one per fetch";
    minute(everybody(Says::kValue), 600, size);
    minute(everybody(Says::kValue), 600, size);
    EXPECT_EQ(vanished_.flagged(), 0u);
    EXPECT_THAT(minute(everybody(Says::kValue), 600, size), IsEmpty());
  }
}

TEST_F(VanishedInfluencersTest, AReturnLeavesThoseFlaggedForAnotherReasonAlone) {
  for (int i = 0; i < 5; ++i) minute(all_but(id(3), Says::kNoSuch), 10);
  for (int i = 0; i < 35; ++i) minute(all_but(id(3), Says::kNoSuch), 10);
  const auto both_gone = [](InfluencerId influencer) {
    return influencer == id(3) || influencer == id(4) ? Says::kNoSuch : Says::kValue;
  };
  for (int i = 0; i < 5; ++i) minute(both_gone, 10);
  EXPECT_EQ(vanished_.flagged(), 2u);
  for (int i = 0; i < 30; ++i) {
    minute(all_but(id(4), Says::kNoSuch), 10);
    EXPECT_EQ(requested_.count(id(4)), 0u);
  }
  EXPECT_EQ(vanished_.flagged(), 1u);
}

}  // namespace
}  // namespace ia
