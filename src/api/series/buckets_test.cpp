#include "api/series/buckets.h"

#include <gtest/gtest.h>

#include "api/series/encoding.h"

namespace ia {
namespace {

using std::chrono::minutes;

Minute at(int minute) { return Minute{minutes{29'453'760 + minute}}; }  // 2026-01-01 00:00

Series series_of(std::initializer_list<std::array<int, 3>> points) {
  Series series;
  for (const auto& [minute, followers, following] : points) {
    series.minutes.push_back(at(minute));
    series.followers.push_back(followers);
    series.following.push_back(following);
  }
  return series;
}

const Series kSeries = series_of({{1, 10, 4}, {2, 30, 2}, {4, 20, 0}, {10, 7, 5}});

TEST(Buckets, BeginAtMultiplesOfTheStepAndLeaveGapsOut) {
  const auto buckets = aggregate(kSeries, minutes{5}, Aggregate::kMax);
  EXPECT_EQ(buckets.begins, (std::vector{at(0), at(10)}));
  EXPECT_EQ(buckets.followers, (std::vector{30.0, 7.0}));
  EXPECT_EQ(buckets.following, (std::vector{4.0, 5.0}));
}

TEST(Buckets, AggregateEachColumn) {
  EXPECT_EQ(aggregate(kSeries, minutes{5}, Aggregate::kMin).following, (std::vector{0.0, 5.0}));
  EXPECT_EQ(aggregate(kSeries, minutes{5}, Aggregate::kAvg).followers, (std::vector{20.0, 7.0}));
  EXPECT_EQ(aggregate(kSeries, minutes{5}, Aggregate::kLast).followers, (std::vector{20.0, 7.0}));
}

TEST(Buckets, AreCountedWhereTheRangeTouchesThem) {
  EXPECT_EQ(bucket_count({at(0), at(0)}, minutes{5}), 0U);
  EXPECT_EQ(bucket_count({at(0), at(5)}, minutes{5}), 1U);
  EXPECT_EQ(bucket_count({at(4), at(6)}, minutes{5}), 2U);
}

TEST(Buckets, SmallestStepFitsAndTheNextSmallerOneDoesNot) {
  const MinuteRange range{at(3), at(3 + 366 * 1440)};
  const auto step = smallest_step(range, 50'000);
  EXPECT_LE(bucket_count(range, step), 50'000U);
  EXPECT_GT(bucket_count(range, step - minutes{1}), 50'000U);
}

TEST(Encoding, KeepsTheContractOfTheSeed) {
  std::string out = "left over";
  encode_analytics(kSeries, out);
  EXPECT_EQ(out, R"({"data":[[1767225660000,10,4,2.5],[1767225720000,30,2,15.0],)"
                 R"([1767225840000,20,0,null],[1767226200000,7,5,1.4]],"success":true})");
  encode_analytics({}, out);
  EXPECT_EQ(out, R"({"data":[],"success":true})");
}

const SeriesHead kHead{.influencer = InfluencerId{5},
                       .cut = {.range = {at(0), at(15)},
                               .step = minutes{5},
                               .how = Aggregate::kAvg,
                               .aggregate_name = "avg"}};
constexpr std::string_view kHeadText =
    R"({"id":5,"id_str":"5","start":"2026-01-01T00:00:00.000Z","end":"2026-01-01T00:15:00.000Z",)"
    R"("step_seconds":300,"aggregate":"avg",)";

TEST(Encoding, RowsLeaveGapsOut) {
  std::string out;
  encode_rows(kHead, aggregate(kSeries, kHead.cut.step, kHead.cut.how), out);
  EXPECT_EQ(out, std::string(kHeadText) +
                     R"("columns":["time_ms","follower_count","following_count","follower_ratio"],)"
                     R"("rows":[[1767225600000,20.0,2.0,10.0],[1767226200000,7.0,5.0,1.4]]})");
}

TEST(Encoding, ColumnsSayNullInGaps) {
  std::string out;
  encode_columns(kHead, aggregate(kSeries, kHead.cut.step, kHead.cut.how), out);
  EXPECT_EQ(out, std::string(kHeadText) +
                     R"("time_ms":[1767225600000,1767225900000,1767226200000],)"
                     R"("follower_count":[20.0,null,7.0],"following_count":[2.0,null,5.0],)"
                     R"("follower_ratio":[10.0,null,1.4]})");
}

TEST(Encoding, CsvHasAHeaderLine) {
  std::string out;
  auto head = kHead;
  head.cut.step = minutes{1};
  head.cut.how = Aggregate::kLast;
  encode_csv(head, aggregate(kSeries, head.cut.step, head.cut.how), out);
  EXPECT_EQ(out,
            "minute,follower_count,following_count,follower_ratio\r\n"
            "2026-01-01T00:01:00Z,10,4,2.5\r\n2026-01-01T00:02:00Z,30,2,15.0\r\n"
            "2026-01-01T00:04:00Z,20,0,\r\n2026-01-01T00:10:00Z,7,5,1.4\r\n");
}

TEST(Encoding, HasRoomForTheLargestNumbers) {
  Series series;
  for (int i = 0; i < 100; ++i) {
    series.minutes.push_back(at(i));
    series.followers.push_back(kCountMax);
    series.following.push_back(kCountMax - 1 + i % 2);
  }
  std::string out;
  encode_analytics(series, out);
  EXPECT_TRUE(out.ends_with(R"(9007199254740991,9007199254740991,1.0]],"success":true})"));
}

}  // namespace
}  // namespace ia
