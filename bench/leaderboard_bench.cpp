// What one snapshot of a million influencers costs, by how many changed since the last one, and
// what a read of it costs; what the scale of all ratios costs.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>

#include "core/leaderboard.h"
#include "core/ratio_scale.h"

namespace {

using namespace ia;

constexpr std::uint64_t kFirstId = 1'000'000;

struct Board {
  Leaderboard leaderboard;
  std::mt19937_64 random{1};
  std::uint64_t influencers;

  explicit Board(std::uint64_t count) : influencers(count) {
    for (std::uint64_t i = 0; i < count; ++i) change(i);
  }
  void change(std::uint64_t index) {
    const auto followers = static_cast<std::int64_t>(5'000 + random() % 300'000);
    leaderboard.apply(InfluencerId{kFirstId + index}, {followers, 50}, now());
  }
  WallTime now() {
    now_ += std::chrono::milliseconds{1};
    return now_;
  }
  WallTime now_{};
};

void publish_changed(benchmark::State& state) {
  Board board(1'000'000);
  auto snapshot = board.leaderboard.publish(board.now());
  const auto changed = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::uint64_t i = 0; i < changed; ++i) board.change(next++ % board.influencers);
    state.ResumeTiming();
    snapshot = board.leaderboard.publish(board.now());
  }
}
BENCHMARK(publish_changed)
    ->Arg(16'700)
    ->Arg(130'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

void find_one(benchmark::State& state) {
  Board board(1'000'000);
  const auto snapshot = board.leaderboard.publish(board.now());
  std::uint64_t index = 0;
  for (auto _ : state) {
    index = (index + 7'919) % board.influencers;
    benchmark::DoNotOptimize(snapshot->find(InfluencerId{kFirstId + index}));
  }
}
BENCHMARK(find_one);

void ratio_scale(benchmark::State& state) {
  Board board(1'000'000);
  const auto snapshot = board.leaderboard.publish(board.now());
  for (auto _ : state) benchmark::DoNotOptimize(RatioScale(snapshot->counts()));
}
BENCHMARK(ratio_scale)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
