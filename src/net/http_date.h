#pragma once

#include <mutex>
#include <optional>
#include <string_view>

#include "ports/provider.h"

namespace ia {

// "Mon, 23 Nov 2026 00:01:30 GMT", as in Date and Retry-After; none for anything else.
std::optional<WallTime> parse_http_date(std::string_view text);

// The clock of the network, by the Dates of its replies. Thread-safe.
class NetworkClock {
 public:
  // Looks at a Date once a second; an empty one is none.
  void read(std::string_view date, MonoTime now);
  std::optional<NetworkTime> time() const;

 private:
  mutable std::mutex mutex_;
  std::optional<NetworkTime> time_;
};

}  // namespace ia
