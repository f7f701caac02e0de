#pragma once

#include <string_view>

namespace ia {

// JSON has none (RFC 8259, section 8.1). Newer versions of simdjson pass over it and older ones do
// not, so every text is looked at before it is parsed.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// For what we write ourselves, or what is to be repaired by its sender.
inline bool has_byte_order_mark(std::string_view text) { return text.starts_with(kByteOrderMark); }

// For replies of others: a parser may ignore the mark, and common clients do. Removes several, too,
// as a version of simdjson that passes over one would find the next.
inline std::string_view without_byte_order_mark(std::string_view text) {
  while (has_byte_order_mark(text)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

}  // namespace ia
