#pragma once

#include <functional>
#include <string>

#include "app/commands/scale_report.h"
#include "app/config/config.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

namespace ia {

struct TrialSurroundings {
  const Clock& clock;
  Log& log;
  // Waits 100 ms or so; false: stop now.
  std::function<bool()> go_on;
  std::function<void(const std::string& doing)> progress;
};

// One round of prove-scale, from making to removing everything: see prove_scale.h. kCancelled when
// it was to stop.
Result<ScaleRound> run_trial_round(const Config& config, std::uint32_t workers,
                                   const TrialSurroundings& surroundings);

}  // namespace ia
