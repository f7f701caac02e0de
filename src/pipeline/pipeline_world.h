#pragma once

#include <memory>
#include <vector>

#include "pipeline/fetcher.h"
#include "pipeline/messages.h"
#include "pipeline/seeder.h"
#include "pipeline/sink.h"
#include "testing/manual_clock.h"
#include "testing/memory_queue.h"
#include "testing/memory_store.h"
#include "testing/scripted_provider.h"

namespace ia {

// For tests: the stages on fakes. The queues and the store outlive the stages, as servers do.
struct PipelineWorld {
  ManualClock clock;
  const Clock* stage_clock = &clock;  // a test may put one in between, before a restart
  Metrics metrics;
  std::vector<std::string> log_lines;
  Log log{LogLevel::kInfo, LogFormat::kText,
          [this](std::string_view line) { log_lines.emplace_back(line); }};
  MemoryQueue ids{clock};
  MemoryQueue points{clock, {.receives_max = 10}};
  Queue* outlet = &points;  // where the fetcher sends: a test may put a recorder here
  MemoryStore store;
  ScriptedProvider::Script script = [](InfluencerId id, WallTime) {
    return Counts{static_cast<std::int64_t>(number_of(id)), 10};
  };
  std::optional<std::string> pause;
  std::function<bool()> knows_minute;
  std::unique_ptr<ScriptedProvider> provider;
  std::unique_ptr<Fetcher> fetcher;
  std::unique_ptr<Sink> sink;

  PipelineWorld() { restart(); }

  // As after a kill -9: the stages begin anew with what the queues and the store hold.
  void restart() {
    fetcher.reset();
    sink.reset();
    provider = std::make_unique<ScriptedProvider>(
        clock, [this](InfluencerId id, WallTime at) { return script(id, at); });
    fetcher = std::make_unique<Fetcher>(
        FetcherOptions{},
        FetcherGuards{.epoch = [this] { return store.registry().value_or(Registry{}).epoch; },
                      .pause = [this] { return disk_pause(); },
                      .knows_minute = knows_minute},
        ids, *outlet, *provider, *stage_clock, metrics, log);
    SinkOptions sink_options;
    sink_options.pause = [this] { return disk_pause(); };
    sink = std::make_unique<Sink>(sink_options, points, store, *stage_clock, metrics, log);
  }

  std::optional<FetchPause> disk_pause() const {
    if (!pause) return std::nullopt;
    return FetchPause{*pause, MissReason::kDiskFull};
  }

  Result<SeedReport> seed(std::string_view influencers, std::uint32_t shard_size = 10) {
    return Seeder(store, ids, clock)
        .seed({.influencers = InfluencerSet::parse(influencers).value(),
               .schedule = {},
               .shard_size = shard_size});
  }

  void step() {
    fetcher->step(std::chrono::milliseconds{0});
    sink->step(std::chrono::milliseconds{0});
  }

  void run_for(std::chrono::milliseconds time,
               std::chrono::milliseconds tick = std::chrono::milliseconds{250}) {
    for (const auto end = clock.mono() + time; clock.mono() < end;) {
      step();
      clock.advance(tick);
    }
    step();
  }

  MinuteStats minute(int index) const {
    const auto begin = minute_of(ManualClock::kStart) + std::chrono::minutes{index};
    const auto rows = store.read_minutes({begin, begin + std::chrono::minutes{1}});
    return rows && !rows->empty() ? rows->front() : MinuteStats{};
  }

  std::uint64_t missed(int index, MissReason reason) const {
    return minute(index).missed[static_cast<std::size_t>(reason)];
  }
};

}  // namespace ia
