#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/api.h"
#include "app/config/config.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stage_thread.h"
#include "pipeline/alert_dispatcher.h"
#include "pipeline/alert_engine.h"
#include "ports/alert_store.h"
#include "ports/store.h"
#include "ports/webhook.h"

namespace ia {

// Rules, alerts and webhooks of a process that serves the API, with two threads of their own:
// "alerts" looks, "webhooks" sends. Of the processes that share a PostgreSQL one does that, and
// the next takes its turn when it ends; the others serve the rules and the log, and send tests.
class AlertLane {
 public:
  struct Sources {
    std::function<std::shared_ptr<const LeaderboardSnapshot>()> board;
    std::function<std::uint64_t()> board_looks;
    const VerdictBook& verdicts;
    const Store& history;
  };

  // What the sources name must outlive it.
  static Result<std::unique_ptr<AlertLane>> open(const Config& config, Sources sources,
                                                 const Clock& clock, Metrics& metrics, Log& log);
  ~AlertLane();
  AlertLane(const AlertLane&) = delete;
  AlertLane& operator=(const AlertLane&) = delete;

  // For the routes, which must not outlive it.
  AlertContext context();
  void start();
  // Ends what looks and sends, within half a second. What is under way is sent again later.
  void stop();

 private:
  AlertLane() = default;

  std::function<std::optional<std::string>(const std::string&)> refused_url_;
  std::unique_ptr<AlertStore> store_;
  std::unique_ptr<WebhookSender> sender_;
  std::unique_ptr<AlertEngine> engine_;
  std::unique_ptr<AlertDispatcher> dispatcher_;
  std::unique_ptr<StageThread> engine_thread_;
  std::unique_ptr<StageThread> dispatcher_thread_;
};

// Who may change something through the API.
WriteAccess write_access(const Config& config);

}  // namespace ia
