#pragma once

#include <string>
#include <string_view>

namespace ia {

// Letters of ASCII, whatever the locale; all other bytes stay as they are.
inline char lowered(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lowered(c);
  return out;
}

}  // namespace ia
