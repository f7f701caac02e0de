// How often the stages call what is outside while it fails: every loop, every operation, every
// error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "pipeline/alert_dispatcher.h"
#include "pipeline/alert_engine.h"
#include "pipeline/checker.h"
#include "pipeline/leaderboard_feed.h"
#include "pipeline/movers_feed.h"
#include "pipeline/pipeline_world.h"
#include "pipeline/seed_schedule.h"
#include "pipeline/verdict_feed.h"
#include "testing/memory_alert_store.h"
#include "testing/memory_verdict_store.h"
#include "testing/scripted_judge.h"
#include "testing/scripted_webhook_sender.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Errc kErrors[] = {Errc::kInvalid,    Errc::kNotFound, Errc::kUnavailable,
                            Errc::kOverloaded, Errc::kCorrupt,  Errc::kCancelled};
constexpr int kCallsMax = 30;  // per minute, of one operation

// What fails now, and how often it was called since.
struct Outage {
  std::string operation;
  Errc code{};
  mutable int calls = 0;

  bool hits(const std::string& called) const {
    if (called != operation) return false;
    ++calls;
    return true;
  }
  std::unexpected<Error> error() const { return fail(code, operation + " fails"); }
};

class FailingQueue final : public Queue {
 public:
  FailingQueue(std::string name, MemoryQueue& real, const Outage& outage)
      : name_(std::move(name)), real_(real), outage_(outage) {}

  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override {
    if (hits("send")) return outage_.error();
    return real_.send(messages);
  }
  Result<std::vector<Delivery>> receive(std::size_t count_max, milliseconds visibility,
                                        milliseconds wait) override {
    if (hits("receive")) return outage_.error();
    return real_.receive(count_max, visibility, wait);
  }
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override {
    if (hits("ack")) return outage_.error();
    return real_.ack(receipts);
  }
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) override {
    if (hits("change_visibility")) return outage_.error();
    return real_.change_visibility(changes);
  }
  Status bury(const Receipt& receipt, const DeadLetter& letter) override {
    if (hits("bury")) return outage_.error();
    return real_.bury(receipt, letter);
  }
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override {
    return real_.dead_letters(count_max);
  }
  Result<QueueDepth> depth() const override {
    if (hits("depth")) return outage_.error();
    return real_.depth();
  }
  Status purge() override { return real_.purge(); }

 private:
  bool hits(const std::string& operation) const { return outage_.hits(name_ + "." + operation); }

  const std::string name_;
  MemoryQueue& real_;
  const Outage& outage_;
};

class FailingStore final : public Store {
 public:
  FailingStore(MemoryStore& real, const Outage& outage) : real_(real), outage_(outage) {}

  Result<Registry> registry() const override {
    if (outage_.hits("store.registry")) return outage_.error();
    return real_.registry();
  }
  Status put_registry(const Registry& registry) override {
    if (outage_.hits("store.put_registry")) return outage_.error();
    return real_.put_registry(registry);
  }
  Result<AppendResult> append(std::span<const PointBatch> batches) override {
    if (outage_.hits("store.append")) return outage_.error();
    return real_.append(batches);
  }
  Status close_minutes(MinuteRange range, MissReason reason) override {
    if (outage_.hits("store.close_minutes")) return outage_.error();
    return real_.close_minutes(range, reason);
  }
  Result<bool> maintain(const UpkeepTime& time) override { return real_.maintain(time); }
  Result<Series> read_series(InfluencerId influencer, MinuteRange range) const override {
    return real_.read_series(influencer, range);
  }
  Result<std::vector<MissAt>> read_misses(InfluencerId influencer,
                                          std::span<const Minute> wanted) const override {
    return real_.read_misses(influencer, wanted);
  }
  Result<MinuteColumns> read_minute(Minute minute, const GoOn& go_on) const override {
    if (outage_.hits("store.read_minute")) return outage_.error();
    return real_.read_minute(minute, go_on);
  }
  Result<std::vector<RankAt>> read_ranks(InfluencerId influencer, std::span<const Minute> wanted,
                                         const GoOn& go_on) const override {
    return real_.read_ranks(influencer, wanted, go_on);
  }
  Result<std::vector<MinuteStats>> read_minutes(MinuteRange range) const override {
    if (outage_.hits("store.read_minutes")) return outage_.error();
    return real_.read_minutes(range);
  }
  Result<Latest> read_latest() const override { return real_.read_latest(); }
  Result<Tail> read_tail(TailCursor from) const override {
    if (outage_.hits("store.read_tail")) return outage_.error();
    return real_.read_tail(from);
  }
  Result<std::vector<Username>> find_usernames(std::string_view prefix,
                                               std::size_t count_max) const override {
    return real_.find_usernames(prefix, count_max);
  }
  Result<Minute> horizon() const override { return real_.horizon(); }
  Result<StoreSize> size() const override { return real_.size(); }

