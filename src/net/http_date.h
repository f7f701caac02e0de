#pragma once

#include <mutex>
#include <optional>
#include <string_view>

#include "ports/provider.h"

namespace ia {

// A date as in Date and Retry-After, in any of the three forms that RFC 9110 (section 5.6.7) has a
// recipient accept: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" and
// "Sun Nov  6 08:49:37 1994". Letters may have any case, and UTC stands for GMT. `now` tells which
// century two digits of a year are in. None for anything else; independent of the locale.
std::optional<WallTime> parse_http_date(std::string_view text, WallTime now);

// The clock of the network, by the Dates of its replies. Thread-safe.
class NetworkClock {
 public:
  // Looks at a Date once per second; an empty one is none. `wall` is our own clock.
  void read(std::string_view date, WallTime wall, MonoTime now);
  std::optional<NetworkTime> time() const;

 private:
  mutable std::mutex mutex_;
  std::optional<NetworkTime> time_;
};

}  // namespace ia
