// What a look of all alert rules at the leaderboard of a million influencers costs, at the most
// that may be watched, 50 rules on 1,000 each; and what storing what they remember costs.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <vector>

#include "adapters/sqlite/alert_store.h"
#include "core/alert_rules.h"
#include "core/leaderboard.h"

namespace {

using namespace ia;
using std::chrono::minutes;

constexpr std::uint64_t kInfluencers = 1'000'000;

std::vector<AlertRule> rules_of(const AlertCondition& condition) {
  std::mt19937_64 random{1};
  std::vector<AlertRule> rules;
  for (std::uint64_t i = 1; i <= kAlertPairsMax / kAlertInfluencersMax; ++i) {
    AlertRule rule{.id = AlertRuleId{i}, .version = 1, .name = "rule", .condition = condition};
    const auto apart = kInfluencers / kAlertInfluencersMax;
    for (std::uint64_t at = 0; at < kInfluencers; at += apart) {
      rule.influencers.push_back(InfluencerId{at + random() % apart});
    }
    rule.target.url = "http://example.com/";
    rules.push_back(std::move(rule));
  }
  return rules;
}

// Each look sees the next minute, in which everybody has another value.
void look(benchmark::State& state, const AlertCondition& condition) {
  std::mt19937_64 random{2};
  Leaderboard leaderboard;
  WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  AlertRules rules;
  rules.load(rules_of(condition), {});
  std::size_t events = 0;
  for (auto _ : state) {
    state.PauseTiming();
    now += minutes{1};
    for (std::uint64_t i = 0; i < kInfluencers; ++i) {
      const auto followers = static_cast<std::int64_t>(5'000 + random() % 300'000);
      leaderboard.apply(InfluencerId{i}, {followers, 50}, now);
    }
    const auto board = leaderboard.publish(now);
    state.ResumeTiming();
    events += rules.evaluate({.board = *board}).events.size();
  }
  state.counters["influencers"] = static_cast<double>(kAlertPairsMax);
  state.counters["events"] =
      benchmark::Counter(static_cast<double>(events), benchmark::Counter::kAvgIterations);
}
BENCHMARK_CAPTURE(look, threshold, AlertCondition{.level = 1'000'000})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(20);
BENCHMARK_CAPTURE(look, relative,
                  AlertCondition{
                      .kind = AlertKind::kRelative, .level = 1'000'000, .window = minutes{60}})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(20);

void record_everything(benchmark::State& state) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("alerts_bench." + std::to_string(getpid()));
  std::filesystem::create_directory(directory);
  const auto store = open_sqlite_alert_store(directory).value();
  std::vector<AlertStateRow> rows;
  for (auto rule : rules_of({.level = 1'000'000})) {
    rule = store->add(std::move(rule)).value();
    for (const auto influencer : rule.influencers) {
      rows.push_back({.rule = rule.id, .version = 1, .influencer = influencer, .state = {}});
    }
  }
  for (auto _ : state) benchmark::DoNotOptimize(store->record(rows, {}));
  std::filesystem::remove_all(directory);
}
BENCHMARK(record_everything)->Unit(benchmark::kMillisecond)->Iterations(5);

}  // namespace

BENCHMARK_MAIN();
