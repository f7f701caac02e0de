#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ia {

// The first `bytes_max` bytes of what a server sent, for people: printable ASCII alone, with \n,
// \r, \t and \x1b for other bytes, so that neither a log, a terminal nor a page takes it for
// anything else, and "..." at the end if there is more. What looks like a secret (the values of
// Authorization, cookies, tokens, keys and passwords, and long runs of random characters) is
// "***".
std::string excerpt(std::string_view bytes, std::size_t bytes_max);

}  // namespace ia
