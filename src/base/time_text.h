#pragma once

#include <string>

#include "base/clock.h"

namespace ia {

// Times in UTC as text for logs, files and answers, cut to whole seconds. They are spelled here
// and not by a library, since the chrono formats of libfmt differ from one version to the next.

std::string date_text(WallTime time);         // "2026-11-30"
std::string clock_text(WallTime time);        // "15:02:52"
std::string hour_minute_text(WallTime time);  // "15:02"
std::string timestamp_text(WallTime time);    // "2026-11-30T15:02:52Z" (RFC 3339)
std::string http_date(WallTime time);         // "Mon, 30 Nov 2026 15:02:52 GMT" (RFC 9110)

}  // namespace ia
