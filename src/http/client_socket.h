#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace ia {

// The indexes of the connected TCP sockets whose client has closed its side or is gone, whatever it
// sent before. One system call, about 0.1 us a socket.
std::vector<std::size_t> abandoned(std::span<const int> sockets);

}  // namespace ia
