#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/jump_watch.h"
#include "core/leaderboard.h"
#include "core/movers.h"
#include "core/own_signals.h"
#include "core/verdict_book.h"
#include "http/server.h"
#include "ports/alert_store.h"
#include "ports/fleet.h"
#include "ports/provider.h"
#include "ports/queue.h"
#include "ports/store.h"
#include "ports/webhook.h"

namespace ia {

// What the queues cost at list price, all processes together.
struct QueueCost {
  std::uint64_t processes = 0;  // that were counted
  double requests_per_day = 0;  // as the queue's owner bills them
  double usd_per_day = 0;
  double message_each_usd_per_day = 0;  // at one message an influencer
};

// What the process that serves the API knows of the pipeline behind it. What it does not know
// stays empty and is null in the answers.
struct PipelineSummary {
  std::optional<std::uint64_t> registered;  // influencers that are watched
  std::optional<QueueDepth> id_queue;
  std::optional<QueueDepth> point_queue;
  std::optional<QueueCost> queue_cost;                          // not of queues that cost nothing
  std::optional<std::vector<FleetEntry>> workers;               // the processes that are alive
  std::optional<std::vector<FailureExample>> failure_examples;  // of fetches in this process
};

// Who may change something: whoever knows the token. Without one, whoever is on this machine, as
// long as the server listens to nobody else and it is not a page of somebody else that asks.
struct WriteAccess {
  std::string token{};  // empty: none is set
  bool listens_on_loopback = true;
};

struct AlertContext {
  AlertStore* store = nullptr;  // none: the paths of alerts answer 503
  // Sends once, soon, and tells the outcome, perhaps from another thread. False: too many wait.
  // Empty: this process sends nothing.
  std::function<bool(Webhook, std::function<void(WebhookReply)>)> test{};
  std::function<std::string()> make_id{};  // of messages
  // Why no alert may be sent to this URL, which completes "url ..."; none where one may. Empty: all
  // are taken.
  std::function<std::optional<std::string>(const std::string& url)> refused_url{};
};

// What the routes answer from. The functions are called from every server thread, some of them
// for each request: they must be quick and never block on I/O, except `pipeline`, which is called
// at most once a second.
struct ApiContext {
  const Store& store;
  std::function<std::shared_ptr<const LeaderboardSnapshot>()> leaderboard;
  std::function<MoversSnapshot()> movers = [] { return MoversSnapshot{}; };
  std::function<std::vector<std::string>()> not_ready_reasons;  // none: ready
  std::function<PipelineSummary()> pipeline;
  Metrics& metrics;
  Log& log;
  const Clock& clock;
  std::string version;
  const VerdictBook* verdicts = nullptr;  // none: the answers have no verdicts
  SignalThresholds signals{};
  std::function<std::shared_ptr<const JumpCandidates>()> jumps = [] {
    return std::make_shared<const JumpCandidates>();
  };
  AlertContext alerts{};
  WriteAccess writes{};
  // The store or a queue is another machine's: no read of it is done on a thread of the server.
  bool reads_may_wait = false;
};

// The handler that answers every path of docs/openapi.json. Safe to call from any thread. The
// context's references must outlive it.
HttpHandler make_api_handler(ApiContext context);

// The routes' names, for the metrics of the server that make_api_handler's handler answers for.
std::vector<std::string> api_route_names();

// Serves the API until the server is stopped or destroyed.
Result<std::unique_ptr<HttpServer>> start_api(const HttpServerOptions& options, ApiContext context);

}  // namespace ia
