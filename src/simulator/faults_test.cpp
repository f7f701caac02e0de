#include "simulator/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulator/random.h"

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

std::vector<std::int64_t> sorted_samples(const std::string& text) {
  const auto latency = Latency::parse(text);
  EXPECT_TRUE(latency.has_value()) << text;
  std::vector<std::int64_t> times;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    times.push_back(latency->sample(random_at({9, 0, i})).count());
  }
  std::ranges::sort(times);
  return times;
}

std::string latency_error(const std::string& text) {
  const auto latency = Latency::parse(text);
  return latency ? "" : latency.error().message;
}

TEST(Latency, OfAFixedTimeIsThatTime) {
  for (const auto* text : {"fixed:5ms", "5ms", "5000us", " 0.005s"}) {
    EXPECT_EQ(Latency::parse(text)->sample(12'345), 5ms) << text;
  }
  EXPECT_EQ(Latency::parse("0")->sample(12'345), 0ms);
}

TEST(Latency, UniformFillsItsRangeEvenly) {
  const auto times = sorted_samples("uniform:1ms-21ms");
  EXPECT_THAT(times.front(), AllOf(Ge(1'000), Le(1'010)));
  EXPECT_NEAR(static_cast<double>(times[50'000]), 11'000, 100);
  EXPECT_THAT(times.back(), AllOf(Ge(20'990), Le(21'000)));
}

TEST(Latency, ExponentialAndLognormalHaveTheirPercentiles) {
  const auto exponential = sorted_samples("exponential:p50=20ms");
  EXPECT_NEAR(static_cast<double>(exponential[50'000]), 20'000, 300);
  EXPECT_NEAR(static_cast<double>(exponential[75'000]), 40'000, 600);

  const auto lognormal = sorted_samples("lognormal:p50=20ms,p99=200ms");
  EXPECT_NEAR(static_cast<double>(lognormal[50'000]), 20'000, 400);
  EXPECT_NEAR(static_cast<double>(lognormal[99'000]), 200'000, 8'000);
}

TEST(Latency, SaysWhatIsWrongWithAText) {
  EXPECT_THAT(latency_error("fast"), HasSubstr("'fast' is not a time like 500us, 20ms"));
  EXPECT_THAT(latency_error("5"), HasSubstr("is not a time"));
  EXPECT_THAT(latency_error("-5ms"), HasSubstr("is not a time"));
  EXPECT_THAT(latency_error("nanms"), HasSubstr("is not a time"));
  EXPECT_THAT(latency_error("2h"), HasSubstr("is not a time"));
  EXPECT_THAT(latency_error("61m"), HasSubstr("longer than an hour"));
  EXPECT_THAT(latency_error("gamma:1ms"), HasSubstr("none of fixed, uniform, exponential"));
  EXPECT_THAT(latency_error("uniform:5ms"), HasSubstr("range of times like 1ms-20ms"));
  EXPECT_THAT(latency_error("uniform:5ms-1ms"), HasSubstr("swap its ends"));
  EXPECT_THAT(latency_error("lognormal:p50=20ms"), HasSubstr("p99 is missing"));
  EXPECT_THAT(latency_error("lognormal:p50=20ms,p99=2ms"), HasSubstr("p99 is less than p50"));
  EXPECT_THAT(latency_error("exponential:p99=20ms"), HasSubstr("'p99=20ms' is not p50=TIME"));
  EXPECT_THAT(latency_error("exponential:p50=0"), HasSubstr("p50 is missing"));
}

TEST(Outage, IsReadWithItsKindAndCoversItsRange) {
  const auto outages = Outage::parse("10s-20s, 30s-1m:500 ,2m-3m:refuse");
  ASSERT_TRUE(outages.has_value());
  EXPECT_THAT(*outages, ElementsAre(Outage{10s, 20s, Outage::Kind::kRefuse},
                                    Outage{30s, 60s, Outage::Kind::kError},
                                    Outage{120s, 180s, Outage::Kind::kRefuse}));
  EXPECT_FALSE(outages->front().covers(9'999ms));
  EXPECT_TRUE(outages->front().covers(10s));
  EXPECT_FALSE(outages->front().covers(20s));
}

TEST(Outage, SaysWhatIsWrongWithAText) {
  EXPECT_THAT(Outage::parse("10s-20s:off").error().message, HasSubstr(":refuse or :500"));
  EXPECT_THAT(Outage::parse("20s-10s").error().message, HasSubstr("swap its ends"));
  EXPECT_THAT(Outage::parse("10s").error().message, HasSubstr("range of times"));
}

TEST(Faults, HitAsOftenAsTheirRatesSay) {
  const Faults faults{.error_rate = 0.1, .hang_rate = 0.02, .redirect_rate = 0.3};
  std::map<FaultKind, double> seen;
  for (std::uint64_t i = 0; i < 100'000; ++i) seen[faults.pick(random_at({1, 1, i}))] += 1e-5;

  EXPECT_NEAR(seen[FaultKind::kError], 0.1, 0.005);
  EXPECT_NEAR(seen[FaultKind::kHang], 0.02, 0.003);
  EXPECT_NEAR(seen[FaultKind::kRedirect], 0.3, 0.01);
  EXPECT_NEAR(seen[FaultKind::kNone], 0.58, 0.01);
  EXPECT_EQ(seen.size(), 4);
}

TEST(Faults, AreNoneByDefaultAndByEveryOptionsDefault) {
  std::map<std::string, std::string> defaults;
  for (const auto& option : fault_options()) defaults[std::string(option.name)] = option.fallback;

  EXPECT_TRUE(Faults{}.none());
  EXPECT_EQ(parse_faults(defaults).value(), Faults{});
}

TEST(Faults, OfEachRateAreReadByTheNameOfTheirKind) {
  for (std::size_t i = 1; i < kFaultKindCount; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    const auto faults = parse_faults({{std::string(name_of(kind)) + "_rate", "1"}});
    ASSERT_TRUE(faults.has_value()) << name_of(kind);
    EXPECT_EQ(faults->pick(0x8000'0000'0000'0000U), kind);
    EXPECT_FALSE(faults->none());
  }
}

TEST(Faults, AreReadFromTexts) {
  const auto faults = parse_faults({{"rate_limit", "5000"},
                                    {"retry_after", "7s"},
                                    {"drip_interval", "3ms"},
                                    {"malformations", "null, huge"},
                                    {"vanished", "5,10-12"},
                                    {"outages", "1s-2s"},
                                    {"latency", "1ms"}});
  ASSERT_TRUE(faults.has_value()) << faults.error().message;
  EXPECT_EQ(faults->rate_limit, 5'000);
  EXPECT_EQ(faults->retry_after, 7s);
  EXPECT_EQ(faults->drip_interval, 3ms);
  EXPECT_THAT(faults->malformations, ElementsAre(Malformation::kNull, Malformation::kHuge));
  EXPECT_EQ(faults->vanished.size(), 4);
  EXPECT_EQ(faults->outages.size(), 1);
  EXPECT_EQ(faults->latency.sample(0), 1ms);
}

TEST(Faults, NameTheOptionThatIsWrong) {
  const auto error = [](const char* name, const char* text) {
    const auto faults = parse_faults({{name, text}});
    return faults ? "" : faults.error().message;
  };
  EXPECT_THAT(error("error_rate", "1.5"), HasSubstr("error_rate: '1.5' is not a number from 0"));
  EXPECT_THAT(error("error_rate", "often"), HasSubstr("error_rate: 'often'"));
  EXPECT_THAT(error("retry_after", "1500ms"), HasSubstr("whole seconds"));
  EXPECT_THAT(error("drip_interval", "0"), HasSubstr("less than 1ms"));
  EXPECT_THAT(error("malformations", "odd"), HasSubstr("'odd' is none of not_json, cut"));
  EXPECT_THAT(error("vanished", "5-x"), HasSubstr("vanished: influencers: '5-x'"));
  EXPECT_THAT(error("eror_rate", "0"), HasSubstr("'eror_rate' is not a fault"));
}

TEST(Faults, RefuseRatesOfMoreThanOneTogether) {
  const auto faults = parse_faults({{"error_rate", "0.6"}, {"hang_rate", "0.6"}});
  EXPECT_THAT(faults.error().message, HasSubstr("1.2"));
  EXPECT_TRUE(parse_faults({{"error_rate", "0.4"}, {"hang_rate", "0.6"}}).has_value());
}

TEST(FaultOptions, HaveDistinctNamesAndHelp) {
  std::set<std::string_view> names;
  for (const auto& option : fault_options()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_FALSE(option.help.empty());
    EXPECT_FALSE(option.allowed.empty());
  }
}

}  // namespace
}  // namespace ia
