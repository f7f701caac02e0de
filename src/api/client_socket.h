#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ia {

// What the kernel knows of the other end of connected TCP sockets.

// The client as RateLimiter counts it; 0 when it is not connected.
std::uint64_t client_of(int socket);

// The indexes of those whose client has closed its side or is gone, whatever it sent before. One
// system call, about 0.1 us a socket.
std::vector<std::size_t> abandoned(std::span<const int> sockets);

}  // namespace ia
