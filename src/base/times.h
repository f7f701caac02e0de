#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace ia {

// Times as the API reads and writes them. Years 1970 to 9999.

// "1767225600", "1767225600.25" (epoch seconds) or RFC 3339: "2026-01-01T00:00:00Z",
// "2026-01-01T02:00:00.5+02:00". Finer than a millisecond is cut off. The error is half a
// sentence for people: what is wrong and what is allowed.
std::expected<WallTime, std::string_view> parse_instant(std::string_view text);

// "2026-01-01T00:00:00.250Z"; without milliseconds when they are 0 and `always_millis` is false.
void append_time(std::string& out, WallTime time, bool always_millis = true);

// "300", "300s", "5m", "1h", "1d": a duration. Nothing for anything else or more than 9 digits.
std::optional<std::chrono::seconds> parse_step(std::string_view text);

}  // namespace ia
