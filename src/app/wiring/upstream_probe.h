#pragma once

#include "app/commands/doctor.h"
#include "app/config/config.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

namespace ia {

// Asks the network for one influencer, as a fetcher would. Where that fails although a server
// answers, the error says what it answered.
Result<UpstreamReply> probe_upstream(const Config& config, const Clock& clock, Log& log);

}  // namespace ia
