// Ranks that are counted for long: what arrives, and when counting ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "api/api.h"
#include "http/test_client.h"
#include "testing/manual_clock.h"
#include "testing/memory_store.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Counts the first hour at once and each further one as long as it is held.
class HeldStore final : public Store {
 public:
  Result<std::vector<RankAt>> read_ranks(InfluencerId influencer, std::span<const Minute> all,
                                         const GoOn& go_on) const override {
    const bool is_first = ++looks == 1;
    while (!is_first && is_held) {
      if (!go_on()) {
        is_abandoned = true;
        return fail(Errc::kCancelled, "abandoned");
      }
      std::this_thread::yield();
    }
    if (!is_first && is_failing) return fail(Errc::kUnavailable, "held store: down");
    return store_.read_ranks(influencer, all, go_on);
  }
  mutable std::atomic<int> looks = 0;
  mutable std::atomic<bool> is_abandoned = false;
  std::atomic<bool> is_held = true;
  std::atomic<bool> is_failing = false;

  Result<Registry> registry() const override { return store_.registry(); }
  Status put_registry(const Registry& registry) override { return store_.put_registry(registry); }
  Result<AppendResult> append(std::span<const PointBatch> batches) override {
    return store_.append(batches);
  }
  Status close_minutes(MinuteRange range, MissReason reason) override {
    return store_.close_minutes(range, reason);
  }
  Result<bool> maintain(const UpkeepTime& time) override { return store_.maintain(time); }
  Result<Series> read_series(InfluencerId influencer, MinuteRange range) const override {
    return store_.read_series(influencer, range);
  }
  Result<std::vector<MissAt>> read_misses(InfluencerId influencer,
                                          std::span<const Minute> all) const override {
    return store_.read_misses(influencer, all);
  }
  Result<MinuteColumns> read_minute(Minute minute, const GoOn& go_on) const override {
    return store_.read_minute(minute, go_on);
  }
  Result<std::vector<MinuteStats>> read_minutes(MinuteRange range) const override {
    return store_.read_minutes(range);
  }
  Result<Latest> read_latest() const override { return store_.read_latest(); }
  Result<Tail> read_tail(TailCursor from) const override { return store_.read_tail(from); }
  Result<std::vector<Username>> find_usernames(std::string_view prefix,
                                               std::size_t count_max) const override {
    return store_.find_usernames(prefix, count_max);
  }
  Result<Minute> horizon() const override { return store_.horizon(); }
  Result<StoreSize> size() const override { return store_.size(); }

 private:
  MemoryStore store_{{.retention = std::chrono::days{30}}};
};

class Ranks : public ::testing::Test {
 protected:
  Ranks() {
    const auto begin = minute_of(clock.wall());
    for (int hour = 0; hour < 3; ++hour) {
      PointBatch batch;
      batch.minute = begin + hours{hour};
      batch.retrieved_at = batch.minute + seconds{1};
      batch.influencers = {InfluencerId{1}, InfluencerId{2}};
      batch.followers = {10 + hour, 20};
      batch.following = {1, 1};
      EXPECT_TRUE(store.append(std::span(&batch, 1)));
      leaderboard.apply(batch);
    }
    clock.advance(hours{3});
    board = leaderboard.publish(clock.wall());
    auto started = start_api({.port = 0}, {.store = store,
                                           .leaderboard = [this] { return board; },
                                           .not_ready_reasons = [] {
                                             return std::vector<std::string>{};
                                           },
                                           .pipeline = [] { return PipelineSummary{}; },
                                           .metrics = metrics,
                                           .log = log,
                                           .clock = clock,
                                           .version = "1.2.3"});
    EXPECT_TRUE(started);
    if (started) server = std::move(*started);
  }
  ~Ranks() override { store.is_held = false; }

  std::unique_ptr<TestClient> ask() {
    auto client = std::make_unique<TestClient>(server->port());
    client->send(
        "GET /api/v1/influencers/1/ranks?start=1767225600&step=1h HTTP/1.1\r\n"
        "Host: localhost\r\n\r\n");
    return client;
  }
  void await_looks(int count) {
    while (store.looks < count) std::this_thread::yield();
  }

  ManualClock clock;
  HeldStore store;
  Leaderboard leaderboard;
  std::shared_ptr<const LeaderboardSnapshot> board;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  std::unique_ptr<HttpServer> server;
};

TEST_F(Ranks, ArriveAsAWholeWhenTheyAreCountedSoon) {
  store.is_held = false;
  auto client = ask();
  const auto reply = client->read();
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.header("content-length"), "");
  EXPECT_THAT(reply.body, HasSubstr(R"("minute":"2026-01-01T02:00:00.000Z","rank":2,"of":2,)"));
}

TEST_F(Ranks, ArriveInPartsWhenTheyTakeLong) {
  auto client = ask();
  await_looks(2);
  clock.advance(seconds{2});
  const auto head = client->read();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.count("content-length"), 0U);
  const std::string first =
      R"({"id":1,"id_str":"1","start":"2026-01-01T00:00:00.000Z",)"
      R"("end":"2026-01-01T03:00:00.000Z","step_seconds":3600,"items":[)"
      R"({"minute":"2026-01-01T00:00:00.000Z","rank":2,"of":2,"follower_count":10,)"
      R"("closed":false,"damaged":false})";
  EXPECT_EQ(client->read_bytes(first.size()), first) << "before the second hour is counted";
  store.is_held = false;
  const auto rest = client->read_bytes(100'000);
  EXPECT_THAT(rest, StartsWith(R"(,{"minute":"2026-01-01T01:00:00.000Z")"));
  EXPECT_THAT(rest, EndsWith(R"("closed":false,"damaged":false}]})"));
  EXPECT_TRUE(client->is_closed());
  store.is_held = true;
  EXPECT_NE(ask()->read().header("content-length"), "") << "they are known now";
}

TEST_F(Ranks, AreCutShortWhenCountingFails) {
  auto client = ask();
  await_looks(2);
  clock.advance(seconds{2});
  EXPECT_EQ(client->read().status, 200);
  store.is_failing = true;
  store.is_held = false;
  EXPECT_THAT(client->read_bytes(100'000), EndsWith("}")) << "no JSON that looks whole";
  EXPECT_TRUE(client->is_closed());
}

TEST_F(Ranks, AreNotCountedAnyMoreWhenTheClientHasLeft) {
  {
    auto client = ask();
    await_looks(2);
    clock.advance(seconds{2});
    EXPECT_EQ(client->read().status, 200);
  }
  while (metrics.gauge("ia_http_streams", "").value() > 0) std::this_thread::yield();
  while (!store.is_abandoned) {
    clock.advance(seconds{1});
    std::this_thread::yield();
  }
  EXPECT_EQ(store.looks, 2);
}

}  // namespace
}  // namespace ia
