#include "base/printable.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace ia {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};
// Unicode's general categories Cc (C1), Zl, Zp and Cf, as far as text in the wild has them.
constexpr std::array kInvisible = {
    Range{0x80, 0x9f},     Range{0xad, 0xad},      Range{0x61c, 0x61c},   Range{0x180e, 0x180e},
    Range{0x200b, 0x200f}, Range{0x2028, 0x202e},  Range{0x2060, 0x206f}, Range{0xfeff, 0xfeff},
    Range{0xfff9, 0xfffb}, Range{0xe0000, 0xe007f}};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Of a sequence that utf8_length accepts.
char32_t decoded(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return first;
  char32_t code = first & (0xffU >> (sequence.size() + 1));
  for (const char c : sequence.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return code;
}

bool is_invisible(char32_t code) {
  for (const auto& range : kInvisible) {
    if (range.first <= code && code <= range.last) return true;
  }
  return false;
}

std::string control_text(char c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  return fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

void append_printable(std::string& out, std::string_view sequence) {
  const auto code = decoded(sequence);
  if (code < 0x20 || code == 0x7f) {
    out += control_text(sequence.front());
  } else if (is_invisible(code)) {
    out += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(code));
  } else {
    out += sequence;
  }
}

std::string written_out(std::string_view text, std::string_view kept, std::string_view escaped) {
  std::string out;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const char first = text.front();
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(first));
    } else if (kept.contains(first)) {
      out += first;
    } else {
      if (escaped.contains(first)) out += '\\';
      append_printable(out, text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (const char c : text.substr(1, length - 1)) {
    if (!is_continuation(c)) return 0;
  }
  const auto code = decoded(text.substr(0, length));
  const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool is_surrogate = 0xd800 <= code && code <= 0xdfff;
  return is_overlong || is_surrogate || code > 0x10ffff ? 0 : length;
}

std::string printable(std::string_view text) { return written_out(text, "", ""); }

std::string printable_lines(std::string_view text) { return written_out(text, "\n", ""); }

std::string printable_quoted(std::string_view text) {
  return '"' + written_out(text, "", "\"\\") + '"';
}

std::string printable_ascii(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += control_text(c);
    }
  }
  return out;
}

}  // namespace ia
