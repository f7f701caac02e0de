#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ia {

// The content codings that are undone here.
enum class Coding : std::uint8_t {
  kGzip,     // RFC 1952, with any number of members
  kDeflate,  // RFC 1950, or RFC 1951 without its wrapper, as some servers send
};

// Replaces `out` with what `bytes` decode to. Returns false if they are damaged, cut, followed by
// other bytes, or decode to more than `bytes_max`: then `out` means nothing, and no more than a few
// KiB beyond `bytes_max` were used for it.
bool decode(Coding coding, std::string_view bytes, std::size_t bytes_max, std::string& out);

}  // namespace ia
