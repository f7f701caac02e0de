// Days of minutes through the real stages, with crashes and faults, from a seed: IA_SEED=7 repeats
// one run, IA_SEEDS=1000 runs more of them. Safety is checked while things fail; then the faults
// end, everything must drain, and it is checked again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>

#include "pipeline/leaderboard_feed.h"
#include "pipeline/pipeline_world.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::uint64_t from_environment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

// Enough for everything in Sometimes to happen.
constexpr std::uint64_t kSeeds = 24;

// What happened over all runs. A fault that never happened proves nothing.
struct Sometimes {
  std::uint64_t crashes = 0;
  std::uint64_t repeats = 0;
  std::uint64_t reseeds = 0;
  std::uint64_t down_store = 0;
  std::uint64_t clock_steps = 0;
  std::uint64_t missed_overrun = 0;
  std::uint64_t missed_down = 0;
  std::uint64_t stored = 0;
};

// Remembers what was acknowledged to the fetcher: it must be stored in the end.
class RecordingQueue final : public Queue {
 public:
  explicit RecordingQueue(Queue& inner) : inner_(inner) {}

  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override {
    auto failed = inner_.send(messages);
    if (!failed || !failed->empty()) return failed;
    for (const auto& message : messages) {
      const auto batch = decode_point_batch(message.body).value();
      for (const auto id : batch.influencers) acknowledged_.insert({id, batch.minute});
    }
    return failed;
  }
  Result<std::vector<Delivery>> receive(std::size_t count_max, milliseconds visibility,
                                        milliseconds wait) override {
    return inner_.receive(count_max, visibility, wait);
  }
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override {
    return inner_.ack(receipts);
  }
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) override {
    return inner_.change_visibility(changes);
  }
  Status bury(const Receipt& receipt, const DeadLetter& letter) override {
    return inner_.bury(receipt, letter);
  }
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override {
    return inner_.dead_letters(count_max);
  }
  Result<QueueDepth> depth() const override { return inner_.depth(); }
  Status purge() override { return inner_.purge(); }

  const std::set<std::pair<InfluencerId, Minute>>& acknowledged() const { return acknowledged_; }

 private:
  Queue& inner_;
  std::set<std::pair<InfluencerId, Minute>> acknowledged_;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {
    influencers_ = 20 + random_() % 200;
    shard_size_ = static_cast<std::uint32_t>(1 + random_() % 40);
    answer_failure_ = pick({0.0, 0.0, 0.05, 0.5});
    crash_ = pick({0.0, 0.001, 0.01});
    clock_step_ = pick({0.0, 0.0, 0.0005});
    store_down_ = pick({0.0, 0.002});
    world_.script = [this](InfluencerId id, WallTime at) { return answer(id, at); };
    const MemoryQueueFaults faults{.fail = pick({0.0, 0.02, 0.2}),
                                   .lose_reply = pick({0.0, 0.02, 0.2}),
                                   .duplicate = pick({0.0, 0.05}),
                                   .shuffle = chance(0.5),
                                   .seed = seed};
    world_.points.set_faults(faults);
    world_.ids.set_faults(faults);
    world_.outlet = &recorder_;
  }

  void run(minutes time, Sometimes& sometimes) {
    seed_until_done();
    restart_stages();
    const auto end = world_.clock.mono() + time;
    while (world_.clock.mono() < end && !::testing::Test::HasFatalFailure()) {
      happen(sometimes);
      world_.step();
      world_.clock.advance(milliseconds{1 + random_() % 2'000});
      if (chance(0.01)) check_values();
    }
  }

  // Liveness: with no faults every minute is whole again, at the latest after the hour in which
  // influencers that were denied are not asked for.
  void heal() {
    answer_failure_ = crash_ = clock_step_ = store_down_ = 0;
    world_.points.set_faults({});
    world_.ids.set_faults({});
    world_.store.set_down(false);
    seed_until_done();
    // A wall clock that was set back must first pass the minutes that it has been in already.
    while (world_.clock.wall() < newest_wall_ + minutes{1}) quiet_minute();
    for (int i = 0; i < 62; ++i) quiet_minute();
    const auto from = minute_of(world_.clock.wall()) + minutes{1};
    for (int i = 0; i < 4; ++i) quiet_minute();
    for (int i = 0; i < 2; ++i) {
      const auto rows = world_.store.read_minutes({from + minutes{i}, from + minutes{i + 1}});
      ASSERT_EQ(rows->size(), 1u);
      ASSERT_EQ(rows->front().stored, influencers_);
    }
    ASSERT_EQ(world_.points.bodies().size(), 0u) << "every batch is stored";
  }

  void check(Sometimes& sometimes) {
    check_values();
    check_acknowledged();
    check_minutes(sometimes);
    check_leaderboard();
  }

 private:
  double pick(std::initializer_list<double> choices) {
    return *(choices.begin() + static_cast<std::ptrdiff_t>(random_() % choices.size()));
  }
  bool chance(double probability) {
    return std::uniform_real_distribution<>(0, 1)(random_) < probability;
  }

  ScriptedProvider::Answer answer(InfluencerId id, WallTime at) {
    if (chance(answer_failure_)) return std::unexpected(static_cast<MissReason>(random_() % 6));
    const Counts counts{static_cast<std::int64_t>(random_() % 1'000'000),
                        static_cast<std::int64_t>(random_() % 5'000)};
    answered_[{id, minute_of(at)}].push_back(counts);
    return counts;
  }

  void seed_until_done() {
    while (!world_.seed("1-" + std::to_string(influencers_), shard_size_)) {
      world_.clock.advance(milliseconds{100});
    }
  }

  void restart_stages() {
    world_.restart();
    world_.provider->set_duration(
        [this](const FetchOrder&) { return milliseconds{random_() % 3'000}; });
  }

  void happen(Sometimes& sometimes) {
    if (chance(crash_)) {
      ++sometimes.crashes;
      if (chance(0.3)) world_.clock.advance(seconds{random_() % 300});
      restart_stages();
    }
    if (chance(store_down_)) {
      ++sometimes.down_store;
      world_.store.set_down(true);
    } else if (chance(0.02)) {
      world_.store.set_down(false);
    }
    if (chance(0.0003)) {
      ++sometimes.reseeds;
      (void)world_.seed("1-" + std::to_string(influencers_), shard_size_);
    }
    if (chance(clock_step_)) {
      ++sometimes.clock_steps;
      newest_wall_ = std::max(newest_wall_, world_.clock.wall());
      world_.clock.step_wall(
          milliseconds{static_cast<std::int64_t>(random_() % 1'200'000) - 600'000});
    }
    if (chance(0.0005)) {
      world_.fetcher->drain(seconds{1});
      world_.sink->drain();
      restart_stages();
    }
    newest_wall_ = std::max(newest_wall_, world_.clock.wall());
  }

  void quiet_minute() { world_.run_for(minutes{1}, milliseconds{700}); }

  // Nothing is stored that was not answered in that very minute, and nothing twice.
  void check_values() {
    world_.store.set_down(false);
    for (std::uint64_t n = 1; n <= influencers_; ++n) {
      const InfluencerId id{n};
      const auto series = world_.store.read_series(id, {Minute::min(), Minute::max()});
      for (std::size_t i = 0; i < series->size(); ++i) {
        ASSERT_TRUE(i == 0 || series->minutes[i - 1] < series->minutes[i]);
        const auto& possible = answered_[{id, series->minutes[i]}];
        const Counts stored{series->followers[i], series->following[i]};
        ASSERT_TRUE(std::ranges::find(possible, stored) != possible.end())
            << "influencer " << n << " has a value that the network did not give in that minute";
      }
    }
  }

  void check_acknowledged() {
    for (const auto& [id, minute] : recorder_.acknowledged()) {
      const auto series = world_.store.read_series(id, {minute, minute + minutes{1}});
      ASSERT_EQ(series->size(), 1u) << "influencer " << number_of(id) << " was acknowledged, lost";
    }
  }

  // due = stored + missed + open, and the rows agree with the series.
  void check_minutes(Sometimes& sometimes) {
    std::map<Minute, std::uint64_t> stored;
    for (std::uint64_t n = 1; n <= influencers_; ++n) {
      const auto series = world_.store.read_series(InfluencerId{n}, {Minute::min(), Minute::max()});
      for (const auto minute : series->minutes) ++stored[minute];
    }
    const auto rows = world_.store.read_minutes({Minute::min(), Minute::max()});
    for (const auto& row : *rows) {
      ASSERT_EQ(row.stored, stored[row.minute]);
      ASSERT_EQ(row.due, row.stored + row.missed_total() + row.open());
      sometimes.stored += row.stored;
      sometimes.repeats += row.repeats;
      sometimes.missed_overrun += row.missed[static_cast<std::size_t>(MissReason::kOverrun)];
      sometimes.missed_down += row.missed[static_cast<std::size_t>(MissReason::kDown)];
    }
  }

  void check_leaderboard() {
    LeaderboardFeed feed(world_.store, world_.clock, world_.metrics, world_.log);
    ASSERT_TRUE(feed.load());
    const auto snapshot = feed.snapshot();
    std::int64_t total = 0;
    for (std::uint64_t n = 1; n <= influencers_; ++n) {
      const auto series = world_.store.read_series(InfluencerId{n}, {Minute::min(), Minute::max()});
      if (series->size() == 0) continue;
      ASSERT_EQ(snapshot->find(InfluencerId{n})->counts.followers, series->followers.back());
      total += series->followers.back();
    }
    ASSERT_EQ(snapshot->followers_total(), total);
  }

  std::mt19937_64 random_;
  PipelineWorld world_;
  RecordingQueue recorder_{world_.points};
  std::uint64_t influencers_;
  std::uint32_t shard_size_;
  double answer_failure_;
  double crash_;
  double clock_step_;
  double store_down_;
  WallTime newest_wall_{};
  std::map<std::pair<InfluencerId, Minute>, std::vector<Counts>> answered_;
};

TEST(PipelineSimulation, KeepsItsInvariantsThroughCrashesAndFaults) {
  const auto first = from_environment("IA_SEED", 1);
  const auto count =
      std::getenv("IA_SEED") == nullptr ? from_environment("IA_SEEDS", kSeeds) : std::uint64_t{1};
  Sometimes sometimes;
  for (auto seed = first; seed < first + count && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("IA_SEED=" + std::to_string(seed));
    Simulation simulation(seed);
    simulation.run(minutes{120}, sometimes);
    if (HasFatalFailure()) return;
    simulation.heal();
    if (HasFatalFailure()) return;
    simulation.check(sometimes);
  }
  if (count < kSeeds) return;
  EXPECT_GT(sometimes.crashes, 0u);
  EXPECT_GT(sometimes.repeats, 0u);
  EXPECT_GT(sometimes.reseeds, 0u);
  EXPECT_GT(sometimes.down_store, 0u);
  EXPECT_GT(sometimes.clock_steps, 0u);
  EXPECT_GT(sometimes.missed_overrun, 0u);
  EXPECT_GT(sometimes.missed_down, 0u);
  EXPECT_GT(sometimes.stored, 50'000u);
}

}  // namespace
}  // namespace ia
