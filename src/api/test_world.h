#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/api.h"
#include "http/test_client.h"
#include "testing/manual_clock.h"
#include "testing/memory_alert_store.h"
#include "testing/memory_store.h"

namespace ia {

// A served API on fakes: what is stored and published is what the test says. It is
// 2026-01-01 00:00 UTC at the start (epoch second 1767225600).
class TestWorld {
 public:
  struct Value {
    std::uint64_t id;
    std::int64_t followers;
    std::int64_t following;
  };

  explicit TestWorld(HttpServerOptions options = {}) : options_(std::move(options)) {
    options_.port = 0;
    snapshot_ = leaderboard_.publish(clock.wall());
  }

  void serve() {
    auto started = start_api(options_, context());
    if (started) {
      server_ = std::move(*started);
    } else {
      error = started.error().message;
    }
  }

  void watch(std::vector<IdRange> ranges) {
    Registry registry;
    registry.epoch = ++epoch_;
    registry.influencers = InfluencerSet(std::move(ranges));
    registered_ = registry.influencers.size();
    (void)store.put_registry(registry);
  }

  // Stores and publishes the values as retrieved in this minute.
  void add(Minute minute, const std::vector<Value>& values, std::vector<Username> names = {},
           std::vector<Miss> misses = {}) {
    PointBatch batch;
    batch.minute = minute;
    batch.retrieved_at = minute + std::chrono::seconds{20};
    for (const auto& value : values) {
      batch.influencers.push_back(InfluencerId{value.id});
      batch.followers.push_back(value.followers);
      batch.following.push_back(value.following);
    }
    batch.usernames = std::move(names);
    batch.misses = std::move(misses);
    (void)store.append(std::span(&batch, 1));
    for (const auto& name : batch.usernames) leaderboard_.set_username(name.influencer, name.name);
    leaderboard_.apply(batch);
    publish();
  }

  // Leaves those a rank only who are in `watched`, or have a value since then.
  void forget_unwatched(std::vector<IdRange> watched, WallTime since) {
    leaderboard_.forget_unwatched(InfluencerSet(std::move(watched)), since);
    publish();
  }

  void publish() {
    auto fresh = leaderboard_.publish(clock.wall());
    const std::scoped_lock lock(mutex_);
    snapshot_ = std::move(fresh);
  }

  // Everyone's growth between the two, as window 0 (an hour), 1 (a day) or 2 (a week).
  void set_movers(std::size_t window, Minute since, const std::vector<Value>& before,
                  bool is_damaged = false) {
    const std::scoped_lock lock(mutex_);
    MoversBase base(since);
    if (is_damaged) base.note_damage();
    for (const auto& value : before) {
      const InfluencerId id{value.id};
      base.add(*snapshot_, std::span(&id, 1), std::span(&value.followers, 1));
    }
    movers_[window] = std::make_shared<const Movers>(find_movers(*snapshot_, base, {}));
  }

  void set_reasons(std::vector<std::string> reasons) {
    const std::scoped_lock lock(mutex_);
    reasons_ = std::move(reasons);
  }

  // From now on no rule may be saved with this address.
  void refuse_url(std::string url) {
    const std::scoped_lock lock(mutex_);
    refused_url_ = std::move(url);
  }

  std::uint16_t port() const { return server_->port(); }
  HttpServer& server() { return *server_; }
  Reply get(std::string_view target, std::string_view headers = "",
            std::string_view method = "GET") {
    return TestClient(port()).get(target, headers, method);
  }
  Reply change(std::string_view method, std::string_view target, std::string_view body = "",
               std::string_view headers = "Content-Type: application/json\r\n") {
    return TestClient(port()).change(method, target, body, headers);
  }
  Minute now_minute() const { return minute_of(clock.wall()); }

  ManualClock clock;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  static constexpr std::chrono::days kRetention{30};
  MemoryStore store{{.retention = kRetention}};
  VerdictBook verdicts;
  MemoryAlertStore alerts;
  // What receivers of tests say; and what was sent to them.
  WebhookReply webhook_reply{.kind = WebhookReply::Kind::kDelivered, .status = 204};
  std::vector<Webhook> webhooks;
  WriteAccess writes;
  std::string error;
  std::shared_ptr<const JumpCandidates> jumps = std::make_shared<JumpCandidates>();

 private:
  ApiContext context() {
    return {
        .store = store,
        .leaderboard =
            [this] {
              const std::scoped_lock lock(mutex_);
              return snapshot_;
            },
        .movers =
            [this] {
              const std::scoped_lock lock(mutex_);
              return movers_;
            },
        .not_ready_reasons =
            [this] {
              const std::scoped_lock lock(mutex_);
              return reasons_;
            },
        .pipeline =
            [this] {
              PipelineSummary summary;
              summary.registered = registered_.load();
              summary.id_queue = QueueDepth{.visible = 3, .in_flight = 2, .delayed = 5};
              summary.queue_cost = QueueCost{.processes = 4,
                                             .requests_per_day = 1'000'000,
                                             .usd_per_day = 0.4,
                                             .message_each_usd_per_day = 172.8};
              summary.workers = {
                  {.process = "here:1:a",
                   .report = {.stage = "fetch", .upstream_requests = 7},
                   .upstream_share = 100,
                   .renewed_at = clock.wall()},
                  {.process = "there:2:b", .report = {.stage = "api"}, .renewed_at = clock.wall()}};
              summary.failure_examples = {{.reason = MissReason::kMalformed,
                                           .influencer = InfluencerId{7},
                                           .status = 200,
                                           .text = "<html>\\x1b",
                                           .at = clock.wall(),
                                           .count = 41},
                                          {.reason = MissReason::kConnection,
                                           .influencer = InfluencerId{8},
                                           .text = "refused",
                                           .at = clock.wall(),
                                           .count = 1}};
              return summary;
            },
        .metrics = metrics,
        .log = log,
        .clock = clock,
        .version = "1.2.3",
        .verdicts = &verdicts,
        .signals = {},
        .jumps = [this] { return jumps; },
        .alerts = {.store = &alerts,
                   .test =
                       [this](Webhook webhook, const std::function<void(WebhookReply)>& tell) {
                         webhooks.push_back(std::move(webhook));
                         tell(webhook_reply);
                         return true;
                       },
                   .make_id = [] { return "msg_test"; },
                   .refused_url = [this](const std::string& url) -> std::optional<std::string> {
                     const std::scoped_lock lock(mutex_);
                     if (url.empty() || url != refused_url_) return std::nullopt;
                     return "is refused by the test";
                   }},
        .writes = writes};
  }

  HttpServerOptions options_;
  std::string refused_url_;
  Leaderboard leaderboard_;
  std::mutex mutex_;
  std::shared_ptr<const LeaderboardSnapshot> snapshot_;
  MoversSnapshot movers_;
  std::vector<std::string> reasons_;
  std::atomic<std::uint64_t> registered_ = 0;
  std::uint64_t epoch_ = 0;
  std::unique_ptr<HttpServer> server_;
};

// The scripts and styles that a page names, in its order.
inline std::vector<std::string> asset_paths(std::string_view page) {
  std::vector<std::string> found;
  for (auto at = page.find("/assets/"); at != std::string_view::npos;
       at = page.find("/assets/", at + 1)) {
    found.emplace_back(page.substr(at, page.find('"', at) - at));
  }
  return found;
}

}  // namespace ia
