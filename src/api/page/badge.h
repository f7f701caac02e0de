#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace ia {

struct Badge {
  struct Value {
    std::int64_t followers = 0;
    std::optional<std::int64_t> day_change{};  // in the 24 hours before; nothing when unknown
    bool is_damaged = false;  // it is unknown, as the values of the day before are damaged
    WallTime as_of;
  };
  std::string_view name;         // any bytes
  std::optional<Value> value{};  // nothing: there is none yet
};

// A picture (SVG) of one line, 24 px high: name, followers, change in 24 hours; all of it and the
// time of the value as its title. Light or dark as the viewer's system is; loads nothing. Of the
// name at most 24 characters are shown, and whatever XML cannot say becomes U+FFFD.
std::string draw_badge(const Badge& badge);

}  // namespace ia
