#include "http/target.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/http_head.h"

namespace ia {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What is behind "http://", in any case; nothing when it does not begin so.
std::optional<std::string_view> without_scheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (http1::equals(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> authority_of(std::string_view target) {
  const auto rest = without_scheme(target);
  if (!rest) return std::nullopt;
  return rest->substr(0, rest->find_first_of("/?#"));
}

std::optional<Target> split_target(std::string_view target) {
  if (target.find('#') != target.npos) return std::nullopt;
  const auto authority = authority_of(target);
  auto rest = authority ? without_scheme(target)->substr(authority->size()) : target;
  if (!rest.starts_with('/') && !authority) return std::nullopt;
  const auto question = rest.find('?');
  const auto path = rest.substr(0, question);
  rest.remove_prefix(question == rest.npos ? rest.size() : question + 1);
  return Target{path.empty() ? "/" : path, rest};
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::optional<std::string> unescape_query(std::string_view text) {
  std::string blanks(text);
  std::ranges::replace(blanks, '+', ' ');
  return unescape(blanks);
}

QueryPiece next_piece(std::string_view& query) {
  const auto end = query.find('&');
  const auto piece = query.substr(0, end);
  query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  const auto equals = piece.find('=');
  if (equals == std::string_view::npos) return {piece, {}};
  return {piece.substr(0, equals), piece.substr(equals + 1)};
}

}  // namespace ia
