// What one snapshot of a million influencers costs, by how many changed since the last one, and
// what a read of it costs; what the scale of all ratios costs;
// what watching for jumps adds to following the store; what movers and the ranks of a past minute
// cost.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <span>
#include <vector>

#include "core/jump_watch.h"
#include "core/leaderboard.h"
#include "core/minute_board.h"
#include "core/movers.h"
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

// A second of the feed: 17 batches of 1,000, then a snapshot. With the jump watch, or without.
void follow_a_second(benchmark::State& state) {
  Board board(1'000'000);
  JumpWatch watch({});
  const bool watches = state.range(0) != 0;
  constexpr std::uint64_t kShard = 1'000;
  constexpr std::uint64_t kShardsASecond = 17;
  std::vector<PointBatch> batches(kShardsASecond);
  std::uint64_t next = 0;
  auto publish = [&] {
    benchmark::DoNotOptimize(board.leaderboard.publish(board.now()));
    if (watches) benchmark::DoNotOptimize(watch.publish());
  };
  for (auto _ : state) {
    state.PauseTiming();
    for (auto& batch : batches) {
      batch = {};
      const auto round = static_cast<int>(next / board.influencers);
      batch.minute = Minute{std::chrono::minutes{30'000'000 + round}};
      batch.retrieved_at = batch.minute + std::chrono::seconds{20};
      for (std::uint64_t i = 0; i < kShard; ++i, ++next) {
        batch.influencers.push_back(InfluencerId{kFirstId + next % board.influencers});
        batch.followers.push_back(static_cast<std::int64_t>(100'000 + board.random() % 20'000));
        batch.following.push_back(50);
      }
    }
    state.ResumeTiming();
    for (const auto& batch : batches) {
      board.leaderboard.apply(batch);
      if (watches) watch.apply(batch, board.leaderboard.roster());
    }
    publish();
  }
}
BENCHMARK(follow_a_second)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(300);

void watch_a_batch(benchmark::State& state) {
  Roster roster;
  PointBatch batch;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) roster.add(InfluencerId{kFirstId + i});
  JumpWatch watch({});
  std::mt19937_64 random{1};
  std::uint64_t first = 0;
  int minute = 0;
  for (auto _ : state) {
    state.PauseTiming();
    batch = {};
    minute += first == 0;
    batch.minute = Minute{std::chrono::minutes{minute}};
    for (auto i = first; i < first + 1'000; ++i) {
      batch.influencers.push_back(roster.at(static_cast<std::uint32_t>(i)));
      batch.followers.push_back(static_cast<std::int64_t>(100'000 + random() % 20'000));
    }
    first = (first + 1'000) % 1'000'000;
    state.ResumeTiming();
    watch.apply(batch, roster);
  }
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(watch_a_batch)->Iterations(50'000);

void ratio_scale(benchmark::State& state) {
  Board board(1'000'000);
  const auto snapshot = board.leaderboard.publish(board.now());
  for (auto _ : state) benchmark::DoNotOptimize(RatioScale(snapshot->counts()));
}
BENCHMARK(ratio_scale)->Unit(benchmark::kMillisecond);

void find_movers_of_all(benchmark::State& state) {
  Board board(1'000'000);
  const auto before = board.leaderboard.publish(board.now());
  MoversBase base(Minute{});
  for (std::uint32_t i = 0; i < before->index_end(); ++i) {
    const auto influencer = before->influencer_at(i);
    const auto followers = before->counts_at(i)->followers;
    base.add(*before, std::span(&influencer, 1), std::span(&followers, 1));
  }
  for (std::uint64_t i = 0; i < board.influencers; ++i) board.change(i);
  const auto now = board.leaderboard.publish(board.now());
  for (auto _ : state) benchmark::DoNotOptimize(find_movers(*now, base, {}));
}
BENCHMARK(find_movers_of_all)->Unit(benchmark::kMillisecond);

void rank_a_past_minute(benchmark::State& state) {
  std::mt19937_64 random(1);
  std::vector<InfluencerId> influencers;
  std::vector<std::int64_t> followers;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    influencers.push_back(InfluencerId{kFirstId + i});
    followers.push_back(static_cast<std::int64_t>(5'000 + random() % 300'000));
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(MinuteBoard(Minute{}, influencers, followers, followers));
  }
}
BENCHMARK(rank_a_past_minute)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
