#include "base/printable.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/utf8.h"

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

// Of a sequence that utf8_bytes accepts.
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
    const auto length = utf8_bytes(text);
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

std::string excerpt(std::string_view text) {
  constexpr std::size_t kExcerptMax = 64;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '\'';
    const std::size_t width = plain ? 1 : 4;
    if (out.size() + width > kExcerptMax) return out + "...";
    if (plain) {
      out.push_back(c);
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace ia
