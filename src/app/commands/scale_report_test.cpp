#include "app/commands/scale_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ia {
namespace {

using ::testing::HasSubstr;

ScaleRound round_of(std::uint32_t workers, double rate) {
  return {.workers = workers,
          .worker_rate = 4'000,
          .due = 400'000,
          .stored = 400'000,
          .rate = rate,
          .fetch_us = 10,
          .sink_us = 4,
          .evenness = 1.01,
          .store_us = 8,
          .commit_ms = 20,
          .machine_busy = 0.5,
          .cores = 2};
}

TEST(ScaleReport, SaysHowMuchOfTheIdealARoundReached) {
  const auto round = round_of(4, 15'800);
  EXPECT_DOUBLE_EQ(round.of_ideal(), 0.9875);
  EXPECT_DOUBLE_EQ(round.coverage(), 1);
  const auto row = scale_row(round);
  EXPECT_THAT(row, HasSubstr(" 98.8%"));
  EXPECT_THAT(row, HasSubstr("100.000%"));
  EXPECT_THAT(row, HasSubstr("########################################\n"));  // 39.5 tenths
}

TEST(ScaleReport, FitsALineThroughTheRounds) {
  const std::vector straight{round_of(1, 4'000), round_of(2, 7'900), round_of(4, 15'700)};
  EXPECT_NEAR(fit(straight)->per_worker, 3'900, 1e-6);
  EXPECT_NEAR(fit(straight)->r_squared, 1, 1e-9);
  const std::vector bent{round_of(1, 4'000), round_of(2, 7'000), round_of(4, 8'000)};
  EXPECT_LT(fit(bent)->r_squared, 0.9);
  EXPECT_LT(fit(bent)->per_worker, 1'500);
}

TEST(ScaleReport, FitsNothingThroughOneNumberOfWorkers) {
  EXPECT_FALSE(fit(std::vector{round_of(2, 7'900)}));
  EXPECT_FALSE(fit(std::vector{round_of(2, 7'900), round_of(2, 8'000)}));
}

TEST(ScaleReport, NamesTheScarcestPartFirst) {
  const auto text = scale_conclusion(std::vector{round_of(1, 4'000), round_of(2, 8'000)});
  // Half busy at 8,000; 1 s / 10 us; 1 s / 8 us; 1 s / 4 us.
  const auto machine = text.find("16000 points/s");
  const auto fetcher = text.find("100000 points/s");
  const auto store = text.find("125000 points/s");
  const auto sink = text.find("250000 points/s");
  EXPECT_LT(machine, fetcher);
  EXPECT_LT(fetcher, store);
  EXPECT_LT(store, sink);
  EXPECT_NE(sink, std::string::npos);
  EXPECT_THAT(text, HasSubstr("each worker adds 4000 points/s, 100.0 %"));
}

TEST(ScaleReport, DrawsEveryRound) {
  const auto svg = scale_svg(std::vector{round_of(1, 3'990), round_of(4, 15'800)});
  EXPECT_THAT(svg, HasSubstr(">3990 (99.8 %)<"));
  EXPECT_THAT(svg, HasSubstr(">15800 (98.8 %)<"));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

}  // namespace
}  // namespace ia
