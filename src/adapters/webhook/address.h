#pragma once

#include <sys/socket.h>

#include <string>

namespace ia {

// Whether an address is one of the public internet: not private, shared, loopback, link-local,
// multicast, reserved, or for documentation (RFC 6890 and its registries). An IPv6 address that
// wraps an IPv4 one is what that one is.
bool is_public(const sockaddr& address);

// "192.0.2.1", "2001:db8::1"; what is neither IPv4 nor IPv6 is "an unknown address".
std::string shown(const sockaddr& address);

}  // namespace ia
