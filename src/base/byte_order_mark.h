#pragma once

#include <string_view>

namespace ia {

// JSON has none (RFC 8259, section 8.1). Newer versions of simdjson pass over it and older ones do
// not, so text that begins with one is refused before it is parsed.
inline bool has_byte_order_mark(std::string_view text) { return text.starts_with("\xef\xbb\xbf"); }

}  // namespace ia
