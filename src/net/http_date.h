#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace ia {

// "Mon, 23 Nov 2026 00:01:30 GMT", as in Date and Retry-After; none for anything else.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace ia