 private:
  MemoryStore& real_;
  const Outage& outage_;
};

class FailingVerdicts final : public VerdictStore {
 public:
  FailingVerdicts(MemoryVerdictStore& real, const Outage& outage) : real_(real), outage_(outage) {}

  Status put(std::span<const Verdict> verdicts) override {
    if (outage_.hits("verdicts.put")) return outage_.error();
    return real_.put(verdicts);
  }
  Result<std::optional<std::uint64_t>> take_turn() override {
    if (outage_.hits("verdicts.take_turn")) return outage_.error();
    return real_.take_turn();
  }
  Result<VerdictPage> read(VerdictCursor from, std::size_t count_max) const override {
    if (outage_.hits("verdicts.read")) return outage_.error();
    return real_.read(from, count_max);
  }

 private:
  MemoryVerdictStore& real_;
  const Outage& outage_;
};

class FailingAlerts final : public AlertStore {
 public:
  FailingAlerts(MemoryAlertStore& real, const Outage& outage) : real_(real), outage_(outage) {}

  Result<std::vector<AlertRule>> rules() const override {
    if (outage_.hits("alerts.rules")) return outage_.error();
    return real_.rules();
  }
  Result<AlertRule> rule(AlertRuleId id) const override { return real_.rule(id); }
  Result<AlertRule> add(AlertRule rule) override { return real_.add(std::move(rule)); }
  Result<AlertRule> replace(AlertRule rule) override { return real_.replace(std::move(rule)); }
  Status remove(AlertRuleId id, std::optional<std::uint64_t> version) override {
    return real_.remove(id, version);
  }
  Result<std::uint64_t> revision() const override {
    if (outage_.hits("alerts.revision")) return outage_.error();
    return real_.revision();
  }
  Result<std::optional<std::uint64_t>> take_turn() override {
    if (outage_.hits("alerts.take_turn")) return outage_.error();
    return real_.take_turn();
  }
  bool has_turn() const override { return real_.has_turn(); }
  Result<std::vector<AlertStateRow>> states() const override {
    if (outage_.hits("alerts.states")) return outage_.error();
    return real_.states();
  }
  Result<std::uint64_t> record(const std::vector<AlertStateRow>& states,
                               const std::vector<NewAlert>& alerts) override {
    if (outage_.hits("alerts.record")) return outage_.error();
    return real_.record(states, alerts);
  }
  Result<std::vector<DueAlert>> due(WallTime now, std::size_t count_max) const override {
    if (outage_.hits("alerts.due")) return outage_.error();
    return real_.due(now, count_max);
  }
  Status settle(std::uint64_t number, const AlertAttempt& attempt) override {
    if (outage_.hits("alerts.settle")) return outage_.error();
    return real_.settle(number, attempt);
  }
  Result<std::vector<AlertEntry>> log(const LogQuery& query) const override {
    return real_.log(query);
  }
  Result<std::uint64_t> pending() const override { return real_.pending(); }

