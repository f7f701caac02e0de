#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace ia {

inline constexpr std::chrono::seconds kRetryAfterMax{300};

// The wait that a Retry-After asks for, from 1 s to `most`: seconds ("120", also "1.5", rounded up,
// "-5" and numbers of any length) or an HTTP date (net/http_date.h), also one in the past. None for
// anything else.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, WallTime now,
                                                      std::chrono::seconds most = kRetryAfterMax);

// What a Retry-After said, and the wait that is used instead of it, for a log: "Retry-After
// \"86400\": waiting 300 s, the longest". `wait` is what parse_retry_after makes of `text`, which
// is empty for none.
std::string describe_retry_after(std::string_view text, std::optional<std::chrono::seconds> wait,
                                 std::chrono::milliseconds otherwise);

}  // namespace ia
