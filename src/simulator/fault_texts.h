#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace ia {

// The pieces that the texts of faults are made of. Errors are kInvalid and say what was expected.

// Cut to a length that fits into a message.
std::string in_quotes(std::string_view text);
std::string_view trimmed(std::string_view text);

// "500us", "20ms", "1.5s", "2m" or "0"; an hour at most.
Result<std::chrono::microseconds> parse_time(std::string_view text);

struct TimeRange {
  std::chrono::microseconds low;
  std::chrono::microseconds high;
};
// "1ms-20ms".
Result<TimeRange> parse_time_range(std::string_view text);

// From 0 to `most`.
Result<double> parse_number(std::string_view text, double most);

// The pieces between commas, trimmed, until one is an error. Empty text has none.
Status for_each_piece(std::string_view text,
                      const std::function<Status(std::string_view piece)>& take);

inline constexpr auto kFaultTimeMax = std::chrono::microseconds(std::chrono::hours(1));

}  // namespace ia
