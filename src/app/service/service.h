#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"

namespace ia {

// Which stages this process runs.
struct Stages {
  bool seed = false;
  bool fetch = false;
  bool sink = false;
  bool check = false;
  bool api = false;
};

// The stages, wired to the parts that the config names, each on its own named thread
// (docs/architecture.md, Threads). Starting fails as a whole: nothing stays behind.
class Service {
 public:
  static Result<std::unique_ptr<Service>> start(const Config& config, Stages stages,
                                                const Clock& clock, Metrics& metrics, Log& log);
  // Drains: see stop.
  ~Service();

  // Housekeeping of the process itself: epoch, disk space, the report. Call it
  // several times a second from one thread.
  void tick();

  // Stops taking work, finishes what is in flight or gives it back, stores what was fetched,
  // lets requests end. At most some 20 s.
  void stop();

  // Why the process has to end and be started again, or none: what it has open can serve no more.
  std::optional<std::string> restart_reason() const;

  std::string api_url() const;  // empty without the api stage
  std::uint64_t whole_minutes() const;
  // Why what it does is of no use right now. Empty when it is. From any thread.
  std::vector<std::string> not_ready_reasons() const;
  // Names the stages whose thread has been in one step for longer than any statement or request
  // may take: they no longer do their work. Empty when all is well. From any thread.
  std::string trouble() const;

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
