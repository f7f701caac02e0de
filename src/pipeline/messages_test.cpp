#include "pipeline/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using ::testing::HasSubstr;

Shard some_shard() {
  return {.epoch = 4,
          .number = {17, 1000},
          .schedule = {std::chrono::minutes{5}, std::chrono::milliseconds{53'000}},
          .influencers = InfluencerSet::parse("5,1017000-1017999").value()};
}

std::string problem(std::string_view body) {
  const auto shard = decode_shard(body);
  return shard ? "" : shard.error().message;
}

TEST(ShardMessage, ComesBackAsItWent) {
  EXPECT_EQ(decode_shard(encode(some_shard())), some_shard());
}

// The form is a contract with fetchers of other versions and with people who read queues.
constexpr std::string_view kOlder =
    R"({"version":1,"epoch":4,"shard":17,"shards":1000,"interval_minutes":5,)"
    R"("spread_ms":53000,"influencers":"5,1017000-1017999"})";

TEST(ShardMessage, IsPlainJsonWithAChecksum) {
  EXPECT_EQ(encode(some_shard()),
            R"({"version":1,"epoch":4,"shard":17,"shards":1000,"interval_minutes":5,)"
            R"("spread_ms":53000,"influencers":"5,1017000-1017999","crc32":"b7a37725"})");
}

TEST(ShardMessage, OfAnOlderVersionHasNoChecksum) { EXPECT_EQ(decode_shard(kOlder), some_shard()); }

TEST(ShardMessage, MayBeWrittenInAnotherOrder) {
  EXPECT_EQ(decode_shard(R"({ "crc32": "b7a37725", "influencers": "5,1017000-1017999", "epoch": 4,
      "shard": 17, "shards": 1000, "interval_minutes": 5, "spread_ms": 53000, "version": 1 })"),
            some_shard());
}

TEST(ShardMessage, WithAnyChangedBitIsRefusedOrMeansTheSame) {
  const auto intact = encode(some_shard());
  for (std::size_t bit = 0; bit < intact.size() * 8; ++bit) {
    auto body = intact;
    body[bit / 8] = static_cast<char>(body[bit / 8] ^ (1 << (bit % 8)));
    const auto shard = decode_shard(body);
    EXPECT_TRUE(!shard || *shard == some_shard()) << body;
  }
  auto digit = intact;
  digit.replace(digit.find("1017000"), 7, "1007000");
  EXPECT_THAT(problem(digit), HasSubstr("checksum"));
}

TEST(ShardMessage, TakesTheSeedsMessageOfOneInfluencer) {
  const auto shard = decode_shard(R"({"influencer_id": 1000001})");

  ASSERT_TRUE(shard) << shard.error().message;
  EXPECT_EQ(shard->epoch, kForeignEpoch);
  EXPECT_EQ(shard->influencers.to_string(), "1000001");
  EXPECT_EQ(shard->schedule.interval, std::chrono::minutes{1});
}

TEST(ShardMessage, SaysWhatIsWrong) {
  EXPECT_THAT(problem("hello"), HasSubstr("not a JSON object"));
  EXPECT_THAT(problem("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(problem(""), HasSubstr("not a JSON object"));
  EXPECT_THAT(problem("\xef\xbb\xbf"
                      R"({"influencer_id": 1000001})"),
              HasSubstr("not a JSON object"));
  EXPECT_THAT(problem("{}"), HasSubstr("'version'"));
  EXPECT_THAT(problem(R"({"version":2})"), HasSubstr("version 2"));
  EXPECT_THAT(problem(R"({"influencer_id":"7"})"), HasSubstr("'influencer_id'"));
  EXPECT_THAT(problem(R"({"influencer_id":-7})"), HasSubstr("'influencer_id'"));
  auto changed = [](std::string_view from, std::string_view to) {
    auto body = encode(some_shard());
    return problem(body.replace(body.find(from), from.size(), to));
  };
  EXPECT_THAT(changed("\"epoch\":4", "\"epoch\":0"), HasSubstr("'epoch'"));
  EXPECT_THAT(changed("\"shard\":17", "\"shard\":1000"), HasSubstr("'shard'"));
  EXPECT_THAT(changed("\"interval_minutes\":5", "\"interval_minutes\":0"), HasSubstr("'interval"));
  EXPECT_THAT(changed("\"spread_ms\":53000", "\"spread_ms\":60000"), HasSubstr("'spread_ms'"));
  EXPECT_THAT(changed("5,1017000-1017999", "9-1"), HasSubstr("9-1"));
  EXPECT_THAT(changed("5,1017000-1017999", ""), HasSubstr("'influencers'"));
  EXPECT_THAT(changed("5,1017000-1017999", "0-9223372036854775807"), HasSubstr("'influencers'"));
}

}  // namespace
}  // namespace ia