 private:
  MemoryAlertStore& real_;
  const Outage& outage_;
};

// All stages over fakes, stepped as their threads step them: after each step its rest passes, and
// a step without a rest follows a millisecond later.
class OutageWorld {
 public:
  OutageWorld() {
    EXPECT_TRUE(world_.seed("1-100"));
    world_.script = [this](InfluencerId, WallTime) {
      return Counts{world_.clock.mono().time_since_epoch() / minutes{1}, 10};
    };
    sender_.answers = [](const Webhook&) {
      return WebhookReply{.kind = WebhookReply::Kind::kDelivered};
    };
    add_rule();
  }

  // Returns the calls of the operation within the first `time` of its failing.
  int calls(const std::string& operation, Errc code, minutes time) {
    // What is read once only has to fail from the beginning.
    live(operation == "store.read_minute" ? minutes{0} : minutes{3});
    outage_ = {operation, code};
    bad_messages();
    live(time);
    return outage_.calls;
  }
  // Whether values are stored again after the outage.
  bool recovers() {
    outage_ = {};
    live(minutes{3});
    const auto index = (world_.clock.mono() - MonoTime{milliseconds{1'000'000'000}}) / minutes{1};
    return world_.minute(static_cast<int>(index) - 1).stored == 100;
  }

 private:
  struct Loop {
    std::function<milliseconds()> step;
    MonoTime due;
  };

  // It fires with every new value.
  void add_rule() {
    EXPECT_TRUE(alerts_.add({.name = "rule",
                             .influencers = {InfluencerId{7}},
                             .condition = {.kind = AlertKind::kMilestone, .level = 1}}));
  }

  // Every operation has something to do.
  void bad_messages() {
    add_rule();
    const OutgoingMessage junk[] = {{"junk"}, {"more junk"}};
    EXPECT_TRUE(world_.ids.send(junk));
    EXPECT_TRUE(world_.points.send(junk));
    const Shard stale{.epoch = 1,
                      .number = {0, 10},
                      .schedule = {},
                      .influencers = InfluencerSet::parse("1").value()};
    EXPECT_TRUE(
        seeder_.seed({.influencers = InfluencerSet::parse("1-100").value(), .shard_size = 10}));
    const OutgoingMessage old[] = {{encode(stale)}};
    EXPECT_TRUE(world_.ids.send(old));
    if (outage_.operation == "ids.depth" || outage_.operation == "store.put_registry" ||
        outage_.operation == "ids.send") {
      EXPECT_TRUE(world_.ids.purge());
    }
  }

  void live(milliseconds time) {
    for (const auto end = world_.clock.mono() + time; world_.clock.mono() < end;) {
      auto next = end;
      for (auto& loop : loops_) {
        if (loop.due <= world_.clock.mono()) {
          loop.due = world_.clock.mono() + std::max(loop.step(), milliseconds{1});
        }
        next = std::min(next, loop.due);
      }
      world_.clock.advance(std::chrono::ceil<milliseconds>(next - world_.clock.mono()));
    }
  }

  milliseconds follow() {
    if (feed_.rest() == milliseconds{0}) (void)feed_.step();
    if (verdict_feed_.rest() == milliseconds{0}) (void)verdict_feed_.step();
    return seconds{1};
  }

  PipelineWorld world_;
  Outage outage_;
  MemoryVerdictStore memory_verdicts_;
  MemoryAlertStore alerts_;
  FailingQueue ids_{"ids", world_.ids, outage_};
  FailingQueue points_{"points", world_.points, outage_};
  FailingStore store_{world_.store, outage_};
  FailingVerdicts verdicts_{memory_verdicts_, outage_};
  FailingAlerts failing_alerts_{alerts_, outage_};
  Seeder seeder_{world_.store, world_.ids, world_.clock};
  ScriptedJudge judge_{world_.clock, [this](const Suspect&) -> Result<bool> {
                         if (outage_.hits("judge.ask")) return outage_.error();
                         return false;
                       }};
  ScriptedWebhookSender sender_;

  Fetcher fetcher_{{},
                   {.epoch = [this] { return world_.store.registry()->epoch; }, .pause = {}},
                   ids_,
                   points_,
                   *world_.provider,
                   world_.clock,
                   world_.metrics,
                   world_.log};
  Sink sink_{{}, points_, store_, world_.clock, world_.metrics, world_.log};
  SeedSchedule seeds_{{}, store_, ids_, world_.clock, world_.log};
  LeaderboardFeed feed_{store_, world_.clock, world_.metrics, world_.log};
  VerdictFeed verdict_feed_{verdicts_, world_.clock, world_.log};
  MoversFeed movers_{{},           store_,         [this] { return feed_.snapshot(); },
                     world_.clock, world_.metrics, world_.log};
  Checker checker_{{.interval = minutes{1}, .rate = std::nullopt},
                   [this] { return feed_.snapshot(); },
                   [this] { return feed_.jumps(); },
                   verdicts_,
                   judge_,
                   world_.clock,
                   world_.metrics,
                   world_.log};
  AlertEngine engine_{
      {.board = [this] { return feed_.snapshot(); },
       .verdict = [](InfluencerId) { return std::nullopt; },
       .encode = [](const AlertRule&, const AlertEvent&, const std::string& text) { return text; },
       .make_id = [this] { return std::to_string(++newest_id_); }},
      store_,
      failing_alerts_,
      world_.clock,
      world_.metrics,
      world_.log};
  AlertDispatcher dispatcher_{{.random = [] { return 0.5; }},
                              failing_alerts_,
                              sender_,
                              world_.clock,
                              world_.metrics,
                              world_.log};
  int newest_id_ = 0;
  std::vector<Loop> loops_{
      {[this] {
         fetcher_.step(milliseconds{0});
         return milliseconds{50};
       },
       {}},
      {[this] {
         const auto stored = sink_.step(milliseconds{0});
         // A receive that succeeds waits for a message; one that fails does not.
         const milliseconds waited{outage_.operation == "points.receive" ? 0 : 100};
         return std::max(stored > 0 ? milliseconds{100} : waited, sink_.rest());
       },
       {}},
      {[this] { return seeds_.step(); }, {}},
      {[this] { return follow(); }, {}},
      {[this] { return movers_.step(); }, {}},
      {[this] {
         checker_.step(milliseconds{0});
         return milliseconds{50};
       },
       {}},
      {[this] { return engine_.step(); }, {}},
      {[this] {
         dispatcher_.step(milliseconds{0});
         return milliseconds{250};
       },
       {}},
  };
};

class Outages : public ::testing::TestWithParam<const char*> {};

TEST_P(Outages, AreNotAnsweredWithMoreCalls) {
  for (const auto code : kErrors) {
    OutageWorld world;
    const auto calls = world.calls(GetParam(), code, minutes{6});
    EXPECT_GE(calls, 1) << name_of(code) << ": the test does not reach it";
    EXPECT_LE(calls, 6 * kCallsMax) << name_of(code);
    EXPECT_TRUE(world.recovers()) << name_of(code);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Operations, Outages,
    ::testing::Values("ids.receive", "ids.ack", "ids.change_visibility", "ids.bury", "ids.depth",
                      "ids.send", "points.send", "points.receive", "points.ack", "points.bury",
                      "store.registry", "store.put_registry", "store.append", "store.close_minutes",
                      "store.read_tail", "store.read_minutes", "store.read_minute", "verdicts.put",
                      "verdicts.take_turn", "verdicts.read", "judge.ask", "alerts.take_turn",
                      "alerts.revision", "alerts.rules", "alerts.states", "alerts.record",
                      "alerts.due", "alerts.settle"),
    [](const auto& operation) {
      std::string name = operation.param;
      std::ranges::replace(name, '.', '_');
      return name;
    });

}  // namespace
}  // namespace ia
