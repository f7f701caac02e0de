#pragma once

#include <string>

#include "base/error.h"

namespace ia {

// Asks a running process for its health, as a container's health check does: GET of `url`, which
// is /healthz of the API or of --metrics-listen. Returns what to print when it answers 200 within
// 4 s, kUnavailable with the reason otherwise. No proxy is used.
Result<std::string> ask_health(const std::string& url);

}  // namespace ia
