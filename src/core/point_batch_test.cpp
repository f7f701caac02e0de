#include "core/point_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ia {
namespace {

using ::testing::Lt;
using ::testing::Optional;

constexpr InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

PointBatch batch_of(std::vector<InfluencerId> ids) {
  PointBatch batch;
  batch.minute = Minute{std::chrono::minutes{29'000'000}};
  batch.retrieved_at = batch.minute + std::chrono::milliseconds{31'250};
  for (const auto influencer : ids) {
    batch.influencers.push_back(influencer);
    batch.followers.push_back(static_cast<std::int64_t>(number_of(influencer) % 977'777));
    batch.following.push_back(static_cast<std::int64_t>(number_of(influencer) % 1'333));
  }
  return batch;
}

PointBatch rich_batch() {
  auto batch = batch_of({id(3), id(4), id(5), id(900), id(kInfluencerIdMax)});
  batch.followers.back() = kCountMax;
  batch.following.front() = 0;
  batch.misses = {{id(6), MissReason::kTimeout}, {id(901), MissReason::kDown}};
  batch.usernames = {{id(3), "ada"}, {id(900), std::string("\xc3\xa9", 2)}};
  return batch;
}

TEST(PointBatch, ComesBackAsItWent) {
  for (const auto& batch : {PointBatch{}, batch_of({id(0)}), rich_batch()}) {
    const auto back = decode_point_batch(encode(batch));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, batch);
  }
}

TEST(PointBatch, ComesBackAsItWentWhateverIsInIt) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    PointBatch batch = batch_of({});
    std::uint64_t next = random() % 1000;
    const auto count = random() % 200;
    for (std::uint64_t i = 0; i < count; ++i) {
      next += 1 + (random() % 3 == 0 ? random() % 5000 : 0);
      if (random() % 10 == 0) {
        batch.misses.push_back({id(next), static_cast<MissReason>(random() % kMissReasonCount)});
        continue;
      }
      batch.influencers.push_back(id(next));
      batch.followers.push_back(static_cast<std::int64_t>(random() >> (11 + random() % 50)));
      batch.following.push_back(static_cast<std::int64_t>(random() >> (11 + random() % 50)));
    }
    const auto bytes = encode(batch);
    ASSERT_EQ(decode_point_batch(bytes), batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Counts counts{batch.followers[i], batch.following[i]};
      ASSERT_THAT(find_in_encoded(bytes, batch.influencers[i]), Optional(counts));
    }
    for (const auto& miss : batch.misses) {
      ASSERT_EQ(find_in_encoded(bytes, miss.influencer), std::nullopt);
    }
  }
}

TEST(PointBatch, ComesInPartsWhenItIsTooLargeForAMessage) {
  std::vector<InfluencerId> ids;
  for (std::uint64_t i = 0; i < 1'000; ++i) ids.push_back(id(i * 3));
  auto batch = batch_of(ids);
  for (const auto influencer : ids) {
    batch.usernames.push_back({influencer, std::string(kUsernameBytesMax, 'n')});
    batch.misses.push_back({id(number_of(influencer) + 1), MissReason::kTimeout});
  }
  const auto parts = encode_in_parts(batch, 20'000);
  PointBatch whole = batch_of({});
  for (const auto& part : parts) {
    EXPECT_LE(part.size(), 20'000u);
    const auto back = decode_point_batch(part);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->retrieved_at, batch.retrieved_at);
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(whole.influencers, back->influencers);
    append(whole.followers, back->followers);
    append(whole.following, back->following);
    append(whole.misses, back->misses);
    append(whole.usernames, back->usernames);
  }
  EXPECT_EQ(whole, batch);
  EXPECT_EQ(encode_in_parts(batch_of(ids), 20'000), std::vector{encode(batch_of(ids))});
}

TEST(PointBatch, IsSmall) {
  std::vector<InfluencerId> ids;
  for (std::uint64_t n = 1'000'000; n < 1'001'000; ++n) ids.push_back(id(n));

  EXPECT_THAT(encode(batch_of(ids)).size(), Lt(5'100u));
}

TEST(PointBatch, NoticesEveryFlippedBit) {
  const auto bytes = encode(rich_batch());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_point_batch(damaged)) << "bit " << bit;
  }
}

TEST(PointBatch, NoticesEveryCut) {
  const auto bytes = encode(rich_batch());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_point_batch(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(decode_point_batch(bytes + "x"));
}

}  // namespace
}  // namespace ia
