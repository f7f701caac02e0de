#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "api/api.h"
#include "app/config.h"
#include "app/lock_file.h"
#include "app/stage_thread.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/alert_dispatcher.h"
#include "pipeline/alert_engine.h"
#include "ports/alert_store.h"
#include "ports/store.h"
#include "ports/webhook.h"

namespace ia {

// Rules, alerts and webhooks of a process that serves the API, with two threads of their own:
// "alerts" looks, "webhooks" sends. One process does that: of a data directory (the lock "alerts";
// a further one only serves the rules and the log), or of all that share a PostgreSQL, where the
// next one takes its turn when it ends.
class AlertLane {
 public:
  struct Sources {
    std::function<std::shared_ptr<const LeaderboardSnapshot>()> board;
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

  std::optional<LockFile> lock_;
  std::function<bool()> has_turn_ = [] { return true; };
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
