#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"

namespace ia {

// The written forms of values. A parser returns nothing for what it does not understand; whoever
// asked says what is allowed.

// "250ms", "60s", "5m", "24h", "30d": a whole number and one unit. "0" needs none.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// In the largest unit that gives a whole number.
std::string format_duration(std::chrono::milliseconds duration);

// "512MiB", "2GiB", "1000", "1000B": bytes, in powers of 1024.
std::optional<std::uint64_t> parse_size(std::string_view text);
// Rounded to a tenth of the largest unit that fits: "1.5GiB". `bytes` is below 2^60.
std::string format_size(std::uint64_t bytes);

std::optional<std::uint64_t> parse_whole_number(std::string_view text);
// Decimal, finite, not negative.
std::optional<double> parse_number(std::string_view text);
// on, off, true, false.
std::optional<bool> parse_switch(std::string_view text);

// Where a server listens. Port 0: any free one.
struct Address {
  std::string host;  // an IP address, without brackets
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
};
// "127.0.0.1:8080", "[::1]:8080".
std::optional<Address> parse_address(std::string_view text);
std::string format_address(const Address& address);
bool is_loopback(const Address& address);
// Both cannot be listened on at the same time.
bool clash(const Address& a, const Address& b);

// An instant, or so long before now.
using TimeBound = std::variant<WallTime, std::chrono::milliseconds>;
// "1700000000" and "1700000000.5" (epoch seconds), "2024-01-31T12:00:00Z", "...+02:00", "-1h",
// "now".
std::optional<TimeBound> parse_time_bound(std::string_view text);
WallTime resolve(const TimeBound& bound, WallTime now);

// A URL with what stands before its "@" replaced by ***.
std::string mask_credentials(std::string_view url);

// A connection string of PostgreSQL, of either form, with each password in it replaced by ***.
std::string mask_passwords(std::string_view connection);

// The one of `names` that was probably meant, nothing when none is near.
std::optional<std::string> nearest(std::string_view wrong, std::span<const std::string> names);

}  // namespace ia
